"""The lists about people that are no contact list: whom to thank, and who looks like a bot; CSV, and Excel beside it.

A list without rows is not written: most nights have nobody to suspect.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from outputs.excel import write_excel

SUSPECTED_BOTS: Final = "suspected_bots"
READY: Final = "ready_to_rise"

PEOPLE_SCHEMAS: Final[Mapping[str, Mapping[str, pl.DataType]]] = {
    SUSPECTED_BOTS: {
        "as_of": pl.Date(),
        "member_id": pl.String(),
        "display_name": pl.String(),
        "reason": pl.String(),
        "event_count_90d": pl.Int64(),
        "setting": pl.String(),
    },
    READY: {
        "as_of": pl.Date(),
        "member_id": pl.String(),
        "display_name": pl.String(),
        "tier": pl.String(),
        "next_tier": pl.String(),
        "reason": pl.String(),
    },
}


def write_people_lists(folder: Path, lists: Mapping[str, pl.DataFrame], *, bom: bool) -> list[str]:
    """Write the lists that have rows, in the order of their rows; return the names of the files.

    Args:
        folder: The folder of the night's lists.
        lists: Name of a list in `PEOPLE_SCHEMAS` → its rows as text that no spreadsheet takes for a formula.
        bom: Whether the CSV files begin with a byte-order mark.
    """
    written = []
    for name, rows in lists.items():
        if rows.is_empty():
            continue
        rows.write_csv(folder / f"{name}.csv", include_bom=bom)
        write_excel(folder / f"{name}.xlsx", rows, title=name.replace("_", " ").capitalize(), currency=None)
        written += [f"{name}.csv", f"{name}.xlsx"]
    return written
