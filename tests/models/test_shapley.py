from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from models.boosting import Trees, UnfittedTrees, make_trees
from models.config import PredictionSettings
from models.encoding import Encoding, Matrix
from models.shapley import DEEPEST_TREE, goes_left, make_explainer

FEATURES = tuple(f"f{position}" for position in range(8))
CODES = tuple(f"{code:02}" for code in range(30))


def table(rows: int, *, seed: int) -> tuple[Matrix, npt.NDArray[np.float64]]:
    """Column 0 is a category, column 7 is never missing, the others are missing in every tenth row."""
    random = np.random.default_rng(seed)
    laid_out = np.round(random.normal(size=(rows, len(FEATURES))) * 3, 1).astype(np.float32)
    laid_out[:, 0] = random.integers(0, len(CODES), rows)
    holes = random.random(laid_out.shape) < 0.1
    holes[:, 7] = False
    laid_out[holes] = np.nan
    filled = np.nan_to_num(laid_out, nan=-2.0)
    score = filled[:, 1] + 2 * np.isin(filled[:, 0], [1, 5, 7, 9, 22]) + filled[:, 2] * filled[:, 3] / 3 + filled[:, 7]
    return laid_out, (score + random.normal(size=rows) > 0).astype(np.float64)


def trained(rows: int = 2000, **changes: object) -> Trees:
    settings = PredictionSettings(rounds=30, min_rows_per_leaf=20, feature_share=0.7).model_copy(update=changes)
    laid_out, outcome = table(rows, seed=1)
    return make_trees(settings, objective="binary").fit(laid_out, outcome, Encoding(FEATURES, {"f0": CODES}))


def unseen() -> Matrix:
    """Rows with holes where training had none, an unknown category and a row without any value."""
    laid_out, _ = table(500, seed=2)
    laid_out[::5, 7] = np.nan
    laid_out[0] = np.nan
    laid_out[1, 0] = 77
    return laid_out


@pytest.mark.parametrize("num_leaves", [2, 7, 31, 127])
def test_contributions_are_those_of_lightgbm_with_missing_values_and_categories(num_leaves: int) -> None:
    trees, laid_out = trained(num_leaves=num_leaves), unseen()
    explainer = make_explainer(trees)
    theirs = trees.booster.predict(laid_out, pred_contrib=True, num_threads=1)
    ours = np.zeros_like(theirs)
    ours[:, explainer.positions] = explainer.contributions(laid_out)
    ours[:, -1] = explainer.base
    assert num_leaves == 2 or "cat_threshold=" in trees.text
    assert explainer.forest is not None
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)


def test_contributions_and_base_add_up_to_the_score() -> None:
    trees, laid_out = trained(), unseen()
    explainer = make_explainer(trees)
    added = explainer.base + explainer.contributions(laid_out).sum(axis=1)
    np.testing.assert_allclose(added, trees.raw_matrix(laid_out), rtol=0, atol=1e-5)


@pytest.mark.parametrize("num_leaves", [7, 31])
def test_a_row_is_explained_to_the_same_bits_alone_and_among_others(num_leaves: int) -> None:
    explainer, laid_out = make_explainer(trained(num_leaves=num_leaves)), unseen()
    among_others = explainer.contributions(laid_out)
    many = explainer.contributions(np.tile(laid_out, (20, 1)))
    assert np.array_equal(many[:500], among_others)
    for start, end in ((0, 1), (17, 19), (100, 400)):
        assert np.array_equal(explainer.contributions(laid_out[start:end]), among_others[start:end])


def test_neighbouring_numbers_of_single_precision_are_told_apart() -> None:
    laid_out = np.ones((2000, 2), dtype=np.float32)
    laid_out[::2, 0] = np.nextafter(np.float32(1), np.float32(2))
    settings = PredictionSettings(rounds=3, feature_share=1, row_share=1)
    trees = make_trees(settings, objective="binary").fit(
        laid_out, (laid_out[:, 0] > 1).astype(np.float64), Encoding(("f0", "f1"), {})
    )
    contributions = make_explainer(trees).contributions(laid_out)
    assert set(contributions[::2, 0] > 0) == {True}
    assert set(contributions[1::2, 0] > 0) == {False}


