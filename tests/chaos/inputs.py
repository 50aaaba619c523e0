# ruff: noqa: ARG005, DTZ001, E501 - damages share a signature; exports hold naive times; lists of cells read best as lines
"""Exports as nobody wants them: hostile cells, written in every format, then damaged."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import polars as pl
from hypothesis import strategies as st

Rows = list[dict[str, Any]]
FORMATS: Final = ("csv", "csv.gz", "jsonl", "parquet", "xlsx")
COLUMNS: Final = ("order", "customer", "at", "amount", "note")

HOSTILE: Final = (
    "=HYPERLINK(\"http://evil\",\"x\")", "@SUM(1+1)", "+1", "-1+2", "<script>alert(1)</script>", "'; DROP TABLE orders; --",
    "${HOME}", "{{7*7}}", "../../etc/passwd", "%00", "\u202eevil", "a\u0000b", "naïve café", "名前", "🦉" * 3, "\ufeffbom", " padded ",
    "tab\there", "line\nbreak", "quote\"inside", "comma,inside", "semi;colon", "NULL", "nan", "None", "true", "\x1f", "\x85", "\u2028",
    "x" * 40_000, "\ud7ff", "i̇", "ß", "000123", "1e5", "0x10", "1_000",
)  # fmt: skip
AMOUNTS: Final = (
    "1.5", "-3", "0", "-0", "NaN", "inf", "-Infinity", "1e308", "1e400", "-1e30", "99999999999999999999", "12,50", "1.234,56", "£5",
    "twelve", "", "  7 ", "0.005", "0x1F", "1e-400", "９", "٣", "5-", "(5)",
)  # fmt: skip
TIMES: Final = (
    "2025-03-30 02:30:00", "2025-10-26 02:30:00", "2025-06-01", "2025-06-01T10:00:00Z", "2025-06-01T10:00:00+14:00", "20250601",
    "2025-06-01 10:00:00.123456789", "2025-06-01T24:00:00", "2025-02-30", "0000-00-00", "0001-01-01", "9999-12-31T23:59:59-14:00",
    "01/06/2025", "1748736000", "yesterday", "", "2025-06-01 10:00 PM", "2025-6-1 1:2:3", "-2025-06-01", "2025-W23", "2999-01-01",
    "2025-06-01T10:00:00+99:99", "2025-06-01 10:00:00 Europe/Berlin", "2025-06-01T10:00:60Z", "1e9", "inf",
)  # fmt: skip
# What typed formats can hold in these columns besides text.
TYPED: Final = (None, True, 0, -1, 2**63 - 1, -(2**63), 2**64, 1.5, float("nan"), float("inf"), [1, "a"], {"a": {"b": None}})


def _text() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(HOSTILE), st.text(max_size=8), st.sampled_from(["ann", "bob", "cleo"]))


def rows() -> st.SearchStrategy[Rows]:
    """Rows of which most could be good, with any of the cells hostile."""
    good_time = st.datetimes(datetime(2025, 1, 1), datetime(2025, 6, 30)).map(lambda moment: moment.isoformat(sep=" "))
    row = st.fixed_dictionaries(
        {
            "order": st.one_of(st.integers(1, 9).map(str), _text()),
            "customer": _text(),
            "at": st.one_of(good_time, good_time, st.sampled_from(TIMES)),
            "amount": st.one_of(st.integers(-99, 99).map(str), st.sampled_from(AMOUNTS)),
            "note": _text(),
        }
    )
    return st.lists(row, min_size=0, max_size=12)


@dataclass(frozen=True)
class Export:
    """A file's bytes, what was done to it, and how many records it surely holds (None: nobody can say)."""

    content: bytes
    name: str
    damage: str
    records: int | None
    settings: Mapping[str, Any]


@st.composite
def exports(draw: st.DrawFn, file_format: str) -> Export:
    """An export in one of the formats, whole or damaged."""
    table = draw(rows())
    if file_format in ("jsonl", "parquet", "xlsx"):
        table = [_retyped(draw, row) for row in table]
    written, records = _WRITERS[file_format](table, draw)
    damage = draw(st.sampled_from(("none", "none", *DAMAGES)))
    content = DAMAGES[damage](written, draw) if damage != "none" else written
    settings: dict[str, Any] = {}
    if file_format in ("csv", "csv.gz", "jsonl") and draw(st.booleans()) and draw(st.booleans()):
        settings["encoding"] = draw(st.sampled_from(("utf-16", "latin-1", "cp1252", "ascii", "utf-8-sig", "utf-7", "idna")))
        records = None
    return Export(content, f"orders.{file_format}", damage, records if damage == "none" else None, settings)


