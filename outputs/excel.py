"""Excel files a person can work with: frozen header, filters, widths, formats, and a sheet that explains each column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import polars as pl

from wording.english import ENGLISH
from wording.language import current
from wording.layout import cells
from wording.numbers import SYMBOLS
from wording.texts import fill, label, name

_Writer: TypeAlias = Callable[[int, int, Any], object]

MAX_CELL_CHARACTERS: Final = 16_383  # Excel's 32,767 are UTF-16 units, and a character may take two
_SHEET_NAME_UNITS: Final = 31
_WIDEST: Final = 60
_WIDEST_WRAPPED: Final = 45
_NARROWEST: Final = 9
_SAMPLE_ROWS: Final = 2_000
_UNDATED: Final = datetime(2000, 1, 1)  # noqa: DTZ001  (xlsxwriter wants naive UTC)

_SYMBOLS: Final = SYMBOLS | {"KRW": "₩", "PLN": "zł", "TRY": "₺", "UAH": "₴"}
_PERCENT: Final = "0.0%"
_SCORE: Final = "0.0"
_DATE: Final = "yyyy-mm-dd"
# Columns that stay in sight when scrolling sideways end with the first of these that there is.
_LAST_FROZEN: Final = ("rank", "member_id")
_WRAPPED_COLUMNS: Final = frozenset({"reason", "message", "background", "show"})
# Columns that hold words of a contract.
_CODED: Final = frozenset(
    {
        "churn_risk",
        "presence",
        "tier",
        "previous_tier",
        "next_tier",
        "lifecycle",
        "action",
        "channel",
        "kind",
        "holdout",
        "suppressed_because",
    }
)
_MONEY_COLUMNS: Final = frozenset({"expected_value", "expected_value_low", "expected_value_high", "expected_gain"})

# Blue-grey header, one warm hue for risk: both keep their contrast in greyscale print.
_HEADER: Final = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#2F4858", "valign": "vcenter", "border": 0}
# A colour scale rather than a data bar: bars need an extension that other readers of Excel files warn about.
_RISK_SCALE: Final = {
    "type": "2_color_scale",
    "min_type": "num",
    "max_type": "num",
    "min_value": 0,
    "max_value": 1,
    "min_color": "#FFFFFF",
    "max_color": "#F0A860",
}
_HIGH_RISK: Final = {"bg_color": "#FBE3CC", "font_color": "#7A3E00"}


def write_excel(path: Path, frame: pl.DataFrame, *, title: str, currency: str | None, by: str | None = None) -> None:
    """Write a frame as a workbook: its rows on the first sheet, what each column means on the last.

    Columns without a single value are kept for their place in the contract, and hidden. The bytes depend on the
    frame alone: the document's date is the night's.

    Args:
        path: The file to write.
        frame: Flat columns: text, numbers, dates, booleans; text already safe from formulas.
        title: Name of the document, and of the first sheet unless there are several.
        currency: ISO 4217 code for money columns, or None for plain numbers.
        by: A column of text; after a first sheet "All" each of its values has a sheet of its own, with the same columns.
    """
    import xlsxwriter  # where a file is written; many who read lists write none

    frame = frame.with_columns(excel_text(pl.col(pl.String)))
    sheets = {sheet: _in_words(rows) for sheet, rows in _sheets(frame, by=by).items()}
    frame = _in_words(frame)
    # Each row is written out at once, so that memory does not grow with the list, and text that looks like an address is no link.
    options = {"constant_memory": True, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(path, options) as workbook:
        workbook.set_properties({"title": title, "created": _night(frame)})
        _write_rows(workbook, frame, of=frame, title=title if by is None else fill("sheet.all"), currency=currency)
        for sheet, rows in sheets.items():
            _write_rows(workbook, rows, of=frame, title=sheet, currency=currency)
        _write_meanings(workbook, frame)


def sheet_names(values: Iterable[str]) -> dict[str, str]:
    """Name a sheet for each value, as people read it: `welcome_newcomer` is on "Welcome newcomer".

    Excel allows 31 characters, no brackets, colons, slashes, stars and question marks, no apostrophe at either end, and takes
    names that differ only in case for one.
    """
    names: dict[str, str] = {}
    taken = {fill("sheet.all").casefold(), fill("list.columns").casefold(), "history"}  # Excel keeps "History" for itself
    for value in values:
        words = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", label(value))
        wanted = " ".join(words.split()).strip("' ") or fill("sheet.nameless")
        wanted = wanted[:1].upper() + wanted[1:]
        numbered = (f" {number}" for number in count(2))
        name = _cut(wanted)
        while name.casefold() in taken:
            name = _cut(wanted, suffix=next(numbered))
        taken.add(name.casefold())
        names[value] = name
    return names


def _sheets(frame: pl.DataFrame, *, by: str | None) -> dict[str, pl.DataFrame]:
    """Give each value of a column the name of its sheet and its rows; none without a column."""
    if by is None:
        return {}
    values = frame[by].drop_nulls().unique().sort().to_list()
    return {name: frame.filter(pl.col(by) == value) for value, name in sheet_names(values).items()}


def _cut(name: str, *, suffix: str = "") -> str:
    """Shorten a name to what Excel allows, counted in UTF-16 units."""
    room = 2 * (_SHEET_NAME_UNITS - len(suffix))
    return name.encode("utf-16-le")[:room].decode("utf-16-le", errors="ignore").rstrip("' ") + suffix


def excel_text(text: pl.Expr) -> pl.Expr:
    """Make text valid in a cell: no control characters or non-characters, line breaks kept, at most what a cell holds."""
    valid = text.str.replace_all("\r\n?", "\n").str.replace_all(r"[\x00-\x08\x0B-\x1F\x7F-\x9F\uFFFE\uFFFF]", "")
    too_long = valid.str.len_chars() > MAX_CELL_CHARACTERS
    return pl.when(too_long).then(valid.str.head(MAX_CELL_CHARACTERS - 1) + "…").otherwise(valid).name.keep()


def money_format(currency: str | None) -> str:
    """Return the Excel number format of an amount: `"£"#,##0.00`, `#,##0.00" CHF"`, or plain without a currency."""
    if currency is None:
        return "#,##0.00"
    symbol = _SYMBOLS.get(currency)
    if symbol is not None:
        return f'"{symbol}"#,##0.00'
    code = re.sub(r"[^A-Za-z]", "", currency)[:8]
    return f'#,##0.00" {code}"'


def number_format(name: str, *, dtype: pl.DataType, currency: str | None) -> str | None:
    """Return the Excel number format of a column, or None for Excel's own choice.

    Args:
        name: The column.
        dtype: Its type.
        currency: ISO 4217 code for money columns, or None for plain numbers.
    """
    if dtype == pl.Date:
        return _DATE
    if name in _MONEY_COLUMNS:
        return money_format(currency)
    if name.endswith("_probability"):
        return _PERCENT
    if name.endswith("_score"):
        return _SCORE
    if dtype.is_integer():
        return "#,##0"
    return None


def _write_rows(workbook: Any, frame: pl.DataFrame, *, of: pl.DataFrame, title: str, currency: str | None) -> None:
    """Write a sheet of rows; widths and hidden columns are those of the whole list, `of`, so that all its sheets look alike."""
    sheet = workbook.add_worksheet(title)
    _set_columns(workbook, sheet, of, currency=currency)
    sheet.set_row(0, 22)
    for position, column in enumerate(frame.columns):
        sheet.write_string(0, position, _header(column), workbook.add_format(_HEADER))
    writers = [_writer(sheet, dtype) for dtype in frame.dtypes]
    for row, values in enumerate(frame.iter_rows(), start=1):
        for position, value in enumerate(values):
            if value is not None:
                writers[position](row, position, value)
    sheet.freeze_panes(1, next((frame.columns.index(name) + 1 for name in _LAST_FROZEN if name in frame.columns), 0))
    sheet.autofilter(0, 0, frame.height, frame.width - 1)
    _colour_risk(workbook, sheet, frame)
    _set_print(sheet, title=title)


def _writer(sheet: Any, dtype: pl.DataType) -> _Writer:
    """Return how a column's values are written: by the column's type, never by the value, so that text stays text."""
    if dtype == pl.Boolean:
        yes, no = fill("list.yes"), fill("list.no")
        return lambda row, column, value: sheet.write_string(row, column, yes if value else no)
    if dtype == pl.Date:
        return cast("_Writer", sheet.write_datetime)
    if dtype.is_numeric():
        return cast("_Writer", sheet.write_number)
    return lambda row, column, value: sheet.write_string(row, column, str(value))


def _set_columns(workbook: Any, sheet: Any, frame: pl.DataFrame, *, currency: str | None) -> None:
    for position, column in enumerate(frame.iter_columns()):
        format_ = number_format(column.name, dtype=column.dtype, currency=currency)
        style: dict[str, Any] = {"num_format": format_} if format_ else {}
        style |= {"text_wrap": True} if column.name in _WRAPPED_COLUMNS else {}
        hidden = {"hidden": bool(frame.height) and column.null_count() == frame.height}
        sheet.set_column(position, position, _width(column), workbook.add_format(style | {"valign": "top"}), hidden)


def _width(column: pl.Series) -> int:
    """Estimate a column's width in characters from its header (with room for the filter arrow) and its first values."""
    header = cells(_header(column.name)) + 4
    if column.dtype != pl.String:
        return max(_NARROWEST, header)
    longest = column.head(_SAMPLE_ROWS).drop_nulls().map_elements(cells, return_dtype=pl.Int64).max()
    content = int(longest) + 2 if isinstance(longest, int) else 0
    return min(_WIDEST_WRAPPED if column.name in _WRAPPED_COLUMNS else _WIDEST, max(_NARROWEST, header, content))


