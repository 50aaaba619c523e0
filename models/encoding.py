"""Encoding of a feature frame as the matrix that LightGBM reads, the same in training and scoring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from lake.errors import ConfigurationError

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Encoding:
    """The features that a model reads, in their order, and the known values of its text features.

    Args:
        features: Feature names in the order of the matrix's columns.
        categories: Text feature → its known values; a value's code is its position.
    """

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @property
    def categorical_positions(self) -> list[int]:
        """Positions of the text features in the matrix."""
        return [position for position, name in enumerate(self.features) if name in self.categories]

    def matrix(self, frame: pl.DataFrame) -> Matrix:
        """Lay the features out as one row per row of the frame.

        Nulls, unknown text values, infinities and features the frame lacks become NaN, which LightGBM reads as missing.
        """
        laid_out = np.full((frame.height, len(self.features)), np.nan, dtype=np.float32)
        for position, name in enumerate(self.features):
            if name in frame.columns:
                laid_out[:, position] = self._column(frame[name])
        laid_out[~np.isfinite(laid_out)] = np.nan
        return laid_out

    def _column(self, values: pl.Series) -> Matrix:
        categories = self.categories.get(values.name)
        if categories is None:
            return values.cast(pl.Float64).cast(pl.Float32).to_numpy()
        codes = {value: code for code, value in enumerate(categories)}
        coded = values.cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float32)
        return coded.to_numpy()


def learn_encoding(rows: pl.DataFrame, features: Sequence[str], *, max_categories: int) -> Encoding:
    """Learn the encoding: the features and, for text features, their most frequent values in alphabetical order.

    Args:
        rows: Training rows.
        features: Names of the features, in the order of the matrix's columns.
        max_categories: Most values of a text feature that get a code of their own.

    Raises:
        ConfigurationError: A feature is neither a number, a truth value nor text.
    """
    categories: dict[str, tuple[str, ...]] = {}
    for name in features:
        dtype = rows.schema[name]
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            categories[name] = _most_frequent(rows[name].cast(pl.String), max_categories)
        elif not (dtype.is_numeric() or dtype in (pl.Boolean, pl.Null)):
            raise ConfigurationError(
                f"The feature {name!r} has the type {dtype}, which no model can read.",
                remedy="Declare it as a number, a truth value or text; turn a day into a number of days before as_of.",
            )
    return Encoding(tuple(features), categories)


def _most_frequent(values: pl.Series, at_most: int) -> tuple[str, ...]:
    counted = values.drop_nulls().alias("value").to_frame().group_by("value").len()
    # Equally frequent values are chosen by name, so that the choice does not depend on the order of the rows.
    most_frequent = counted.sort(["len", "value"], descending=[True, False]).head(at_most)
    return tuple(most_frequent["value"].sort().to_list())