def test_features_that_no_tree_reads_are_left_out() -> None:
    laid_out, outcome = table(2000, seed=1)
    laid_out[:, 4] = 1
    trees = make_trees(PredictionSettings(rounds=5), objective="binary").fit(laid_out, outcome, Encoding(FEATURES, {"f0": CODES}))
    explainer = make_explainer(trees)
    assert "f4" not in explainer.features
    assert explainer.contributions(laid_out).shape == (2000, len(explainer.features))


def test_trees_too_deep_for_woodelf_are_left_to_lightgbm() -> None:
    # Each value is four times the one before, so every split takes the largest off: a chain.
    step = np.repeat(np.arange(40, dtype=np.float32), 10)
    laid_out = np.column_stack([step, step % 7]).astype(np.float32)
    chain = {"objective": "regression", "boost_from_average": False, "num_leaves": 40, "min_data_in_leaf": 1}
    quiet = {"num_threads": 1, "verbosity": -1, "deterministic": True, "force_row_wise": True}
    trees = UnfittedTrees(chain | quiet, rounds=1).fit(laid_out, np.exp2(2.0 * step), Encoding(("f0", "f1"), {}))
    explainer = make_explainer(trees)
    theirs = trees.booster.predict(laid_out, pred_contrib=True, num_threads=1)
    assert explainer.depth > DEEPEST_TREE
    assert explainer.forest is None
    assert np.array_equal(explainer.contributions(laid_out), theirs[:, explainer.positions])


def test_a_model_without_any_split_is_its_base() -> None:
    laid_out, outcome = table(60, seed=1)
    trees = make_trees(PredictionSettings(rounds=3), objective="binary").fit(laid_out, outcome, Encoding(FEATURES, {"f0": CODES}))
    explainer = make_explainer(trees)
    assert explainer.features == ()
    assert explainer.contributions(laid_out).shape == (60, 0)
    assert trees.raw_matrix(laid_out) == pytest.approx(explainer.base)


def test_no_rows_have_no_contributions() -> None:
    explainer = make_explainer(trained())
    assert explainer.contributions(unseen()[:0]).shape == (0, len(explainer.features))


@pytest.mark.parametrize(
    ("split", "left"),
    [
        ({"decision_type": "<=", "threshold": 2.0, "missing_type": "NaN", "default_left": True}, [True, True, False, True]),
        ({"decision_type": "<=", "threshold": 2.0, "missing_type": "NaN", "default_left": False}, [True, True, False, False]),
        ({"decision_type": "<=", "threshold": 2.0, "missing_type": "None", "default_left": False}, [True, True, False, True]),
        ({"decision_type": "<=", "threshold": -0.5, "missing_type": "None", "default_left": True}, [True, False, False, False]),
        ({"decision_type": "==", "threshold": "3||0", "missing_type": "NaN", "default_left": True}, [False, False, True, False]),
    ],
)
def test_values_go_left_by_the_rules_of_lightgbm(split: dict[str, object], left: list[bool]) -> None:
    assert goes_left(split)(np.array([-1.0, 2.0, 3.0, np.nan])).tolist() == left


def test_woodelf_has_an_upper_bound_because_its_internal_nodes_are_subclassed() -> None:
    """`woodelf.core` is no public interface: another minor release may rename what `_woodelf_trees` builds on."""
    from importlib.metadata import requires

    from packaging.requirements import Requirement
    from woodelf.core.trees.decision_trees_ensemble import DecisionTreesEnsemble

    (woodelf,) = (one for one in map(Requirement, requires("evenfall") or []) if one.name == "woodelf-explainer")
    assert not woodelf.specifier.contains("0.5.0")
    assert woodelf.specifier.contains("0.4.8")
    assert DecisionTreesEnsemble is not None
