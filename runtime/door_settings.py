"""`[door]`, typed: where `evenfall up` listens, and who may come in."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
_HASH: Final = re.compile(r"\$\{\w+\}|\$argon2id\$\S+")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")


class Door(BaseModel):
    """`[door]`: one address for lists, figures, notebooks, MLflow and Prefect (docs/door.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        description="Address of this machine to listen on; any but 127.0.0.1, ::1 and localhost needs `password_hash`.",
    )
    port: int = Field(default=8765, ge=1, le=65535, description="Port to listen on.")
    password_hash: str | None = Field(
        default=None,
        description="Argon2 hash of the password, as `evenfall up --hash-password` prints it, or `${NAME}`, read from the "
        "environment. Without it the address that is printed carries a token.",
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Other names by which the pages may be asked for, such as `evenfall.example` behind a reverse proxy; needs "
        "`password_hash`.",
    )
    session_hours: int = Field(default=12, ge=1, le=720, description="Hours until whoever signed in has to do it again.")

    @property
    def is_local(self) -> bool:
        """Return whether nobody but this machine can reach the door."""
        return is_this_machine(self.host) and not self.allowed_hosts

    @model_validator(mode="after")
    def _closed_without_a_password(self) -> Self:
        if self.password_hash is not None and not _HASH.fullmatch(self.password_hash):
            raise ValueError(
                "`password_hash` is no argon2 hash; make one with `evenfall up --hash-password`, or name a variable as ${NAME}"
            )
        for name in self.allowed_hosts:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} in `allowed_hosts` is not a name; write it without https:// and without a port")
        if not self.is_local and self.password_hash is None:
            raise ValueError("others can reach this door: set `password_hash`; `evenfall up --hash-password` makes one")
        if _is_everywhere(self.host) and not self.allowed_hosts:
            raise ValueError(f"host {self.host!r} needs `allowed_hosts`: the names or addresses by which the pages are asked for")
        return self


def is_this_machine(host: str) -> bool:
    """Return whether an address to listen on is reached from this machine alone."""
    return host in THIS_MACHINE


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
