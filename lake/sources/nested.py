"""Values of an export that expressions read: columns, fields nested in them, and JSON written inside a text column."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import polars as pl

from lake.sources.casting import as_text, without_blanks
from lake.sources.sql_grammar import Path, Step


class AbsentError(LookupError):
    """There is no such column or field.

    Args:
        name: What was asked for.
        held: The names that there are.
        within: The column whose fields they are, or None for the export's columns.
    """

    def __init__(self, name: str, *, held: Sequence[str], within: str | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.held = held
        self.within = within


@dataclass(frozen=True)
class ExportValue:
    """One value per row of the export.

    Args:
        label: How people call it.
        values: The values, null where nothing is said.
        unread: True where text was there that is no JSON; None where none had to be read.
        written: What stands in the export.
    """

    label: str
    values: pl.Series
    unread: pl.Series | None
    written: pl.Series


def value_of(rows: pl.DataFrame, path: Path) -> ExportValue:
    """Read a column, or what is nested in it.

    One value per row. A field that a JSON text lacks is null; text that is no JSON is null and marked in `unread`.

    Raises:
        AbsentError: The export has no such column, or the column no such field.
    """
    column, steps = _column(rows, path)
    found, unread = rows[column], None
    for place, step in enumerate(steps):
        # A point asks for the field of a record; only an arrow says that a text is JSON.
        if found.dtype == pl.String and place >= len(steps) - len(path.steps):
            found, unread = _from_json(found, steps[place:])
            break
        found = _step_into(found, step, within=column)
    label = column if not steps else str(path)
    return ExportValue(label, without_blanks(found), unread, rows[column] if unread is not None else found)


def _column(rows: pl.DataFrame, path: Path) -> tuple[str, list[Step]]:
    """The column, and the steps into it: names joined by points are fields, unless a column is called so."""
    names = path.names
    for taken in range(len(names), 0, -1):
        column = ".".join(names[:taken])
        if column in rows.columns:
            return column, [*(Step(name) for name in names[taken:]), *path.steps]
    raise AbsentError(".".join(names), held=rows.columns)


def _step_into(values: pl.Series, step: Step, *, within: str) -> pl.Series:
    if values.dtype == pl.Null:
        return values
    if isinstance(values.dtype, pl.Struct):
        fields = [field.name for field in values.dtype.fields]
        if step.key not in fields:
            raise AbsentError(str(step.key), held=fields, within=within)
        found = values.struct.unnest().get_column(str(step.key))
    elif isinstance(values.dtype, pl.List) and isinstance(step.key, int):
        found = values.list.get(step.key, null_on_oob=True)
    else:
        raise AbsentError(str(step.key), held=(), within=within)
    return as_text(found) if step.as_text else found


def _from_json(texts: pl.Series, steps: Sequence[Step]) -> tuple[pl.Series, pl.Series]:
    """What each text's JSON holds at the steps, as text; and where there was text that is no JSON."""
    values: list[str | None] = []
    unread: list[bool] = []
    for text in without_blanks(texts):
        try:
            value = None if text is None else _at(json.loads(text, parse_constant=_no_json), steps)
        except (ValueError, RecursionError):
            values.append(None)
            unread.append(True)
        else:
            values.append(value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            unread.append(False)
    return pl.Series(values, dtype=pl.String), pl.Series(unread, dtype=pl.Boolean)


def _at(value: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(str(step.key))
        elif isinstance(value, list) and isinstance(step.key, int):
            value = value[step.key] if step.key < len(value) else None
        else:
            return None
    return value


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
