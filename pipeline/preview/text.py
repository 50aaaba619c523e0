"""A mapping trial as text for a terminal: three rows before and after mapping, values that do not fit, and the keys.

The table is transposed, with one column per row of the export, so that wide exports fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl

from lake.sources.casting import as_text
from lake.sources.mapping import ROW_NO
from pipeline.preview.trial import MISSING, MappingTrial

_SHOWN_ROWS: Final = 3
_EXAMPLES: Final = 3
# Narrower, three rows of values would be cut to a few letters; wider, the eye loses the line.
_NARROWEST: Final = 80
_WIDEST: Final = 120
_MOST_NAME: Final = 24
_GAP: Final = 2
_DIGITS: Final = 12
_EMPTY: Final = "-"
_DOES_NOT_FIT: Final = "(does not fit)"
_MISSING: Final = "(missing)"


def render_trial(trial: MappingTrial, *, files: int, width: int) -> Iterator[str]:
    """Yield the lines that show the result of a mapping trial.

    Args:
        trial: The trial.
        files: The number of files that the source has.
        width: The number of columns of the terminal.
    """
    width = min(max(width, _NARROWEST), _WIDEST)
    yield from _head(trial, files)
    yield from _rows(trial, width)
    yield ""
    yield from _misfits(trial, width)
    yield from _key(trial)
    yield from _left_out(trial)


def _head(trial: MappingTrial, files: int) -> Iterator[str]:
    of_files = f", the first of {files:,} files" if files > 1 else ""
    sample = f"all {trial.sample.rows.height:,} rows" if trial.sample.is_whole else f"the first {trial.sample.rows.height:,} rows"
    yield f"{trial.export.label}: {_plain(trial.export.path)}{of_files}; {sample} are looked at"
    yield ""


def _rows(trial: MappingTrial, width: int) -> Iterator[str]:
    shown = trial.mapped.rows.head(_SHOWN_ROWS)
    if shown.is_empty():
        yield "  no row is left to show"
        return
    numbers = shown[ROW_NO].to_list()
    exported = trial.sample.rows[[number - 1 for number in numbers]]
    used = _used_columns(trial)
    before = [(column, [_text(value) for value in as_text(exported[column])]) for column in used]
    after = [(column, _cells(trial, column, numbers)) for column in trial.table.columns if column in shown.columns]
    name_width = min(_MOST_NAME, max(len(_plain(name)) for name, _ in (*before, *after)))
    # Two characters of indentation, then the name, then cells of equal width for the rows.
    cell_width = (width - 2 - name_width) // len(numbers) - _GAP
    layout = (name_width, cell_width)
    yield _line("Exported", [f"row {number:,}" for number in numbers], layout, indent=0)
    yield from (_line(name, cells, layout) for name, cells in before)
    unused = [_plain(column) for column in exported.columns if column not in used]
    if unused:
        yield from _wrapped("  not used: ", unused, width)
    yield ""
    yield _line("Mapped" + ("; times in UTC" if _has_times(trial) else ""), [], layout, indent=0)
    yield from (_line(name, cells, layout) for name, cells in after)
    absent = [column for column in trial.table.columns if column not in shown.columns and column != trial.table.key]
    if absent:
        yield from _wrapped("  not mapped: ", absent, width)


def _used_columns(trial: MappingTrial) -> list[str]:
    """Return the columns of the export that occur in the mapping's expressions, found as whole words."""
    settings = trial.export.settings
    named = [*settings.columns.values(), settings.where or ""]
    if not settings.columns:
        named += list(trial.table.columns)
    return [
        column
        for column in trial.sample.rows.columns
        if any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", expression) for expression in named)
    ]


def _cells(trial: MappingTrial, column: str, numbers: Sequence[int]) -> list[str]:
    missing = trial.bad.get(f"{column}_{MISSING}", ())
    broken = (*trial.bad.items(), *trial.emptied.items())
    # An empty cell can mean two things: null in the export, or a value that did not cast.
    failed = {number for rule, rows in broken if rule.startswith(f"{column}_is_") for number in rows}
    rows = trial.mapped.rows.filter(pl.col(ROW_NO).is_in(list(numbers)))
    return [
        _text(value) if value is not None or number not in failed else _MISSING if number in missing else _DOES_NOT_FIT
        for number, value in rows.select(ROW_NO, column).iter_rows()
    ]


