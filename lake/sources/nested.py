"""Input values of expressions: columns of an export, fields nested in them, and JSON inside text columns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import polars as pl

from lake.sources.casting import as_text, without_blanks
from lake.sources.sql_paths import Path, Step


class AbsentError(LookupError):
    """There is no such column or field.

    Args:
        name: The missing name.
        existing: The existing names.
        within: The column whose fields they are, or None for the export's columns.
    """

    def __init__(self, name: str, *, existing: Sequence[str], within: str | None = None) -> None:
        super().__init__(name)
        self.name = name
        self.existing = existing
        self.within = within


@dataclass(frozen=True)
class ExportValue:
    """One value per row of the export.

    Args:
        label: The column or path, for messages.
        values: The values; null where there is none.
        unread: True where there was text that is not JSON; None where no JSON had to be read.
        written: The values as the export has them.
    """

    label: str
    values: pl.Series
    unread: pl.Series | None
    written: pl.Series


def value_of(rows: pl.DataFrame, path: Path) -> ExportValue:
    """Read a column, or a value nested in it.

    One value per row. A field that a JSON text lacks is null; text that is not JSON is null and marked in `unread`.

    Raises:
        AbsentError: The export has no such column, or the column no such field.
    """
    column, steps = _column(rows, path)
    values, unread = rows[column], None
    for position, step in enumerate(steps):
        # A point means the field of a struct; only an arrow means that a text is JSON.
        if values.dtype == pl.String and position >= len(steps) - len(path.steps):
            values, unread = _from_json(values, steps[position:])
            break
        values = _step_into(values, step, within=column)
    label = column if not steps else str(path)
    return ExportValue(label, without_blanks(values), unread, rows[column] if unread is not None else values)


def _column(rows: pl.DataFrame, path: Path) -> tuple[str, list[Step]]:
    """Return the column and the steps into it: names joined by points are fields, unless a column has that whole name."""
    names = path.names
    # The longest name first: in a column `a.b` the point belongs to the name.
    for length in range(len(names), 0, -1):
        column = ".".join(names[:length])
        if column in rows.columns:
            return column, [*(Step(name) for name in names[length:]), *path.steps]
    raise AbsentError(".".join(names), existing=rows.columns)


def _step_into(values: pl.Series, step: Step, *, within: str) -> pl.Series:
    if values.dtype == pl.Null:
        return values
    if isinstance(values.dtype, pl.Struct):
        fields = [field.name for field in values.dtype.fields]
        if step.key not in fields:
            raise AbsentError(str(step.key), existing=fields, within=within)
        nested = values.struct.unnest().get_column(str(step.key))
    elif isinstance(values.dtype, pl.List) and isinstance(step.key, int):
        nested = values.list.get(step.key, null_on_oob=True)
    else:
        raise AbsentError(str(step.key), existing=(), within=within)
    return as_text(nested) if step.as_text else nested


def _from_json(texts: pl.Series, steps: Sequence[Step]) -> tuple[pl.Series, pl.Series]:
    """Return the value at the steps of each text's JSON, as text, and a mask of the texts that are not JSON."""
    values: list[str | None] = []
    unread: list[bool] = []
    for text in without_blanks(texts):
        try:
            value = None if text is None else _value_at(json.loads(text, parse_constant=_refuse_constant), steps)
        # Deeply nested JSON exceeds Python's recursion limit: such a text is as unreadable as an invalid one.
        except (ValueError, RecursionError):
            values.append(None)
            unread.append(True)
        else:
            values.append(value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            unread.append(False)
    return pl.Series(values, dtype=pl.String), pl.Series(unread, dtype=pl.Boolean)


def _value_at(value: Any, steps: Sequence[Step]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(str(step.key))
        elif isinstance(value, list) and isinstance(step.key, int):
            value = value[step.key] if step.key < len(value) else None
        else:
            return None
    return value


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
