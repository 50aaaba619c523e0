"""JSON lines: one object per line, one row per object."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import polars as pl


def read_json_lines(text: bytes) -> pl.DataFrame:
    """Read JSON lines; keys that a record lacks are null in its row.

    One row per record. A key whose values have no common type, such as `[]` in one record and `{…}` in the next, becomes a text
    column: texts are unchanged, every other value is written as JSON.

    Raises:
        ValueError: A line is not a JSON object (the message has its number), or the text is one JSON document.
    """
    # Polars first; only files it refuses are parsed by Python, which is slower.
    try:
        return pl.read_ndjson(BytesIO(text), infer_schema_length=None)
    except pl.exceptions.PolarsError:
        records = _records(text)
    # In the order of first occurrence, over all records.
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
            raise ValueError(_document_advice(text) or f"line {number:,} is not JSON: {error}") from error
        if not isinstance(record, dict):
            raise ValueError(_document_advice(text) or f"line {number:,} is not a JSON object")
        records.append(record)
    return records


def _document_advice(text: bytes) -> str | None:
    """Return the advice for a file that is one JSON document instead of one object per line; None for any other file."""
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
    # Read by Polars key by key, so that a key has the same type as in a file that Polars reads as a whole.
    lines = "\n".join(json.dumps({key: value}) for value in values)
    try:
        return pl.read_ndjson(BytesIO(lines.encode()), infer_schema_length=None).to_series()
    except pl.exceptions.PolarsError:
        texts = [value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]
        return pl.Series(key, texts, dtype=pl.String)
