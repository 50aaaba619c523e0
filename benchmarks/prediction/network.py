"""Measure whether the network helps to predict who leaves, among those still here.

    python -m benchmarks.prediction.network

Every family of columns (`network_columns`) is added to all other features, and so are the same columns with the values of other
members of the same cut-off, which say nothing: columns more draw other features for every tree, and that alone moves the figures.
A lead is worth its distance from that of the shuffled columns. Trees have the settings of a community whose configuration says
nothing, without a search. A cut-off is predicted from those whose outcome was known on it. Of each community at most sixty
cut-offs are looked at, 28 days apart; predicted are those that lie 56 days apart, or 84 where the horizon is longer. A family is
chosen by the cut-offs older than the newest ten, and the newest ten say whether that held.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.prediction.datasets import COMMUNITIES, Community
from benchmarks.prediction.differences import Predicted, mean_differences
from benchmarks.prediction.network_columns import COLUMNS, FAMILIES, network_columns
from benchmarks.prediction.panels import STEP_DAYS, workspace_of
from benchmarks.prediction.rivals import matured
from features.panel import build_panel
from models.boosting import make_trees
from models.bootstrap import Difference
from models.config import PredictionSettings
from models.cutoffs import plan_cutoffs
from models.encoding import learn_encoding
from models.evaluation import auc
from models.panel import Floats, age_weights, churn_rows, feature_names, members_per_class, outcomes, subsample
from models.populations import still_here
from pipeline.history.daily_rollups import load_snapshot
from pipeline.history.materialise import materialise_if_small
from pipeline.learning.challenger import first_day, panel_filter
from runtime.os_errors import cores

BASE: Final = "without"
ALL: Final = "all three"
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {**FAMILIES, ALL: COLUMNS}
NEWEST: Final = 10
_MOST_CUTOFFS: Final = 60
# Cut-offs from one that is predicted to the next, by horizon: so far apart that few outcomes are in two label windows.
_EVERY: Final = {28: 2, 90: 3}
_DRAWS: Final = 1_000
_FEWEST: Final = 8
_MIN_HISTORY_DAYS: Final = 90
_ROWS_IN_MEMORY: Final = 50_000_000


def panel_with_network(community: Community, horizon_days: int, folder: Path) -> pl.DataFrame:
    """Return the panel of a community's eligible members with `COLUMNS` added; null for members without a tie.

    One row per cut-off and member, kept as Parquet in `folder`.

    Args:
        community: The community.
        horizon_days: Days of the label window.
        folder: Where workspaces and panels are kept.
    """
    path = folder / f"{community.name}_{horizon_days}_network.parquet"
    if not path.exists():
        run = workspace_of(community, folder / "workspaces", _say)
        history = materialise_if_small(load_snapshot(run).history, run.workspace.lake, max_rows=_ROWS_IN_MEMORY)
        cutoffs = plan_cutoffs(
            first_day=first_day(history, run.as_of),
            as_of=run.as_of,
            horizon_days=horizon_days,
            step_days=STEP_DAYS,
            max_cutoffs=_MOST_CUTOFFS,
            min_history_days=_MIN_HISTORY_DAYS,
        )
        panel = build_panel(
            history,
            cutoffs=cutoffs,
            churn_horizon_days=horizon_days,
            value_horizon_days=horizon_days,
            seen_until=run.as_of,
            eligible_days=run.settings.churn.eligible_days,
            keep=panel_filter("churn", history),
            threads=cores(),
        )
        columns = pl.concat(
            network_columns(history, as_of=as_of, horizon_days=horizon_days).with_columns(as_of=pl.lit(as_of))
            for as_of in cutoffs
        )
        joined = panel.join(columns, on=["as_of", "member_no"], how="left", maintain_order="left", validate="1:1")
        joined.write_parquet(path)
    return pl.read_parquet(path)


def predict(panel: pl.DataFrame, as_of: date, *, horizon_days: int) -> Predicted | None:
    """Predict those still here at a cut-off without the columns, with each group of them, and with each group shuffled.

    Args:
        panel: As `panel_with_network` returns it.
        as_of: The cut-off.
        horizon_days: Days of the label window.

    Returns:
        The predictions; None where too little is known to learn from, or fewer than eight of either outcome are to be told apart.
    """
    settings = PredictionSettings()
    known = matured(panel["as_of"].unique().to_list(), as_of, horizon_days=horizon_days)
    train = subsample(churn_rows(panel, known), max_rows=settings.search_rows)
    tested = churn_rows(panel, [as_of])
    tested = tested.filter(pl.Series(still_here(tested, horizon_days=horizon_days), dtype=pl.Boolean))
    left = outcomes(tested)
    enough = min(members_per_class(train, pl.col("is_churned")), default=0) >= settings.min_outcomes_to_learn
    if not enough or min(left.sum(), (1 - left).sum()) < _FEWEST:
        return None
    return Predicted(tested["member_id"], left, dict(_scores(train, tested, settings)))


def _scores(train: pl.DataFrame, tested: pl.DataFrame, settings: PredictionSettings) -> Iterator[tuple[str, Floats]]:
    yield BASE, _score(train, tested, (), settings)
    for name, columns in GROUPS.items():
        yield name, _score(train, tested, columns, settings)
        yield _shuffled_name(name), _score(_shuffled(train, columns), _shuffled(tested, columns), columns, settings)


def _score(train: pl.DataFrame, tested: pl.DataFrame, columns: Sequence[str], settings: PredictionSettings) -> Floats:
    names = [name for name in feature_names(train) if name not in COLUMNS or name in columns]
    encoding = learn_encoding(train, names, max_categories=settings.max_categories)
    weight = age_weights(train, half_life_days=settings.half_life_days)
    unfitted = make_trees(settings, objective="binary")
    return unfitted.fit(encoding.matrix(train), outcomes(train), encoding, weight=weight).raw_matrix(encoding.matrix(tested))


def _shuffled(rows: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Give each row the columns of another row of its cut-off, all of one other."""
    # Drawn from the day alone: a cut-off is shuffled in the same way whether it is learnt from or predicted.
    parts = [
        part.with_columns(part.select(columns)[np.random.default_rng(as_of.toordinal()).permutation(part.height)])
        for (as_of,), part in rows.partition_by("as_of", as_dict=True, maintain_order=True).items()
    ]
    return pl.concat(parts)


