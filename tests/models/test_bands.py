from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.bands import MEASURES, calibration_by_band, tenure_band
from models.evaluation import evaluate_churn

RANDOM = np.random.default_rng(5)
PROBABILITY = RANDOM.uniform(0.05, 0.95, 900)
BAND = pl.Series(RANDOM.choice(["gold", "silver"], 900)).set(pl.Series(np.arange(900) % 9 == 0), None)
# Gold members leave as often as predicted, the others always half as often.
CHURNED = (RANDOM.random(900) < np.where(BAND == "gold", PROBABILITY, PROBABILITY / 2)).astype(float)
FOUND = calibration_by_band(CHURNED, PROBABILITY, BAND)


def test_every_band_is_measured_as_if_it_were_alone() -> None:
    assert FOUND["band"].to_list() == ["everybody", "gold", "silver"]
    for band, n, predicted, happened, *figures in FOUND.iter_rows():
        inside = np.ones(900, bool) if band == "everybody" else (band == BAND).fill_null(False).to_numpy()
        alone = evaluate_churn(CHURNED[inside], {"model": PROBABILITY[inside]})["model"]
        assert (n, predicted, happened) == pytest.approx((inside.sum(), PROBABILITY[inside].mean(), CHURNED[inside].mean()))
        assert figures == pytest.approx([alone[measure] for measure in MEASURES[3:]])


def test_a_band_that_is_off_shows_where_the_other_hides_it() -> None:
    ece = dict(FOUND.select("band", "ece").iter_rows())
    assert ece["gold"] < ece["everybody"] < ece["silver"]


def test_the_order_of_members_does_not_matter() -> None:
    shuffled = RANDOM.permutation(900)
    assert calibration_by_band(CHURNED[shuffled], PROBABILITY[shuffled], BAND[shuffled]).equals(FOUND)


def test_nobody_has_no_figures() -> None:
    empty = calibration_by_band(np.array([]), np.array([]), pl.Series([], dtype=pl.String))
    assert empty.rows() == [("everybody", 0, None, None, None, None, None)]


def test_bands_of_tenure_begin_at_their_first_day() -> None:
    days = pl.DataFrame({"tenure_days": [0, 27, 28, 364, 365, 4000, None]})
    bands = days.select(tenure_band(pl.col("tenure_days"))).to_series().to_list()
    assert bands == ["new", "new", "first_year", "first_year", "longer", "longer", None]
