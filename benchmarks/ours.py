"""Our side of every comparison, and the floor: reading the columns that the work needs, once.

python -m benchmarks.ours JOB INPUTS [--result FOLDER]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.ma  # Polars imports it when it first meets an array, and imports are not timed.
import polars as pl
import pyarrow.parquet as pq

from benchmarks.inputs import (
    EVENT_COLUMNS,
    ORDER_COLUMNS,
    read_facts,
    read_held_totals,
    read_history,
    stretches,
    write_totals,
)
from benchmarks.job import Done, run_job
from features.compute import compute_features, compute_features_from_totals
from features.history import cut
from features.incremental.totals import update_totals
from features.rollups.daily import roll_up_landed
from lake.contracts import TABLES
from lake.storage.delta import DAY
from models.boosting import Trees, make_trees
from models.config import PredictionSettings
from models.encoding import Matrix, learn_encoding
from models.shapley import TreeExplainer, make_explainer
from runtime.os_errors import cores

_DAYS_AT_ONCE: Final = 60
_EXPLAINED_ROWS: Final = 20_000
_DAILY_COLUMNS: Final = (DAY, "member_no", "activity", "n", "amount_minor", "n_night", "n_morning", "n_afternoon", "n_evening")
_INDEX_COLUMNS: Final = ("member_no", "member_id")
_TIES_COLUMNS: Final = (DAY, "member_no", "other_no", "n")


def rollup(inputs: Path) -> Done:
    """Landed events and orders of the whole history → daily rollups and ties, a stretch of days at a time."""
    return _rolled_up(inputs, "", stretches(inputs, days=_DAYS_AT_ONCE))


def rollup_of_the_day(inputs: Path) -> Done:
    """The newest day's landed rows → its rollup and ties, as a night does it."""
    as_of = read_facts(inputs).as_of
    return _rolled_up(inputs, "_of_the_day", [(as_of, as_of)])


def features(inputs: Path) -> Done:
    """Rollups and ties → every feature of every member."""
    history, facts = read_history(inputs), read_facts(inputs)
    made = compute_features(history, as_of=facts.as_of, threads=cores())
    return Done(_rows(inputs, "daily", "ties"), lambda folder: made.write_parquet(folder / "features.parquet"))


def features_of_the_night(inputs: Path) -> Done:
    """The same, as a night does it: the totals of the night before are read, carried on, and kept for the next."""
    history, as_of = read_history(inputs), read_facts(inputs).as_of
    before, seen = cut(history, as_of - timedelta(days=1)), cut(history, as_of)
    totals = update_totals(
        read_held_totals(inputs), seen, before=before.daily, ties_before=before.ties, changed={as_of}, threads=cores()
    )
    write_totals(totals, inputs / "totals")
    made = compute_features_from_totals(seen, totals, threads=cores())
    return Done(_rows(inputs, "daily", "ties"), lambda folder: made.write_parquet(folder / "features.parquet"))


def features_of_a_sample(inputs: Path) -> Done:
    """The sample's rollups → every feature of its members."""
    history = read_history(inputs, members="sample_members.parquet", daily="sample_daily.parquet")
    made = compute_features(history, as_of=read_facts(inputs).as_of).lazy().collect(engine="streaming")
    return Done(_rows(inputs, "sample_daily"), lambda folder: made.write_parquet(folder / "features.parquet"))


@dataclass(frozen=True)
class Explained:
    """Trees of the size a night uses, and the members to explain."""

    trees: Trees
    explainer: TreeExplainer
    rows: Matrix


def trees_to_explain(inputs: Path) -> Explained:
    """Fit trees of the default settings on the inputs' features; what they predict is of no interest here."""
    history, facts = read_history(inputs), read_facts(inputs)
    frame = compute_features(history, as_of=facts.as_of).lazy().collect()
    silence = frame["days_since_last_activity"].fill_null(400).to_numpy()
    target = (silence + np.random.default_rng(0).normal(0, 20, silence.size) > np.median(silence)).astype(np.float64)
    names = [name for name in frame.columns if name not in ("member_no", "member_id") and not name.startswith("days_since")]
    settings = PredictionSettings()
    encoding = learn_encoding(frame, names, max_categories=settings.max_categories)
    laid_out = encoding.matrix(frame)
    trees = make_trees(settings, objective="binary").fit(laid_out, target, encoding)
    return Explained(trees, make_explainer(trees), laid_out[:_EXPLAINED_ROWS])


