"""Settings of `[sources.<table>]` in `evenfall.toml`: where an export is and how it is mapped to the contract."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lake.sources.times import is_date_format
from lake.sources.watermarks import check_settings
from lake.storage.bucket import check_pattern

FileFormat = Literal["csv", "jsonl", "parquet", "xlsx"]
TABULAR_FORMATS: Final[tuple[FileFormat, ...]] = ("csv", "xlsx")

# Texts that systems write where there is no id, in exactly this spelling: none or Null, for example, are names of people.
NO_ID: Final = ("NULL", "null", "None", "nan", "NaN", "<NA>", "N/A", "n/a", "#N/A", "undefined", r"\N", "-")
# In systems with running numbers, 0 is a visitor who is not a member; a record or content with number 0 may exist.
NO_MEMBER: Final = (*NO_ID, "0")

# The columns that an export with a column for each figure is turned into.
FIGURE, VALUE = "figure", "value"
_OF_FIGURES: Final = {FIGURE: FIGURE, VALUE: VALUE}
_LAYOUT: Final = ("skip_rows", "skip_footer", "header", "column_names", "optional")
_SUFFIXES: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".xls": "xlsx",
}


class SourceSettings(BaseModel):
    """One export of one table: files by path, or rows of a database by URI and query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="What the source is called; without a name it goes by what it reads. Give names where a table has several "
        "sources: a path may then change without the source becoming another.",
    )
    path: str | tuple[str, ...] | None = Field(
        default=None,
        description="File or pattern such as `landing/*.csv` or `s3://bucket/exports/*.csv`, or a list of them; relative to the "
        "folder of evenfall.toml.",
    )
    uri: str | None = Field(
        default=None,
        description="Database instead of files: `sqlite:///file.db` or `postgresql://…`; `${NAME}` is read from the environment.",
    )
    query: str | None = Field(default=None, description="The SELECT to run on `uri`, in a read-only transaction.")
    query_timeout_seconds: int = Field(default=600, ge=1, description="Longest time the query may take.")
    watermark: str | None = Field(
        default=None,
        description="Column of the query's result by which only what changed is asked for: `:since` in `query` is its newest "
        "value so far, less `overlap`; the first time 1970-01-01 00:00:00, or 0 where `overlap` is a number.",
    )
    overlap: str | Annotated[int, Field(ge=0, strict=True)] | None = Field(
        default=None,
        description="How far before the newest value `:since` lies: a duration such as `1 day` (the default) or `2 hours`, or a "
        "whole number for a watermark of whole numbers.",
    )
    format: FileFormat | None = Field(default=None, description="csv, jsonl, parquet or xlsx; by default told by the file name.")
    mode: Literal["append", "snapshot"] = Field(
        default="append",
        description="append: what an export lacks stays; snapshot: each export is the whole truth, and what the newest lacks is "
        "retired.",
    )
    max_retired_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Snapshot: largest share of what is held that one export may retire; more stops the run.",
    )
    # Not named `keys` in Python: dict() takes any object with such an attribute for a mapping, and Prefect calls dict() on it.
    whose_keys: Literal["own", "shared"] | None = Field(
        default=None,
        alias="keys",
        description="Where two sources bring the same key: own, each counts for itself; shared, it is one record, and the later "
        "replaces the earlier. Unset, different records with one key stop the run. Not for members.",
    )
    lines: Literal["replace", "add"] = Field(
        default="replace",
        description="Orders that come again in a later file: replace the earlier order, or add to it, as settlement reports do.",
    )
    order_by: Literal["name", "modified"] = Field(
        default="name",
        description="Order in which files arrive: by name, numbers as numbers (`(9)` before `(10)`), or by time of modification.",
    )
    where: str | None = Field(
        default=None, description="SQL expression; rows for which it is not true are left out, and counted."
    )
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Contract column → SQL expression over the export's columns; left out, columns of the same name are taken.",
    )
    figures: dict[str, str] = Field(
        default_factory=dict,
        description="For [sources.figures] alone, where an export has a column for each figure: what the figure is called → its "
        "column. An empty cell is no value.",
    )
    timezone: str | None = Field(
        default=None,
        description="Zone of times that name none; default: the community's. A change is for what arrives after it.",
    )
    date_format: str | tuple[str, ...] | None = Field(
        default=None,
        description="How times are written, such as `%d/%m/%Y %H:%M`, or `epoch_s`, `epoch_ms`; ISO text needs none. Of a list, "
        "the first that reads a value counts: with `%d/%m/%Y` before `%m/%d/%Y`, 03/04/2024 is 3 April.",
    )
    encoding: str = Field(default="utf-8", description="Text encoding of CSV and JSON lines.")
    separator: str = Field(default=",", description="Field separator of CSV; `whitespace` for columns aligned with blanks.")
    sheet: str | None = Field(default=None, description="Sheet of an Excel file; default: the first.")

    # The layout of a file and the spelling of its values.
    skip_rows: int = Field(default=0, ge=0, description="Lines of CSV or rows of Excel above the header that are no data.")
    skip_footer: int = Field(
        default=0,
        ge=0,
        description="Lines of CSV or rows of Excel at the end that are no data; empty ones below them do not count.",
    )
    header: bool | None = Field(
        default=None,
        description="Whether CSV or Excel names its columns; default: yes, unless `column_names` is given. Without names, "
        "columns are called `column_1`, `column_2`, ….",
    )
    column_names: tuple[str, ...] | None = Field(
        default=None,
        description="Names of all columns of CSV or Excel, in order, for a file without a header; with `header = true` they take "
        "the place of the header's.",
    )
    null_values: tuple[str, ...] | None = Field(
        default=None,
        description="Texts that mean nothing, in every column and exactly as written. Unset, only ids are looked at: "
        + ", ".join(f"`{text}`" for text in NO_ID)
        + " are no id, and `0` is no member. `[]` when these are ids of yours.",
    )
    decimal: Literal[".", ","] = Field(
        default=".", description="Decimal mark of numbers written as text, in the columns that numbers are computed from."
    )
    thousands: Literal[".", ",", " ", "'"] | None = Field(
        default=None, description="Mark between groups of three digits, in the same columns: a point, comma, blank or apostrophe."
    )
    yes: tuple[str, ...] | None = Field(
        default=None,
        description="Words for yes in columns of yes and no, in any case, such as `ja`; given together with `no`, and no other "
        "words count then. Default: true, t, yes, y, 1.",
    )
    no: tuple[str, ...] | None = Field(default=None, description="Words for no; default: false, f, no, n, 0.")
    may_lack: tuple[str, ...] = Field(
        default=(),
        description="Columns that an export may lack, such as keys that no record of one JSON lines file has; they are empty "
        "then. Any other column that is named and absent stops the night.",
    )
    optional: bool = Field(
        default=False,
        description="Whether the files may be absent: then they are 0 rows, and the night goes on without a warning.",
    )

    @model_validator(mode="before")
    @classmethod
    def _map_figures(cls, raw: Any) -> Any:
        """Map the two columns that an export with a column for each figure is turned into."""
        if not isinstance(raw, dict) or not isinstance(raw.get("figures"), dict):
            return raw
        columns = raw.get("columns", {})
        if isinstance(columns, dict) and set(_OF_FIGURES) & set(columns):
            raise ValueError("`figures` names the columns with values: leave `figure` and `value` out of `columns`")
        return {**raw, "columns": {**columns, **_OF_FIGURES}} if isinstance(columns, dict) else raw

    @field_validator("path")
    @classmethod
    def _plain_address(cls, path: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        for pattern in (path,) if isinstance(path, str) else path or ():
            check_pattern(pattern)
        return path

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        return None if zone is None else known_zone(zone)

    @field_validator("date_format")
    @classmethod
    def _known_date_format(cls, patterns: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if patterns == ():
            raise ValueError("`date_format` is an empty list")
        for pattern in (patterns,) if isinstance(patterns, str) else patterns or ():
            if not is_date_format(pattern):
                raise ValueError(f"{pattern!r} does not say how a day is written; examples: %d/%m/%Y %H:%M, epoch_s")
        return patterns

    @field_validator("column_names")
    @classmethod
    def _distinct_names(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and (not names or not all(name.strip() for name in names)):
            raise ValueError("`column_names` needs a name for every column")
        repeated = [name for name in names or () if (names or ()).count(name) > 1]
        if repeated:
            raise ValueError(f"`column_names` has {repeated[0]!r} twice")
        return names

    @field_validator("yes", "no")
    @classmethod
    def _plain_words(cls, words: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if words is None else tuple(word.strip().lower() for word in words)

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, encoding: str) -> str:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"unknown encoding {encoding!r}; examples: utf-8, latin-1, cp1252, utf-16") from None
        return encoding

    @field_validator("separator")
    @classmethod
    def _one_character(cls, separator: str) -> str:
        if separator != "whitespace" and (len(separator.encode()) != 1 or separator in '"\r\n'):
            raise ValueError(f"the separator must be one character or `whitespace`, not {separator!r}")
        return separator

    @model_validator(mode="after")
    def _files_or_database(self) -> Self:
        if (self.path is None) == (self.uri is None):
            raise ValueError("give either `path` (files) or `uri` with `query` (a database)")
        if (self.uri is None) != (self.query is None):
            raise ValueError("`uri` and `query` go together")
        if self.path is not None and not self.path:
            raise ValueError("`path` is empty")
        check_settings(query=self.query, watermark=self.watermark, overlap=self.overlap)
        return self

    @model_validator(mode="after")
    def _settings_that_fit(self) -> Self:
        if self.mode == "snapshot" and self.lines == "add":
            raise ValueError('`lines = "add"` adds up files, `mode = "snapshot"` lets the newest replace all: choose one')
        if self.mode != "snapshot" and "max_retired_share" in self.model_fields_set:
            raise ValueError('`max_retired_share` needs `mode = "snapshot"`')
        if self.path is None and "order_by" in self.model_fields_set:
            raise ValueError("`order_by` is for files; a query arrives once a night")
        if self.watermark is not None and self.mode == "snapshot":
            raise ValueError("a query with `watermark` gives only what changed, which is no snapshot: choose one")
        if self.watermark is not None and self.lines == "add":
            raise ValueError('with `watermark` rows of the overlap come again, and `lines = "add"` would count them twice')
        return self

    @model_validator(mode="after")
    def _layout_of_a_table(self) -> Self:
        given = [key for key in _LAYOUT if key in self.model_fields_set]
        if given and self.path is None:
            raise ValueError(f"`{given[0]}` is for files; a database is asked by `query`")
        formats = {self.format_of(path) for path in self.paths}
        if given and given[0] != "optional" and formats <= {"jsonl", "parquet"}:
            raise ValueError(f"`{given[0]}` is for CSV and Excel; {' and '.join(sorted(map(str, formats)))} needs no such key")
        return self

    @model_validator(mode="after")
    def _distinct_marks_and_words(self) -> Self:
        if self.decimal == self.thousands:
            raise ValueError(f"`decimal` and `thousands` are both {self.decimal!r}")
        if (self.yes is None) != (self.no is None):
            raise ValueError("`yes` and `no` go together")
        common = set(self.yes or ()) & set(self.no or ())
        if common:
            raise ValueError(f"{min(common)!r} is among `yes` and among `no`")
        if "false" in (self.yes or ()) or "true" in (self.no or ()):
            raise ValueError("`yes` and `no` cannot turn true and false around; map the column with NOT")
        return self

    @property
    def has_header(self) -> bool:
        """Return whether the first row names the columns."""
        return self.column_names is None if self.header is None else self.header

    @property
    def date_formats(self) -> tuple[str | None, ...]:
        """Return the formats of times, of which the first that reads a value is used; None stands for ISO text."""
        return self.date_format if isinstance(self.date_format, tuple) else (self.date_format,)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the path patterns in the order in which they are read; empty for a database."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else self.path

    def format_of(self, path: str) -> FileFormat | None:
        """Return the format of a file; None if neither the settings nor its name determine it."""
        if self.format is not None:
            return self.format
        name = PurePosixPath(path.lower())
        return _SUFFIXES.get(PurePosixPath(name.stem).suffix if name.suffix == ".gz" else name.suffix)


def known_zone(zone: str) -> str:
    """Return the zone's name if both the system and Polars know it.

    Raises:
        ValueError: There is no such zone.
    """
    try:
        ZoneInfo(zone)
        # Polars has its own list of zones, without local aliases such as posix/Europe/London.
        pl.Series(dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        raise ValueError(f"unknown timezone {zone!r}; use a name such as UTC or Europe/London") from None
    return zone
