"""What `[sources.<table>]` in `evenfall.toml` may say: where an export lies and how it maps to the contract."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lake.bucket import check_pattern
from lake.times import is_date_format

FileFormat = Literal["csv", "jsonl", "parquet", "xlsx"]

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
    keys: Literal["own", "shared"] | None = Field(
        default=None,
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
    timezone: str | None = Field(
        default=None,
        description="Zone of times that name none; default: the community's. A change is for what arrives after it.",
    )
    date_format: str | None = Field(
        default=None,
        description="How times are written, such as `%d/%m/%Y %H:%M`, or `epoch_s`, `epoch_ms`; ISO text needs none.",
    )
    encoding: str = Field(default="utf-8", description="Text encoding of CSV and JSON lines.")
    separator: str = Field(default=",", description="Field separator of CSV; `whitespace` for columns aligned with blanks.")
    sheet: str | None = Field(default=None, description="Sheet of an Excel file; default: the first.")

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
    def _known_date_format(cls, pattern: str | None) -> str | None:
        if pattern is not None and not is_date_format(pattern):
            raise ValueError(f"{pattern!r} does not say how a day is written; examples: %d/%m/%Y %H:%M, epoch_s")
        return pattern

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
        return self

    @model_validator(mode="after")
    def _settings_that_fit(self) -> Self:
        if self.mode == "snapshot" and self.lines == "add":
            raise ValueError('`lines = "add"` adds up files, `mode = "snapshot"` lets the newest replace all: choose one')
        if self.mode != "snapshot" and "max_retired_share" in self.model_fields_set:
            raise ValueError('`max_retired_share` needs `mode = "snapshot"`')
        if self.path is None and "order_by" in self.model_fields_set:
            raise ValueError("`order_by` is for files; a query arrives once a night")
        return self

    @property
    def paths(self) -> tuple[str, ...]:
        """The path patterns, in the order they are read."""
        if self.path is None:
            return ()
        return (self.path,) if isinstance(self.path, str) else self.path

    def format_of(self, path: str) -> FileFormat | None:
        """The format a file is read as, or None when neither the settings nor its name tell."""
        if self.format is not None:
            return self.format
        name = PurePosixPath(path.lower())
        return _SUFFIXES.get(PurePosixPath(name.stem).suffix if name.suffix == ".gz" else name.suffix)


def known_zone(zone: str) -> str:
    """Return the zone's name when both the system and Polars know it.

    Raises:
        ValueError: No such zone.
    """
    try:
        ZoneInfo(zone)
        # Polars brings its own list, without local aliases such as posix/Europe/London.
        pl.Series(dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.PolarsError):
        raise ValueError(f"unknown timezone {zone!r}; use a name such as UTC or Europe/London") from None
    return zone