def _colour_risk(workbook: Any, sheet: Any, frame: pl.DataFrame) -> None:
    """Shade each churn probability by its height and tint the cells that say "high"."""
    if frame.is_empty():
        return
    if "churn_probability" in frame.columns:
        at = frame.columns.index("churn_probability")
        sheet.conditional_format(1, at, frame.height, at, _RISK_SCALE)
    if "churn_risk" in frame.columns:
        at = frame.columns.index("churn_risk")
        high = {"type": "cell", "criteria": "==", "value": f'"{_word("high")}"', "format": workbook.add_format(_HIGH_RISK)}
        sheet.conditional_format(1, at, frame.height, at, high)


def _set_print(sheet: Any, *, title: str) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer(f"&L{title}&R{fill('list.page', page='&P', pages='&N')}")


def _write_meanings(workbook: Any, frame: pl.DataFrame) -> None:
    """Explain every column of the first sheet, one line each."""
    sheet = workbook.add_worksheet(fill("list.columns"))
    wrapped = workbook.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 24, workbook.add_format({"bold": True, "valign": "top"}))
    sheet.set_column(1, 1, 100, wrapped)
    lines: Sequence[tuple[str, str]] = [
        (fill("list.column"), fill("list.meaning")),
        *((_header(column), _meaning(frame[column])) for column in frame.columns),
    ]
    for row, (header, meaning) in enumerate(lines):
        style = workbook.add_format(_HEADER) if row == 0 else None
        sheet.write_string(row, 0, header, style)
        sheet.write_string(row, 1, meaning, style)
    sheet.freeze_panes(1, 0)


def _meaning(column: pl.Series) -> str:
    meaning = current().columns.get(column.name, "")
    is_empty = len(column) > 0 and column.null_count() == len(column)
    return fill("list.empty_column", meaning=meaning).strip() if is_empty else meaning


def _in_words(frame: pl.DataFrame) -> pl.DataFrame:
    """Say codes such as `at_risk` in the language that is spoken; English keeps them, as they are words already."""
    coded = [column for column in frame.columns if column in _CODED]
    return frame.with_columns(
        pl.col(column).replace({code: _word(code) for code in frame[column].drop_nulls().unique()}) for column in coded
    )


def _word(code: str) -> str:
    spoken = current()
    if spoken is ENGLISH:
        return code
    rule = f"suppressed.{code.replace(' ', '_')}"
    return fill(rule) if rule in spoken.sentences else name(code)


def _header(column: str) -> str:
    return current().headers.get(column, column)


def _night(frame: pl.DataFrame) -> datetime:
    """Return the date of the document, its night: the clock would change the bytes."""
    night = frame["as_of"].min() if "as_of" in frame.columns else None
    if not isinstance(night, date):
        return _UNDATED
    return datetime(night.year, night.month, night.day, tzinfo=UTC).replace(tzinfo=None)
