"""The tables that `evenfall sql` offers, each at one version: landed records, rollups, what nights stored, lists and features.

Members who may not be profiled are in none of them, and names, handles and messages are left out (docs/privacy.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import polars as pl

from features.compute import feature_catalog
from features.history import DAILY_SCHEMA, TIES_SCHEMA
from lake.checks import CHECKS
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import MEMBER_INDEX
from lake.storage.delta import Lake
from outputs.lists import CONTACT_SCHEMA, unescape_formulas
from pipeline.analysis import listed_night, read_members
from pipeline.community.figures import FIGURES
from pipeline.community.goals import GOALS_HISTORY
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from pipeline.engagement.ledger import HOLDOUTS, LEDGER, read_ledger
from pipeline.execution.executor import LocalExecutor
from pipeline.history.consent import consenting, numbers_not_profiled, scan_refused_profiling
from pipeline.history.daily_rollups import load_snapshot
from pipeline.maturity import MATURED
from pipeline.stored_nights import SCORES, TIERS_TABLE
from pipeline.verification.past_lake import at_one_moment
from runtime.run_context import RunContext

FEATURES: Final = "features"
LISTS: Final = "lists"
CONTACT_LIST: Final = "contact_list"
_STORED: Final = (
    *TABLES,
    MEMBER_INDEX,
    "arrivals",
    CHECKS,
    SCORES,
    TIERS_TABLE,
    NETWORK,
    COMMUNITY_NAMES,
    FIGURES,
    GOALS_HISTORY,
    HOLDOUTS,
    MATURED,
)
_OWNERS: Final = ("member_id", "author_id", "member_no")
# They name members to whoever writes to them, and stand nowhere else.
_NEVER_SHOWN: Final = ("display_name", "handle", "message")


@dataclass(frozen=True)
class QueryTables:
    """The tables of a workspace at one moment; a table is built when it is asked for.

    Args:
        builders: Name → function that returns the table.
        feature_names: The function that returns the columns of the table of features, without computing them.
    """

    builders: Mapping[str, Callable[[], pl.LazyFrame]]
    feature_names: Callable[[], list[str]]

    @property
    def names(self) -> list[str]:
        """Return the names of all tables, sorted."""
        return sorted(self.builders)

    def columns(self, name: str) -> list[str]:
        """Return the columns of a table."""
        return self.feature_names() if name == FEATURES else self.builders[name]().collect_schema().names()


def open_tables(run: RunContext, *, is_night_given: bool) -> QueryTables:
    """Return the tables of a workspace as they are now; a night that writes meanwhile changes nothing in them.

    Args:
        run: The run; its night is that of the lists and the features.
        is_night_given: Whether the night was named; otherwise the newest with lists is taken.
    """
    fixed = at_one_moment(run)
    lake = fixed.workspace.lake
    night = partial(_listed, fixed, is_night_given=is_night_given)
    builders: dict[str, Callable[[], pl.LazyFrame]] = {
        name: partial(_stored, lake, name) for name in _STORED if lake.exists(name)
    }
    if lake.exists(DAILY) and lake.exists(TIES):
        builders |= {DAILY: lambda: _rollups(lake)[0], TIES: lambda: _rollups(lake)[1], FEATURES: lambda: _features(night())}
    if lake.exists(LEDGER):
        builders[LEDGER] = lambda: _of_profiled(lake, read_ledger(lake).lazy())
    builders[LISTS] = lambda: _of_profiled(lake, read_members(night()).lazy())
    builders[CONTACT_LIST] = lambda: _of_profiled(lake, _read_contact_list(night()))
    return QueryTables(builders, lambda: _feature_names(night()))


def _stored(lake: Lake, name: str) -> pl.LazyFrame:
    return _of_profiled(lake, lake.scan(name))


def _of_profiled(lake: Lake, rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return a table without the rows of members who may not be profiled, and without columns that are never shown."""
    names = rows.collect_schema().names()
    owner = next((name for name in _OWNERS if name in names), None)
    if owner == "member_no":
        rows = rows.filter(~pl.col(owner).is_in(numbers_not_profiled(lake).implode()))
    elif owner is not None:
        refused = scan_refused_profiling(lake).collect(engine="streaming")["member_id"]
        rows = rows.filter(~pl.col(owner).is_in(refused.implode()))
    return rows.drop(name for name in _NEVER_SHOWN if name in names)


def _rollups(lake: Lake) -> tuple[pl.LazyFrame, pl.LazyFrame]:
    daily, ties = lake.scan_or_empty(DAILY, DAILY_SCHEMA), lake.scan_or_empty(TIES, TIES_SCHEMA)
    return consenting(daily, ties, not_profiled=numbers_not_profiled(lake))


def _listed(run: RunContext, *, is_night_given: bool) -> RunContext:
    return run.on(listed_night(run, given=is_night_given))


def _features(run: RunContext) -> pl.LazyFrame:
    """Return the features of the night, computed as the night computes them, from what the lake knows now."""
    return LocalExecutor().compute_features(run, load_snapshot(run)).rows


def _feature_names(run: RunContext) -> list[str]:
    history = load_snapshot(run).history
    catalog = feature_catalog(history.available, history.event_types)
    return ["member_no", "member_id", *(feature.name for feature in catalog)]


def _read_contact_list(run: RunContext) -> pl.LazyFrame:
    path = run.workspace.night(run.as_of) / "contact_list.csv"
    # Further columns stay text: an id may look like a number.
    listed = pl.read_csv(path, infer_schema=False, schema_overrides=CONTACT_SCHEMA)
    return listed.lazy().with_columns(unescape_formulas(pl.col(pl.String)))
