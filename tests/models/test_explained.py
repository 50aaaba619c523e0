from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from models.churn import fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from models.explained import explain_score
from models.lifetime.silence import PURCHASES
from models.panel import Floats
from models.peers import typical_member
from models.shapley import make_explainer
from tests.models.panels import HORIZON_DAYS, cutoffs, features_only, make_buyers

PANEL = make_buyers(cutoff_count=3)
MODEL = fit_churn(PANEL, final_split(cutoffs(3), horizon_days=HORIZON_DAYS), PredictionSettings(rounds=20))
TONIGHT = features_only(PANEL).head(40)
assert MODEL.trees is not None
ENCODING = MODEL.trees.encoding
LAID_OUT = ENCODING.matrix(TONIGHT)
TYPICAL = ENCODING.matrix(typical_member(features_only(PANEL)))[0]
EXPLAINER = explain_score(MODEL, TYPICAL)
PLACES = [ENCODING.features.index(name) for name in PURCHASES]


def test_the_score_is_that_of_the_model_and_contributions_add_up_to_it() -> None:
    assert EXPLAINER.score(LAID_OUT) == pytest.approx(MODEL.log_odds(TONIGHT))
    assert EXPLAINER.base + EXPLAINER.contributions(LAID_OUT).sum(axis=1) == pytest.approx(MODEL.log_odds(TONIGHT), abs=1e-4)


def test_the_part_of_buy_till_you_die_is_the_mean_over_all_orders_of_becoming_oneself() -> None:
    assert MODEL.silence is not None
    share = MODEL.settings.lifetime_share
    expected = np.zeros((LAID_OUT.shape[0], len(PURCHASES)))
    for order in (orders := list(permutations(range(len(PURCHASES))))):
        mixed = np.tile(TYPICAL[PLACES].astype(float), (LAID_OUT.shape[0], 1))
        before = MODEL.silence.log_odds_of(mixed)
        for player in order:
            mixed[:, player] = LAID_OUT[:, PLACES[player]]
            after = MODEL.silence.log_odds_of(mixed)
            expected[:, player] += (after - before) / len(orders)
            before = after
    found = EXPLAINER.contributions(LAID_OUT) - _of_trees()
    assert found[:, [EXPLAINER.positions.index(place) for place in PLACES]] == pytest.approx(share * expected)
    others = [column for column, place in enumerate(EXPLAINER.positions) if place not in PLACES]
    assert not found[:, others].any()


def _of_trees() -> Floats:
    """The trees' own contributions, in the explainer's columns."""
    assert MODEL.trees is not None
    trees = make_explainer(MODEL.trees)
    added = np.zeros((LAID_OUT.shape[0], len(EXPLAINER.positions)))
    columns = [EXPLAINER.positions.index(place) for place in trees.positions]
    added[:, columns] = (1 - MODEL.settings.lifetime_share) * trees.contributions(LAID_OUT)
    return added