def _retyped(draw: st.DrawFn, row: dict[str, Any]) -> dict[str, Any]:
    """One cell of another type, so that columns change their type halfway."""
    if draw(st.integers(0, 3)):
        return row
    moment = datetime(2025, 6, 1, 10, tzinfo=UTC)
    others = (*TYPED, moment, date(2025, 6, 1), moment.time(), timedelta(hours=3), b"\xff\x00")
    return row | {draw(st.sampled_from(COLUMNS)): draw(st.sampled_from(others))}


def _csv(table: Rows, draw: st.DrawFn) -> tuple[bytes, int | None]:
    header = draw(
        st.sampled_from([list(COLUMNS)] * 4 + [["order", "customer", "at", "amount", "amount"], ["order", *COLUMNS[1:4], ""]])
    )
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=draw(st.sampled_from(("\n", "\r\n"))), quoting=draw(st.sampled_from((0, 1))))
    writer.writerow(header)
    for row in table:
        writer.writerow([row[column] for column in COLUMNS])
    text = out.getvalue()
    # NUL bytes make a file unreadable as a whole, which is an answer; a bare CR or blank row is counted by nobody's rule alike.
    surely = not any(sign in str(cell) for row in table for cell in row.values() for sign in '\x00\r\n"\ufeff')
    blank = sum(not any(str(cell).strip() for cell in row.values()) for row in table)
    return text.encode("utf-8", "surrogatepass"), len(table) if surely and not blank and table else None


def _csv_gz(table: Rows, draw: st.DrawFn) -> tuple[bytes, int | None]:
    content, records = _csv(table, draw)
    return gzip.compress(content, mtime=0), records


def _jsonl(table: Rows, draw: st.DrawFn) -> tuple[bytes, int | None]:
    def plain(value: Any) -> str:
        return value.hex() if isinstance(value, bytes) else str(value)

    lines = [json.dumps(row, default=plain, ensure_ascii=draw(st.booleans())) for row in table]
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"), None


def _parquet(table: Rows, draw: st.DrawFn) -> tuple[bytes, int | None]:
    columns = []
    for name in COLUMNS:
        values = [row[name] for row in table]
        try:
            columns.append(pl.Series(name, values, strict=True))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            columns.append(pl.Series(name, [None if value is None else str(value) for value in values], dtype=pl.String))
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out)
    return out.getvalue(), len(table) or None


def _xlsx(table: Rows, draw: st.DrawFn) -> tuple[bytes, int | None]:
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_urls": False, "nan_inf_to_errors": True, "strings_to_formulas": draw(st.booleans())}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": datetime(2025, 1, 1)})
        sheet = book.add_worksheet()
        for place, name in enumerate(COLUMNS):
            sheet.write_string(0, place, name)
        for number, row in enumerate(table, start=1):
            for place, name in enumerate(COLUMNS):
                _cell(sheet, number, place, row[name])
    return out.getvalue(), None


def _cell(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, float(value))
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.replace(tzinfo=None))
    elif isinstance(value, str):
        sheet.write(row, column, "".join(sign for sign in value if sign.isprintable())[:32_000])
    elif value is not None:
        sheet.write_string(row, column, str(value))


_WRITERS: Final[Mapping[str, Callable[[Rows, st.DrawFn], tuple[bytes, int | None]]]] = {
    "csv": _csv, "csv.gz": _csv_gz, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx,
}  # fmt: skip


def _truncated(content: bytes, draw: st.DrawFn) -> bytes:
    return content[: _place(content, draw)]


def _flipped(content: bytes, draw: st.DrawFn) -> bytes:
    changed = bytearray(content or b"\x00")
    for _ in range(draw(st.integers(1, 4))):
        changed[_place(changed, draw)] = draw(st.integers(0, 255))
    return bytes(changed)


def _place(content: bytes | bytearray, draw: st.DrawFn) -> int:
    """A place in the content; drawn without its length, which compressors and clocks decide."""
    return draw(st.integers(0, 9_999)) * len(content) // 10_000


DAMAGES: Final[Mapping[str, Callable[[bytes, st.DrawFn], bytes]]] = {
    "truncated": _truncated,
    "bytes flipped": _flipped,
    "byte-order mark": lambda content, draw: draw(st.sampled_from((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))) + content,
    "twice": lambda content, draw: content + content,
    "rubbish behind": lambda content, draw: content + draw(st.binary(min_size=1, max_size=40)),
    "other encoding": lambda content, draw: content.decode("latin-1").encode(
        draw(st.sampled_from(("utf-16", "utf-32", "utf-8")))
    ),
    "empty": lambda content, draw: b"",
}
