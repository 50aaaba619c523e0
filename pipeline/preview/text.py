"""A tried mapping as text for a terminal: three rows before and after, what does not fit, and the keys.

Rows stand side by side and columns below each other, so that wide exports fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import polars as pl

from lake.sources.casting import as_text
from lake.sources.mapping import ROW_NO
from pipeline.preview.trial import MISSING, Tried

_SHOWN_ROWS: Final = 3
_EXAMPLES: Final = 3
_NARROWEST: Final = 80
_WIDEST: Final = 120
_MOST_NAME: Final = 24
_GAP: Final = 2
_DIGITS: Final = 12
_EMPTY: Final = "-"
_DOES_NOT_FIT: Final = "(does not fit)"
_MISSING: Final = "(missing)"


def tell(tried: Tried, *, files: int, width: int) -> Iterator[str]:
    """Say what a mapping makes of a sample, in lines.

    Args:
        tried: The mapping, tried.
        files: How many files the source has.
        width: Columns of the terminal.
    """
    width = min(max(width, _NARROWEST), _WIDEST)
    yield from _head(tried, files)
    yield from _rows(tried, width)
    yield ""
    yield from _misfits(tried, width)
    yield from _key(tried)
    yield from _left_out(tried)


def _head(tried: Tried, files: int) -> Iterator[str]:
    of = f", the first of {files:,} files" if files > 1 else ""
    looked = f"all {tried.sample.rows.height:,} rows" if tried.sample.is_whole else f"the first {tried.sample.rows.height:,} rows"
    yield f"{tried.export.label}: {_plain(tried.export.path)}{of}; {looked} are looked at"
    yield ""


def _rows(tried: Tried, width: int) -> Iterator[str]:
    shown = tried.mapped.rows.head(_SHOWN_ROWS)
    if shown.is_empty():
        yield "  no row is left to show"
        return
    numbers = shown[ROW_NO].to_list()
    exported = tried.sample.rows[[number - 1 for number in numbers]]
    used = _used(tried)
    before = [(column, [_text(value) for value in as_text(exported[column])]) for column in used]
    after = [(column, _cells(tried, column, numbers)) for column in tried.table.columns if column in shown.columns]
    name_width = min(_MOST_NAME, max(len(_plain(name)) for name, _ in (*before, *after)))
    cell_width = (width - 2 - name_width) // len(numbers) - _GAP
    layout = (name_width, cell_width)
    yield _line("Exported", [f"row {number:,}" for number in numbers], layout, indent=0)
    yield from (_line(name, cells, layout) for name, cells in before)
    unused = [_plain(column) for column in exported.columns if column not in used]
    if unused:
        yield from _wrapped("  not used: ", unused, width)
    yield ""
    yield _line("Mapped" + ("; times in UTC" if _has_times(tried) else ""), [], layout, indent=0)
    yield from (_line(name, cells, layout) for name, cells in after)
    absent = [column for column in tried.table.columns if column not in shown.columns and column != tried.table.key]
    if absent:
        yield from _wrapped("  not mapped: ", absent, width)


def _used(tried: Tried) -> list[str]:
    """The export's columns that the mapping names."""
    settings = tried.export.settings
    named = [*settings.columns.values(), settings.where or ""]
    if not settings.columns:
        named += list(tried.table.columns)
    return [
        column
        for column in tried.sample.rows.columns
        if any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", expression) for expression in named)
    ]


def _cells(tried: Tried, column: str, numbers: Sequence[int]) -> list[str]:
    missing = tried.bad.get(f"{column}_{MISSING}", ())
    broken = (*tried.bad.items(), *tried.emptied.items())
    failed = {number for rule, rows in broken if rule.startswith(f"{column}_is_") for number in rows}
    rows = tried.mapped.rows.filter(pl.col(ROW_NO).is_in(list(numbers)))
    return [
        _text(value) if value is not None or number not in failed else _MISSING if number in missing else _DOES_NOT_FIT
        for number, value in rows.select(ROW_NO, column).iter_rows()
    ]


