"""The lists about people that are no contact list: whom to thank, who may rise, who looks like a bot; CSV and Excel.

A list without rows is not written: most nights have nobody to suspect.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import polars as pl

from outputs.excel import write_excel
from wording.texts import fill

SUSPECTED_BOTS: Final = "suspected_bots"
READY: Final = "ready_to_rise"
RECOGNITION: Final = "recognition"
BADGES_LIST: Final = "badges"
BOARD: Final = "board.html"

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
    RECOGNITION: {
        "as_of": pl.Date(),
        "member_id": pl.String(),
        "display_name": pl.String(),
        "kind": pl.String(),
        "reason": pl.String(),
        "on_board": pl.Boolean(),
    },
    BADGES_LIST: {
        "as_of": pl.Date(),
        "member_id": pl.String(),
        "display_name": pl.String(),
        "points": pl.Int64(),
        "level": pl.String(),
        "badges": pl.String(),
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
        write_excel(folder / f"{name}.xlsx", rows, title=fill(f"sheet.{name}"), currency=None)
        written += [f"{name}.csv", f"{name}.xlsx"]
    return written


def write_board(folder: Path, recognition: pl.DataFrame | None, *, community: str | None) -> list[str]:
    """Write the board page, which may be published; return its name, or nothing where nobody agreed to be named.

    It names whom `on_board` says and nobody else, and holds no id and nothing that is loaded from elsewhere.

    Args:
        folder: The folder of the night's lists.
        recognition: Rows of the recognition list, in their order, with names as they are.
        community: The community's name.
    """
    shown = None if recognition is None else recognition.filter(pl.col("on_board").fill_null(value=False))
    if shown is None or shown.is_empty() or community is None:
        return []
    groups = [
        (kind, list(rows.select("display_name", "reason").iter_rows()))
        for (kind,), rows in shown.group_by("kind", maintain_order=True)
    ]
    # The templates where a page is written; most who write lists write none.
    from outputs.report.frame import render

    page = render("board.html.j2", community=community, night=shown["as_of"][0], groups=groups)
    (folder / BOARD).write_text(page, encoding="utf-8")
    return [BOARD]