def _shuffled_name(name: str) -> str:
    return f"{name}, shuffled"


def measure(community: Community, horizon_days: int, folder: Path) -> list[str]:
    """Measure a community at a horizon; return the rows of the table, none where nothing can be judged."""
    panel = panel_with_network(community, horizon_days, folder)
    days = sorted(panel["as_of"].unique())
    title = f"{community.title}, {horizon_days}"
    found = []
    for part, some in (("older", days[:-NEWEST]), ("newest", days[-NEWEST:])):
        predicted = [
            one for day in some[:: -_EVERY[horizon_days]] if (one := predict(panel, day, horizon_days=horizon_days)) is not None
        ]
        if predicted:
            found.append(_row(f"{title}, {part}", predicted))
            _say(found[-1])
    return found


def _row(title: str, cutoffs: Sequence[Predicted]) -> str:
    members = round(sum(one.actual.size for one in cutoffs) / len(cutoffs))
    area = np.mean([auc(one.actual, one.models[BASE]) or np.nan for one in cutoffs])
    cells = [title, str(len(cutoffs)), str(members), f"{area:.3f}".removeprefix("0")]
    for name in GROUPS:
        cells += [_told(_lead(cutoffs, name, rival)) for rival in (BASE, _shuffled_name(name))]
    return f"| {' | '.join(cells)} |"


def _lead(cutoffs: Sequence[Predicted], ours: str, rival: str) -> Difference:
    both = [Predicted(one.member_ids, one.actual, {name: one.models[name] for name in (ours, rival)}) for one in cutoffs]
    return mean_differences(both, ours, metric="auc", draws=_DRAWS, seed=17)[rival]


def _told(lead: Difference) -> str:
    """Tell a lead in units of .0001."""
    return f"{lead.estimate * 1e4:+.0f} ({lead.lower * 1e4:+.0f} to {lead.upper * 1e4:+.0f})"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=[*COMMUNITIES], help="communities; those with a network by default")
    parser.add_argument("--horizon", type=int, nargs="+", choices=[*_EVERY], default=[*_EVERY], help="horizons in days")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--results", type=Path, default=Path("benchmarks/scratch/network"), help="where panels are kept")
    asked = parser.parse_args()
    with_network = [one for one in COMMUNITIES.values() if one.is_here and one.name not in ("cdnow", "retail")]
    chosen = [COMMUNITIES[name] for name in asked.only] if asked.only else with_network
    pairs = [(community, days) for community in chosen for days in asked.horizon]
    asked.results.mkdir(parents=True, exist_ok=True)
    for pair in pairs:
        panel_with_network(*pair, asked.results)
    head = ["community, days, cut-offs", "predicted", "still here", "AUC"]
    head += [text for name in GROUPS for text in (name, "beyond shuffled")]
    # Started anew rather than forked: Polars has threads of its own.
    with ProcessPoolExecutor(asked.workers, mp_context=get_context("spawn")) as pool:
        rows = [row for found in pool.map(measure, *zip(*pairs, strict=True), [asked.results] * len(pairs)) for row in found]
    print(f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *rows, sep="\n")


if __name__ == "__main__":
    main()
