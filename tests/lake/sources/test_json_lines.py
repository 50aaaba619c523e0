"""JSON lines are read with their types, and what is none is told."""

import gzip
import json

import pytest

from lake.errors import DataError
from tests.lake.sources.reading import read


def test_json_lines_keep_their_types() -> None:
    lines = [{"id": 1, "at": "2011-08-31", "ok": True}, {"id": 2, "x": 1.5}]
    rows = read("\n".join(map(json.dumps, lines)) + "\n\n", "jsonl")
    assert rows.to_dicts() == [
        {"id": 1, "at": "2011-08-31", "ok": True, "x": None},
        {"id": 2, "at": None, "ok": None, "x": 1.5},
    ]


def test_json_lines_with_a_value_only_at_the_end_keep_it() -> None:
    rows = read('{"a": null}\n' * 3000 + '{"a": "z", "b": 5}\n', "jsonl")
    assert rows.height == 3001
    assert rows.row(-1) == ("z", 5)


def test_json_lines_of_mixed_types_become_text() -> None:
    rows = read('{"a": 1, "b": 1}\n{"a": "x", "b": 2.5}\n{"a": true, "b": null}\n', "jsonl")
    assert rows.to_dicts() == [{"a": "1", "b": 1.0}, {"a": "x", "b": 2.5}, {"a": "true", "b": None}]


def test_json_lines_may_be_compressed_or_in_another_encoding() -> None:
    assert read(gzip.compress(b'{"a": "x"}\n'), "jsonl").rows() == [("x",)]
    assert read('{"a": "é"}\n'.encode("utf-16"), "jsonl", encoding="utf-16").rows() == [("é",)]


def test_a_key_of_no_one_type_becomes_text_and_spoils_no_other() -> None:
    rows = read('{"id": 1, "x": [], "v": 1}\n{"id": 2, "x": {"é": 1}, "v": 2.5}\n\n{"id": 3, "x": "t"}\n', "jsonl")
    assert rows.to_dicts() == [
        {"id": 1, "x": "[]", "v": 1.0},
        {"id": 2, "x": '{"é": 1}', "v": 2.5},
        {"id": 3, "x": "t", "v": None},
    ]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('{"a": 1}\n{"a":', "line 2 is not JSON"),
        ("hello\n", "line 1 is not JSON"),
        ("1\n2\n", "line 1 is not a JSON object"),
        ('{"a": 1}{"a": 2}\n', "line 1 is not JSON: Extra data"),
        ('{"a": 1} x\n', "line 1 is not JSON"),
        ('[{"a": 1}]', r"this is a JSON document, .* later release.*jq -c '\.\[\]' FILE"),
        ('[\n{"a": 1},\n{"a": 2}\n]\n', "this is a JSON document"),
        ('{\n"rows": [{"a": 1}]\n}\n', "this is a JSON document"),
    ],
)
def test_broken_json_lines_are_told(content: str, complaint: str) -> None:
    with pytest.raises(DataError, match=f"cannot be read as jsonl in utf-8: {complaint}"):
        read(content, "jsonl")
