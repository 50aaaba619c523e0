"""What a source may say is checked when the configuration is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from lake.sources.source_settings import SourceSettings, known_zone


def source(**settings: Any) -> SourceSettings:
    return SourceSettings.model_validate({"path": "x.csv"} | settings)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"path": None}, "either `path` .* or `uri`"),
        ({"uri": "sqlite:///x.db", "query": "SELECT 1"}, "either `path` .* or `uri`"),
        ({"path": None, "uri": "sqlite:///x.db"}, "`uri` and `query` go together"),
        ({"query": "SELECT 1"}, "`uri` and `query` go together"),
        ({"path": ""}, "`path` is empty"),
        ({"path": []}, "`path` is empty"),
        ({"colums": {}}, "Extra inputs are not permitted"),
        ({"format": "json"}, "'csv', 'jsonl', 'parquet' or 'xlsx'"),
        ({"timezone": "Europe/Londen"}, "unknown timezone 'Europe/Londen'"),
        ({"timezone": "posix/Europe/London"}, "unknown timezone"),
        ({"timezone": "../etc/passwd"}, "unknown timezone"),
        ({"timezone": ""}, "unknown timezone"),
        ({"encoding": "utf-9"}, "unknown encoding 'utf-9'"),
        ({"encoding": "rot13"}, "unknown encoding 'rot13'"),
        ({"separator": ""}, "one character or `whitespace`"),
        ({"separator": "||"}, "one character or `whitespace`"),
        ({"separator": "§"}, "one character or `whitespace`"),
        ({"separator": "\n"}, "one character or `whitespace`"),
        ({"separator": '"'}, "one character or `whitespace`"),
        ({"date_format": "dd/mm/yyyy"}, "'dd/mm/yyyy' does not say how a day is written"),
        ({"date_format": "%H:%M"}, "does not say how a day is written"),
        ({"date_format": []}, "`date_format` is an empty list"),
        ({"date_format": ["%d/%m/%Y", "dd/mm"]}, "'dd/mm' does not say how a day is written"),
        ({"query_timeout_seconds": 0}, "greater than or equal to 1"),
        ({"skip_rows": -1}, "greater than or equal to 0"),
        ({"column_names": []}, "a name for every column"),
        ({"column_names": ["a", " "]}, "a name for every column"),
        ({"column_names": ["a", "b", "a"]}, "`column_names` has 'a' twice"),
        ({"decimal": ",", "thousands": ","}, "`decimal` and `thousands` are both ','"),
        ({"decimal": "·"}, "'.' or ','"),
        ({"yes": ["ja"]}, "`yes` and `no` go together"),
        ({"yes": ["ja"], "no": ["Ja "]}, "'ja' is among `yes` and among `no`"),
        ({"yes": ["False"], "no": ["true"]}, "cannot turn true and false around"),
        ({"path": "x.parquet", "skip_rows": 1}, "`skip_rows` is for CSV and Excel; parquet needs no such key"),
        ({"path": ["x.jsonl", "y.jsonl.gz"], "header": False}, "`header` is for CSV and Excel"),
        ({"path": None, "uri": "sqlite:///x.db", "query": "SELECT 1", "optional": True}, "`optional` is for files"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        source(**settings)


def test_every_setting_may_be_given() -> None:
    given = source(
        path=["a.csv", "b/*.csv"], where="x > 1", columns={"member_id": "id"}, timezone="Europe/London", date_format="%d/%m/%Y",
        encoding="latin-1", separator="whitespace", sheet="one", format="csv", skip_rows=1, skip_footer=2, header=True,
        column_names=["a", "b"], null_values=["-"], decimal=",", thousands=".", yes=[" Ja"], no=["NEIN"], optional=True,
    )  # fmt: skip
    assert (given.yes, given.no) == (("ja",), ("nein",))
    assert source(path="x.parquet", optional=True, decimal=",").has_header
    assert [source(**layout).has_header for layout in ({"column_names": ["a"]}, {"header": False})] == [False, False]
    assert given.paths == ("a.csv", "b/*.csv")
    assert source().paths == ("x.csv",)
    assert source(path=None, uri="sqlite:///x.db", query="SELECT 1").paths == ()


def test_a_source_may_be_looked_through_as_prefect_does() -> None:
    assert dict(source(keys="own"))["whose_keys"] == "own"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("orders.csv", "csv"),
        ("ORDERS.CSV", "csv"),
        ("orders.tsv", "csv"),
        ("orders.txt", "csv"),
        ("orders.csv.gz", "csv"),
        ("orders.2024-01-01.jsonl.gz", "jsonl"),
        ("orders.ndjson", "jsonl"),
        ("orders.parquet", "parquet"),
        ("orders.xlsx", "xlsx"),
        ("orders.gz", None),
        ("orders.json", None),
        ("orders", None),
        (".csv", None),
    ],
)
def test_the_name_tells_the_format(name: str, expected: str | None) -> None:
    assert source().format_of(name) == expected
    assert source(format="jsonl").format_of(name) == "jsonl"


def test_a_known_zone_is_returned() -> None:
    assert known_zone("America/Argentina/Buenos_Aires") == "America/Argentina/Buenos_Aires"
