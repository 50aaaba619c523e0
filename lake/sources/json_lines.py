"""JSON lines: one object per line, one row per object."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import polars as pl


def read_json_lines(text: bytes) -> pl.DataFrame:
    """Read JSON lines; keys that a record lacks are null in its row.

    Polars reads them. A key whose values fit no one type, such as `[]` in one record and `{…}` in the next, becomes text: texts
    stay what they are, every other value is its JSON.

    Raises:
        ValueError: A line is no JSON object, with its number; or the text is one JSON document.
    """
    try:
        return pl.read_ndjson(BytesIO(text), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        records = _records(text)
    keys = dict.fromkeys(key for record in records for key in record)
    return pl.DataFrame([_column(key, [record.get(key) for record in records]) for key in keys])


def _records(text: bytes) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for number, line in enumerate(text.decode().split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(_document(text) or f"line {number:,} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(_document(text) or f"line {number:,} is not a JSON object")
        records.append(record)
    return records


def _document(text: bytes) -> str | None:
    """What to do about a file that is one JSON document instead of one object a line."""
    try:
        json.loads(text)
    except ValueError:
        return None
    filter_ = "." if text.lstrip().startswith(b"{") else ".[]"
    return (
        "this is a JSON document, not one object a line; documents come with a later release. "
        f"Until then convert it, as with `jq -c '{filter_}' FILE.json > FILE.jsonl`"
    )


def _column(key: str, values: list[Any]) -> pl.Series:
    # By Polars again, so that a key has the type it has in a file where all keys are regular.
    lines = "\n".join(json.dumps({key: value}) for value in values)
    try:
        return pl.read_ndjson(BytesIO(lines.encode()), infer_schema_length=None).to_series()
    except pl.exceptions.PolarsError:
        texts = [value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
        return pl.Series(key, texts, dtype=pl.String)
