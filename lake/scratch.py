"""Scratch tables: what a night with the Dask executor writes to the lake for its workers, and removes when it is done."""

from __future__ import annotations

from typing import Final

from lake.storage.delta import Lake
from lake.storage.snapshots import LOG

SCRATCH_PREFIX: Final = "tonight_"


def drop_scratch_tables(lake: Lake) -> None:
    """Remove the scratch tables of this night and of nights that were killed."""
    tables = [name for name in lake.storage().folders() if name.startswith(SCRATCH_PREFIX)]
    for table in tables:
        storage = lake.storage(table)
        # The log first: without it the folder is no table, even if the process is killed before the data files are removed.
        for file in sorted(storage.files(), key=lambda stored: not stored.name.startswith(f"{LOG}/")):
            storage.remove(file.name)
        storage.remove_empty_folders(but="")
    if tables:
        lake.storage().remove_empty_folders(but="")