def _misfits(trial: MappingTrial, width: int) -> Iterator[str]:
    mapped = f"{trial.mapped_rows:,} rows"
    if not trial.bad and not trial.emptied:
        yield f"Every value fits, in {mapped}."
    if trial.bad:
        yield f"{trial.bad_rows:,} of {mapped} would go to quarantine:"
        yield from _rules(trial, trial.bad, width)
    if trial.emptied:
        yield f"Of {mapped}, these values would be left empty, or count as no where they are consent:"
        yield from _rules(trial, trial.emptied, width)


def _rules(trial: MappingTrial, broken: Mapping[str, Sequence[int]], width: int) -> Iterator[str]:
    for rule, rows in broken.items():
        column, _, requirement = rule.partition("_is_")
        yield _cut(f"  {column} is {_violation(requirement)}", width)
        yield _cut(f"    {len(rows):,} rows, such as {'; '.join(_examples(trial, rule, column, rows))}", width)


def _violation(requirement: str) -> str:
    """Turn the requirement of a rule into its violation: `valid time` into `not valid time`, and `not …` the other way round."""
    words = requirement.replace("_", " ")
    if words == MISSING.removeprefix("is_"):
        return words
    return words.removeprefix("not ") if words.startswith("not ") else f"not {words}"


def _examples(trial: MappingTrial, rule: str, column: str, rows: Sequence[int]) -> list[str]:
    first = list(rows[:_EXAMPLES])
    if rule.endswith(MISSING) or column not in trial.mapped.written.columns:
        return [f"row {number:,}" for number in first]
    written = trial.mapped.written.filter(pl.col(ROW_NO).is_in(first))
    return [f"row {number:,}: {_text(value)!r}" for number, value in zip(first, as_text(written[column]), strict=True)]


def _key(trial: MappingTrial) -> Iterator[str]:
    key, keys = trial.table.key, trial.keys.drop_nulls()
    if not trial.has_own_key:
        yield f"Key: {key} is derived from the row, since no column is mapped to it."
        return
    repeated = len(keys) - keys.n_unique()
    yield f"Key: {key}, as mapped: {keys.n_unique():,} different ones, {repeated:,} repeated."
    if repeated and "amount" in trial.table.columns:
        yield "  Lines of one file that share it are summed into one order."
    elif repeated:
        yield "  Of the rows of one file that share it the first lands; the others go to quarantine."


def _left_out(trial: MappingTrial) -> Iterator[str]:
    if trial.export.settings.where is None:
        return
    left_out, read = trial.left_out, trial.sample.rows.height
    examples = f", such as {', '.join(f'row {number:,}' for number in left_out[:_EXAMPLES])}" if left_out else ""
    yield f"Left out by `where`: {len(left_out):,} of {read:,} rows{examples}."


def _line(name: str, cells: Sequence[str], layout: tuple[int, int], *, indent: int = _GAP) -> str:
    name_width, cell_width = layout
    first = name_width + _GAP - indent
    head = " " * indent + (_cut(_plain(name), first).ljust(first) if cells else name)
    return "".join([head, *(" " * _GAP + _cut(cell, cell_width).ljust(cell_width) for cell in cells)]).rstrip()


def _wrapped(head: str, names: Sequence[str], width: int) -> Iterator[str]:
    line = head
    for index, name in enumerate(names):
        part = name + (", " if index < len(names) - 1 else "")
        if len(line) + len(part.rstrip()) > width and line.strip() != head.strip():
            yield line.rstrip()
            line = " " * len(head)
        line += part
    yield _cut(line.rstrip(), width)


def _has_times(trial: MappingTrial) -> bool:
    return any(dtype.is_temporal() for dtype in trial.mapped.rows.dtypes)


def _text(value: Any) -> str:
    if value is None:
        return _EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return _plain(f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value))


def _plain(text: str) -> str:
    """Replace control characters, by which a value could move the cursor or change colours of the terminal."""
    return "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
