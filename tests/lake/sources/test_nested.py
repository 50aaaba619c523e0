"""Fields within records and JSON inside a text column are read row by row."""

import polars as pl
import pytest

from lake.errors import ConfigurationError
from lake.sources.expressions import evaluate
from tests.lake.sources.test_expressions import misread, values

JSON = pl.DataFrame(
    {"p": ['{"user": "a", "n": 12, "o": {"b": [1, "x"]}, "z": null, "t": true}', "{bad", None, "[1]", '{"n": "7"}']}
)


def test_json_inside_a_text_column_is_read_row_by_row() -> None:
    assert values("p ->> 'user'", "text", JSON) == ["a", None, None, None, None]
    assert values("p -> 'o' ->> 'b'", "text", JSON) == ['[1, "x"]', None, None, None, None]
    assert values("p -> 'o' -> 'b' ->> 1", "text", JSON) == ["x", None, None, None, None]
    assert values("p #>> '{o,b,0}'", "text", JSON) == ["1", None, None, None, None]
    assert values("(p::json ->> 'n') * 2", rows=JSON) == [24, None, None, None, 14]
    assert values("CAST(p AS jsonb) ->> 't'", "condition", JSON) == ["true", None, None, None, None]
    assert values("COALESCE(p ->> 'user', p ->> 'n')", "text", JSON) == ["a", None, None, None, "7"]
    assert values("p ->> 'z'", "text", JSON) == [None] * 5
    digits = pl.DataFrame({"p": ['{"3": "a field of that name"}', '["no", "field"]']})
    assert values("p ->> '3'", "text", digits) == ["a field of that name", None]
    with pytest.raises(ConfigurationError, match="a field"):
        values("p ->> 1.5", "text", JSON)


def test_a_cell_that_is_no_json_is_misread_and_shown_as_it_is_written() -> None:
    alone = evaluate(JSON, "p ->> 'user'", wanted="text", label="x")
    assert alone.misread.to_list() == [False, True, False, False, False]
    assert alone.written.to_list() == ["a", "{bad", None, None, None]
    within = evaluate(JSON, "UPPER(p ->> 'user')", wanted="text", label="x")
    assert (within.misread.to_list(), within.written.to_list()[1]) == ([False, True, False, False, False], "p ->> 'user'={bad")
    assert misread("(p ->> 'n') + 1", rows=JSON) == [False, True, False, False, False]


def test_fields_of_records_are_read_by_points_and_arrows() -> None:
    nested = pl.DataFrame({"s": [{"id": 7, "o": {"n": "3", "l": [1, 2]}}, {"id": None, "o": None}], "s.x": ["5", "6"]})
    assert values("s.id", "text", nested) == values("s -> 'id'", "text", nested) == [7, None]
    assert values("s.o.n * 2", rows=nested) == [6, None]
    assert values("s -> 'o' -> 'l' -> 1", rows=nested) == [2, None]
    assert values("'u' || (s ->> 'id')", "text", nested) == ["u7", None]
    assert values("s.x + 1", rows=nested) == [6, 7]
    with pytest.raises(ConfigurationError, match=r"no field `zz`; `s` has id, o\n"):
        values("s ->> 'zz'", rows=nested)
    with pytest.raises(ConfigurationError, match="follows a column and nothing else"):
        values("UPPER(s) -> 'id'", rows=nested)
