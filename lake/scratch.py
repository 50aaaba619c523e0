"""What a night with a crew leaves in the lake for its workers, and takes away again when it is done."""

from __future__ import annotations

from typing import Final

from lake.storage.delta import Lake
from lake.storage.snapshots import LOG

LEAVINGS: Final = "tonight_"


def put_away(lake: Lake) -> None:
    """Remove the tables of the night; those of one that was killed too."""
    tables = [name for name in lake.place().folders() if name.startswith(LEAVINGS)]
    for table in tables:
        place = lake.place(table)
        # The log first: a table without it is none, however far this comes.
        for stored in sorted(place.files(), key=lambda one: not one.name.startswith(f"{LOG}/")):
            place.remove(stored.name)
        place.remove_empty_folders(but="")
    if tables:
        lake.place().remove_empty_folders(but="")
