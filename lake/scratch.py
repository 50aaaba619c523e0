"""What a night with a crew leaves in the lake for its workers, and takes away again when it is done."""

from __future__ import annotations

from typing import Final

from lake.storage.delta import Lake
from lake.storage.snapshots import LOG

SCRATCH_PREFIX: Final = "tonight_"


def drop_scratch_tables(lake: Lake) -> None:
    """Remove the tables of the night; those of one that was killed too."""
    tables = [name for name in lake.storage().folders() if name.startswith(SCRATCH_PREFIX)]
    for table in tables:
        storage = lake.storage(table)
        # The log first: a table without it is none, however far this comes.
        for stored in sorted(storage.files(), key=lambda one: not one.name.startswith(f"{LOG}/")):
            storage.remove(stored.name)
        storage.remove_empty_folders(but="")
    if tables:
        lake.storage().remove_empty_folders(but="")