def reasons(given: Explained) -> Done:
    """Shapley values of every feature for every member, as a night finds reasons."""
    found = given.explainer.contributions(given.rows)
    return _contributions(found, given)


def reasons_by_lightgbm(given: Explained) -> Done:
    """The same by LightGBM's own `pred_contrib`."""
    found = given.trees.booster.predict(given.rows, pred_contrib=True, num_threads=given.trees.num_threads)
    return _contributions(np.asarray(found)[:, list(given.explainer.positions)], given)


def floor_of_reasons(given: Explained) -> Done:
    """Score the same members once."""
    given.trees.raw_matrix(given.rows)
    return Done(given.rows.shape[0], lambda _: None)


def _contributions(found: Any, given: Explained) -> Done:
    def write(folder: Path) -> None:
        columns = dict(zip(given.explainer.features, found.T, strict=True))
        pl.DataFrame(columns).with_row_index("row").write_parquet(folder / "contributions.parquet")

    return Done(given.rows.shape[0], write)


def floor_of_rollup(inputs: Path) -> Done:
    """Read the columns that the rollup of the history needs."""
    return _read(inputs, {"events": EVENT_COLUMNS, "orders": ORDER_COLUMNS, "member_index": _INDEX_COLUMNS})


def floor_of_rollup_of_the_day(inputs: Path) -> Done:
    """Read the columns that the rollup of the newest day needs."""
    return _read(inputs, {"events_of_the_day": EVENT_COLUMNS, "orders_of_the_day": ORDER_COLUMNS, "member_index": _INDEX_COLUMNS})


def floor_of_features(inputs: Path) -> Done:
    """Read the columns that features need."""
    return _read(inputs, {"daily": _DAILY_COLUMNS, "ties": _TIES_COLUMNS})


def _rolled_up(inputs: Path, suffix: str, parts: list[tuple[date, date]]) -> Done:
    tables = {name: _landed(inputs, name, suffix) for name in ("events", "orders")}
    index = pl.scan_parquet(inputs / "member_index.parquet")
    daily, ties = [], []
    for part in parts:
        events, orders = (tables[name].filter(pl.col(DAY).is_between(*part)) for name in ("events", "orders"))
        rolled = roll_up_landed(
            events=events, orders=orders, content=None, contacts=None, feedback=None, member_index=index, timezone="UTC"
        )
        daily.append(rolled.daily)
        ties.append(rolled.ties)

    def write(folder: Path) -> None:
        pl.concat(daily).write_parquet(folder / "daily.parquet")
        pl.concat(ties).write_parquet(folder / "ties.parquet")

    return Done(_rows(inputs, f"events{suffix}", f"orders{suffix}"), write)


def _landed(inputs: Path, table: str, suffix: str) -> pl.LazyFrame:
    # The inputs hold what the rollup reads; the rest of the landed columns is there in name only.
    found = pl.scan_parquet(inputs / f"{table}{suffix}.parquet")
    held = found.collect_schema()
    others = [pl.lit(None, dtype).alias(name) for name, dtype in TABLES[table].landed_schema.items() if name not in held]
    return found.with_columns(others)


def _read(inputs: Path, columns: dict[str, tuple[str, ...]]) -> Done:
    rows = 0
    for table, wanted in columns.items():
        for batch in _batches(inputs / f"{table}.parquet", wanted):
            rows += batch.height
    return Done(rows, lambda _: None)


def _batches(path: Path, columns: tuple[str, ...]) -> Iterator[pl.DataFrame]:
    yield from pl.scan_parquet(path).select(columns).collect_batches(maintain_order=False)


def _rows(inputs: Path, *tables: str) -> int:
    return sum(pq.read_metadata(inputs / f"{table}.parquet").num_rows for table in tables)


JOBS: Final[dict[str, Callable[[Any], Done]]] = {
    "rollup": rollup,
    "rollup-of-the-day": rollup_of_the_day,
    "features": features,
    "features-of-the-night": features_of_the_night,
    "features-of-a-sample": features_of_a_sample,
    "reasons": reasons,
    "reasons-by-lightgbm": reasons_by_lightgbm,
    "floor-of-reasons": floor_of_reasons,
    "floor-of-rollup": floor_of_rollup,
    "floor-of-rollup-of-the-day": floor_of_rollup_of_the_day,
    "floor-of-features": floor_of_features,
}
PREPARE: Final = dict.fromkeys(("reasons", "reasons-by-lightgbm", "floor-of-reasons"), trees_to_explain)

if __name__ == "__main__":
    run_job(JOBS, prepare=PREPARE)
