"""`[scale]`, typed: this process or a Dask cluster, and the memory they may use."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runtime.memory import DEFAULT_MAX_MEMORY, MemoryBudget, MemorySize


class Scale(BaseModel):
    """`[scale]`: where the work that grows with the number of members is done (docs/scale.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    engine: Literal["local", "dask"] = Field(
        default="local", description="local: in this process; dask: on a Dask cluster. All keys below but max_memory need dask."
    )
    max_memory: MemorySize = Field(
        default=DEFAULT_MAX_MEMORY, description="What a run of this process may use, such as 4GiB or 1536MiB."
    )
    address: str | None = Field(
        default=None, description="Scheduler of a cluster, `tls://host:8786` or `tcp://host:8786`; without one, a cluster here."
    )
    tls_ca: str | None = Field(default=None, description="For `tls://`: file with the authority's certificate.")
    tls_cert: str | None = Field(default=None, description="For `tls://`: file with our certificate.")
    tls_key: str | None = Field(default=None, description="For `tls://`: file with its key.")
    workers: int = Field(default=2, ge=1, description="Processes of the cluster here.")
    worker_memory: MemorySize = Field(default="2GiB", description="Memory of each of them, such as 2GiB.")
    bucket_members: int = Field(default=100_000, ge=1, description="Members that are worked on at once.")

    @property
    def budget(self) -> MemoryBudget:
        """`max_memory`, shared out."""
        return MemoryBudget.of(self.max_memory)

    @model_validator(mode="after")
    def _only_what_means_something(self) -> Self:
        set_keys = self.model_fields_set
        here, tls = {"workers", "worker_memory"}, {"tls_ca", "tls_cert", "tls_key"}
        of_dask = {"address", "bucket_members"} | here | tls
        if self.engine == "local" and set_keys & of_dask:
            raise ValueError(f'{_named(set_keys & of_dask)} needs engine = "dask"')
        if self.address is None:
            if set_keys & tls:
                raise ValueError(f"{_named(set_keys & tls)} needs an address; a cluster here makes its own certificates")
            return self
        if set_keys & here:
            raise ValueError(f"{_named(set_keys & here)} is for a cluster here; the one at the address has its own")
        if not re.fullmatch(r"(tcp|tls)://[^/\s:]+:\d{1,5}", self.address):
            raise ValueError(f"{self.address!r} is not the address of a scheduler, such as tls://host:8786")
        if self.address.startswith("tls://") != (set_keys >= tls) or (set_keys & tls and not set_keys >= tls):
            raise ValueError("a tls:// address, and no other, needs `tls_ca`, `tls_cert` and `tls_key`")
        return self


def _named(keys: set[str]) -> str:
    return ", ".join(f"`{key}`" for key in sorted(keys))
