from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from lake.errors import ConfigurationError
from models.encoding import learn_encoding

ROWS = pl.DataFrame(
    {
        "region": ["south", "north", "south", None],
        "n": [1, 2, None, 4],
        "yes": [True, None, False, True],
        "ratio": [0.5, np.inf, None, 1.0],
    }
)
ENCODING = learn_encoding(ROWS, ROWS.columns, max_categories=9)
NAN = np.nan


def test_text_becomes_the_position_of_its_value_and_everything_unknown_missing() -> None:
    expected = [[1, 1, 1, 0.5], [0, 2, NAN, NAN], [1, NAN, 0, NAN], [NAN, 4, 1, 1]]
    np.testing.assert_array_equal(ENCODING.matrix(ROWS), np.array(expected, dtype=np.float32))
    assert ENCODING.categorical_positions == [0]


def test_new_values_and_absent_features_are_missing() -> None:
    scored = pl.DataFrame({"n": [7], "region": ["west"], "not_known": [1]})
    np.testing.assert_array_equal(ENCODING.matrix(scored), [[NAN, 7, NAN, NAN]])


def test_only_the_most_frequent_values_are_told_apart() -> None:
    assert learn_encoding(ROWS, ["region"], max_categories=1).categories == {"region": ("south",)}


def test_a_text_feature_without_any_value_is_all_missing() -> None:
    nothing = pl.DataFrame({"region": pl.Series([None, None], dtype=pl.String)})
    assert np.isnan(learn_encoding(nothing, ["region"], max_categories=9).matrix(nothing)).all()


def test_a_day_is_refused_with_a_remedy() -> None:
    with pytest.raises(ConfigurationError, match="'joined' has the type Date") as caught:
        learn_encoding(pl.DataFrame({"joined": [date(2024, 1, 1)]}), ["joined"], max_categories=9)
    assert "number of days" in caught.value.remedy
