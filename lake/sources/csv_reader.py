"""The reader of CSV: text to a frame of text columns, one row per record.

Polars reads it. What Polars refuses is read by Python's csv module, which is slower but knows the line of an error and accepts
more: separators after the last field of every line, and quotes inside unquoted fields next to quoted ones.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from io import BytesIO, StringIO
from typing import Final

import numpy as np
import polars as pl

from lake.sources.databases import distinct_names
from lake.sources.source_settings import SourceSettings

_UNIT_SEPARATOR: Final = "\x1f"


def read_csv(text: bytes, settings: SourceSettings) -> pl.DataFrame:
    """Read CSV text.

    Args:
        text: UTF-8 without a byte-order mark.
        settings: The source's separator, and which lines are header, preamble and footer.

    Returns:
        Every column as text, null where a field is empty. Records with empty fields only are left out, and so is a last column
        without name and values, which results from separators at the ends of lines.

    Raises:
        ValueError: The text is not valid CSV; the message has the line if it is known.
    """
    # Line ends of classic Mac OS, which Polars does not recognise.
    if b"\n" not in text:
        text = text.replace(b"\r", b"\n")
    text, lines_before = _data_lines(text, settings)
    separator = settings.separator
    if separator == "whitespace":
        # A character that hardly any text contains, so that one CSV reader handles both cases.
        separator = _UNIT_SEPARATOR
        lines = (separator.join(line.split()) for line in text.decode().split("\n"))
        text = "\n".join(line for line in lines if line).encode()
    if not text.strip():
        return pl.DataFrame()
    # Only quotes at the beginning of a field quote it; one within a field, as in 5" pipe, is a plain character.
    quotes = re.search(b"(?:^|[\r\n" + re.escape(separator.encode()) + b'])"', text) is not None
    rows = None
    if not quotes or _is_cleanly_quoted(text, separator):
        names, header = settings.column_names, settings.has_header
        rows = _with_polars(text, separator, names=names, header=header, quotes=quotes)
        # Polars refuses lines with a field more than the header: the separator at their ends is read as an unnamed column.
        if rows is None and _lines_end_with(text, separator) and (names or header):
            names_with_end = (*(names or _first_record(text, separator)), "")
            rows = _with_polars(text, separator, names=names_with_end, header=header, quotes=quotes)
    if rows is None:
        rows = _with_python(text, separator, settings, lines_before=lines_before)
    rows = _without_unnamed_last_column(rows)
    if _ends_within_a_line(rows, text, separator=separator):
        raise ValueError("it ends in the middle of a line")
    rows = rows.filter(pl.any_horizontal(pl.all().is_not_null()))
    return _without_repeated_headers(rows) if settings.has_header and not settings.column_names else rows


def _data_lines(text: bytes, settings: SourceSettings) -> tuple[bytes, int]:
    """Return the text without preamble and footer, and the number of lines of the preamble."""
    if settings.skip_footer:
        text = b"\n".join(text.rstrip().split(b"\n")[: -settings.skip_footer]) + b"\n"
    if settings.skip_rows:
        text = b"\n".join(text.split(b"\n")[settings.skip_rows :])
    return text, settings.skip_rows


def _is_cleanly_quoted(text: bytes, separator: str) -> bool:
    """Return whether every quote opens or closes a field, or is doubled within one.

    Otherwise Polars guesses, and silently drops some quotes. Quotes alternate between opening and closing ones, a doubled quote
    being a closing one next to an opening one; so each needs a separator, a line end or a quote on its outer side.
    """
    characters = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
    quotes = np.flatnonzero(characters == ord('"'))
    # An odd number cannot be pairs of opening and closing quotes.
    if len(quotes) % 2:
        return False
    # A table of 256 booleans, looked up for all quotes at once.
    is_field_edge = np.zeros(256, dtype=np.bool_)
    is_field_edge[list(b'\r\n"' + separator.encode())] = True
    return bool(is_field_edge[characters[quotes[::2] - 1]].all() and is_field_edge[characters[quotes[1::2] + 1]].all())


def _with_polars(text: bytes, separator: str, *, names: Sequence[str] | None, header: bool, quotes: bool) -> pl.DataFrame | None:
    """Return the records, or None if Polars refuses the text; `names` replace those of a header."""
    renamed = names is not None and header
    try:
        rows = pl.read_csv(
            BytesIO(text.lstrip(b"\r\n") if renamed else text),
            separator=separator,
            quote_char='"' if quotes else None,
            infer_schema=False,
            null_values=[""],
            has_header=header and not renamed,
            skip_rows=int(renamed),
            schema=None if names is None else dict.fromkeys(names, pl.String),
        )
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):
        return None
    return rows if header or names else rows.rename({name: f"column_{n}" for n, name in enumerate(rows.columns, start=1)})


def _lines_end_with(text: bytes, separator: str) -> bool:
    """Return whether a separator follows the last field of every line but the first."""
    end = separator.encode()
    body = text.strip(b"\r\n") + b"\n"
    return body.count(end + b"\n") + body.count(end + b"\r\n") >= body.count(b"\n") - 1


def _first_record(text: bytes, separator: str) -> list[str]:
    return distinct_names(next(filter(None, csv.reader(StringIO(text.decode(), newline=""), delimiter=separator)), []))


def _with_python(text: bytes, separator: str, settings: SourceSettings, *, lines_before: int) -> pl.DataFrame:
    lines = csv.reader(StringIO(text.decode(), newline=""), delimiter=separator, strict=True)
    try:
        records = list(_numbered(lines))
    except csv.Error as error:
        raise ValueError(f"line {lines.line_num + lines_before:,}: {_csv_error_message(str(error))}") from error
    header = records.pop(0)[1] if settings.has_header and records else None
    widest = max((len(fields) for _, fields in records), default=0)
    names = list(settings.column_names or header or [f"column_{number + 1}" for number in range(widest)])
    width = len(names)
    # A separator at the end of every line is not the beginning of another field.
    has_end_separators = bool(records) and all(len(fields) == width + 1 and not fields[-1] for _, fields in records)
    for line, fields in records:
        if len(fields) > width and not has_end_separators:
            named_by = "`column_names`" if settings.column_names else "the header"
            raise ValueError(f"line {line + lines_before:,} has {len(fields)} fields, {named_by} {width}")
    # Short records get empty fields at the end, as Polars reads them.
    rows = [[*fields[:width], *[""] * (width - len(fields))] for _, fields in records]
    columns = zip(distinct_names(names), zip(*rows, strict=True) if rows else [()] * width, strict=True)
    frame = pl.DataFrame([pl.Series(name, values, dtype=pl.String) for name, values in columns])
    return frame.with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)).name.keep())


def _numbered(lines: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that have a field, each with the number of its last line."""
    for fields in lines:
        if fields:
            yield lines.line_num, fields  # type: ignore[attr-defined]