def _misfits(tried: Tried, width: int) -> Iterator[str]:
    mapped = f"{tried.mapped_rows:,} rows"
    if not tried.bad and not tried.emptied:
        yield f"Every value fits, in {mapped}."
    if tried.bad:
        yield f"{tried.bad_rows:,} of {mapped} would go to quarantine:"
        yield from _rules(tried, tried.bad, width)
    if tried.emptied:
        yield f"Of {mapped}, these values would be left empty, or count as no where they are consent:"
        yield from _rules(tried, tried.emptied, width)


def _rules(tried: Tried, broken: Mapping[str, Sequence[int]], width: int) -> Iterator[str]:
    for rule, rows in broken.items():
        column, _, what = rule.partition("_is_")
        yield _cut(f"  {column} is {_said(what)}", width)
        yield _cut(f"    {len(rows):,} rows, such as {'; '.join(_examples(tried, rule, column, rows))}", width)


def _said(what: str) -> str:
    """A rule says what is right: a value that breaks it is not that."""
    words = what.replace("_", " ")
    if words == MISSING.removeprefix("is_"):
        return words
    return words.removeprefix("not ") if words.startswith("not ") else f"not {words}"


def _examples(tried: Tried, rule: str, column: str, rows: Sequence[int]) -> list[str]:
    first = list(rows[:_EXAMPLES])
    if rule.endswith(MISSING) or column not in tried.mapped.written.columns:
        return [f"row {number:,}" for number in first]
    written = tried.mapped.written.filter(pl.col(ROW_NO).is_in(first))
    return [f"row {number:,}: {_text(value)!r}" for number, value in zip(first, as_text(written[column]), strict=True)]


def _key(tried: Tried) -> Iterator[str]:
    key, keys = tried.table.key, tried.keys.drop_nulls()
    if not tried.has_own_key:
        yield f"Key: {key} is derived from the row, since no column is mapped to it."
        return
    repeated = len(keys) - keys.n_unique()
    yield f"Key: {key}, as mapped: {keys.n_unique():,} different ones, {repeated:,} repeated."
    if repeated and "amount" in tried.table.columns:
        yield "  Lines of one file that share it are summed into one order."
    elif repeated:
        yield "  Of the rows of one file that share it the first lands; the others go to quarantine."


def _left_out(tried: Tried) -> Iterator[str]:
    if tried.export.settings.where is None:
        return
    out, read = tried.left_out, tried.sample.rows.height
    examples = f", such as {', '.join(f'row {number:,}' for number in out[:_EXAMPLES])}" if out else ""
    yield f"Left out by `where`: {len(out):,} of {read:,} rows{examples}."


def _line(name: str, cells: Sequence[str], layout: tuple[int, int], *, indent: int = _GAP) -> str:
    name_width, cell_width = layout
    first = name_width + _GAP - indent
    head = " " * indent + (_cut(_plain(name), first).ljust(first) if cells else name)
    return "".join([head, *(" " * _GAP + _cut(cell, cell_width).ljust(cell_width) for cell in cells)]).rstrip()


def _wrapped(head: str, names: Sequence[str], width: int) -> Iterator[str]:
    line = head
    for place, name in enumerate(names):
        part = name + (", " if place < len(names) - 1 else "")
        if len(line) + len(part.rstrip()) > width and line.strip() != head.strip():
            yield line.rstrip()
            line = " " * len(head)
        line += part
    yield _cut(line.rstrip(), width)


def _has_times(tried: Tried) -> bool:
    return any(dtype.is_temporal() for dtype in tried.mapped.rows.dtypes)


def _text(value: Any) -> str:
    if value is None:
        return _EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")
    return _plain(f"{value:.{_DIGITS}g}" if isinstance(value, float) else str(value))


def _plain(text: str) -> str:
    """A value must not move the cursor or change colours."""
    return "".join(character if character.isprintable() else " " for character in text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
