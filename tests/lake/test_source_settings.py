"""What a source may say is checked when the configuration is read."""

from typing import Any

import pytest
from pydantic import ValidationError

from lake.source_settings import SourceSettings, known_zone


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
        ({"query_timeout_seconds": 0}, "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_told(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        source(**settings)


def test_every_setting_may_be_given() -> None:
    given = source(
        path=["a.csv", "b/*.csv"], where="x > 1", columns={"member_id": "id"}, timezone="Europe/London", date_format="%d/%m/%Y",
        encoding="latin-1", separator="whitespace", sheet="one", format="csv",
    )  # fmt: skip
    assert given.paths == ("a.csv", "b/*.csv")
    assert source().paths == ("x.csv",)
    assert source(path=None, uri="sqlite:///x.db", query="SELECT 1").paths == ()


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