def _csv_error_message(problem: str) -> str:
    if "expected after" in problem:
        return 'a quote stands inside a quoted field; write it twice ("") or take the quotes around the field away'
    return "a quoted field is not closed before the file ends" if "unexpected end" in problem else problem


def _ends_within_a_line(rows: pl.DataFrame, text: bytes, *, separator: str) -> bool:
    """Return whether the last line lacks its last fields and its line end, as in a file that was cut off."""
    if rows.is_empty() or text.endswith((b"\n", b"\r", b'"', separator.encode())):
        return False
    return rows.width > 1 and rows.to_series(rows.width - 1)[-1] is None


def _without_repeated_headers(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without repeated headers, which concatenated files have."""
    if rows.width == 1:
        return rows
    # The repeated header has the original names, before duplicates were numbered.
    names = [re.sub(r"_duplicated_\d+$", "", name) for name in rows.columns]
    is_header = (rows.to_series(0) == names[0]).fill_null(False)
    for position in range(1, rows.width if is_header.any() else 0):
        is_header &= (rows.to_series(position) == names[position]).fill_null(not names[position])
    return rows.filter(~is_header) if is_header.any() else rows


def _without_unnamed_last_column(rows: pl.DataFrame) -> pl.DataFrame:
    last = rows.columns[-1] if rows.width > 1 else None
    is_unnamed = last is not None and (not last.strip() or re.fullmatch(r"_duplicated_\d+", last) is not None)
    return rows.drop(last) if is_unnamed and last is not None and rows[last].is_null().all() else rows
