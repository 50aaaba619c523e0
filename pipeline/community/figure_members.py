"""What the figures need of each member, kept from night to night: since when, active since when, counted or not, which groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from community.figures import GROUPS_SCHEMA
from lake.contracts import DAILY, MEMBERS
from lake.member_index import scan_member_index
from lake.retired import scan_retired_members
from lake.roles import scan_roles
from lake.sources.times import local_date
from lake.storage.delta import Lake
from pipeline.community.figure_first_days import FIRST_DAYS_SCHEMA, update_first_days
from pipeline.stored_nights import read_scores
from runtime.run_context import RunContext

MEMBERS_OF_FIGURES: Final = "figure_members"
GROUPS_OF_FIGURES: Final = "figure_groups"
_NIGHT: Final = "night"
# The version of the daily rollups that the first days are of.
_VERSION: Final = "daily_version"
_MEMBERS_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "is_counted": pl.Boolean(),
        "is_known": pl.Boolean(),
        "seen_from": pl.Date(),
        "first_row": pl.Date(),
        "first_active": pl.Date(),
        "first_order": pl.Date(),
    }
)
_FIRST_DAYS: Final = ("seen_from", "first_active", "first_order")
_MORE_THAN_GROUPS: Final = 1 << 32
# Column of the member list → the name of the dimension.
_DIMENSIONS: Final[Mapping[str, str]] = {"tier": "tier", "lifecycle": "lifecycle", "community_id": "community"}


@dataclass(frozen=True)
class FigureMembers:
    """The members as the figures of a night see them.

    Args:
        every: One row per member of the lake, in `_MEMBERS_SCHEMA`, sorted by member_no.
        groups: In which groups they were and are: rows of `GROUPS_SCHEMA`.
        days_moved: First days (seen, active, bought) that differ from what the figures had, old and new.
        joinings_moved: Those of them on which members were seen first.
        recounted_from: The first day of a member who counts now and did not before, or the reverse; None where there is none.
    """

    every: pl.DataFrame
    groups: pl.DataFrame
    days_moved: frozenset[date]
    joinings_moved: frozenset[date]
    recounted_from: date | None

    def groups_on(self, first: date, last: date) -> pl.DataFrame:
        """Return the groups in which members were on any of some days: rows of `GROUPS_SCHEMA`."""
        is_over = (pl.col("until") <= first).fill_null(value=False)
        is_later = (pl.col("since") > last).fill_null(value=False)
        return self.groups.filter(~is_over, ~is_later)

    @property
    def counted(self) -> pl.DataFrame:
        """Return the members that count: all but staff and bots; who refuses profiling counts."""
        return self.every.filter("is_counted")


def read_members_changed(run: RunContext) -> FigureMembers:
    """Read the members, and what changed of them since the figures were computed last.

    Args:
        run: The run; its member list gives the groups.
    """
    before = _stored_members(run.workspace.lake)
    every = _read_members(run, before)
    both = every.join(before, on="member_no", how="full", coalesce=True, suffix="_before")
    moved = {name: frozenset(_moved(both, name)) for name in _FIRST_DAYS}
    recounted = both.filter(pl.col("is_counted") != pl.col("is_counted_before"))
    firsts = recounted.select(pl.min_horizontal("seen_from", "first_active", "seen_from_before", "first_active_before").min())
    # Who is listed without a day of joining counts among the members of all days.
    is_timeless = pl.col("seen_from").is_null() & pl.col("is_known").ne_missing(pl.col("is_known_before"))
    recounted_from = date.min if before.height and both.filter(is_timeless).height else firsts.item()
    days_moved = frozenset[date]().union(*moved.values())
    return FigureMembers(every, _update_groups(run), days_moved, moved["seen_from"], recounted_from)


def _moved(both: pl.DataFrame, name: str) -> Iterator[date]:
    """Yield a kind of first day of the members of whom it differs, old and new."""
    differs = both.filter(pl.col(name).ne_missing(pl.col(f"{name}_before")))
    for column in (name, f"{name}_before"):
        yield from differs[column].drop_nulls().unique()


def store_members(run: RunContext, members: FigureMembers) -> None:
    """Keep the members for the next night; a table that has not changed gets no new version.

    Args:
        run: The run.
        members: The members.
    """
    lake = run.workspace.lake
    for table, rows in ((MEMBERS_OF_FIGURES, members.every), (GROUPS_OF_FIGURES, members.groups)):
        if not lake.exists(table) or not lake.scan(table).collect().equals(rows):
            night = max(run.as_of, _night(lake, table) or run.as_of)
            lake.replace(table, rows, metadata={_NIGHT: night.isoformat(), _VERSION: lake.version(DAILY)})


def _night(lake: Lake, table: str) -> date | None:
    night = lake.metadata(table).get(_NIGHT)
    return None if night is None else date.fromisoformat(night)


def _stored_members(lake: Lake) -> pl.DataFrame:
    stored = lake.scan_or_empty(MEMBERS_OF_FIGURES, _MEMBERS_SCHEMA)
    # A release that kept other columns is begun anew.
    return stored.collect() if stored.collect_schema() == _MEMBERS_SCHEMA else _MEMBERS_SCHEMA.to_frame()


def _read_members(run: RunContext, before: pl.DataFrame) -> pl.DataFrame:
    lake = run.workspace.lake
    version = lake.metadata(MEMBERS_OF_FIGURES).get(_VERSION)
    changed = None if version is None else lake.days_changed(DAILY, since_version=version)
    # Not cut at the night: a first day after it is a fact of a later day's figures, and changes none before.
    first = update_first_days(lake, before.select(FIRST_DAYS_SCHEMA.names()), changed=changed)
    landed = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema)
    joined = local_date(pl.col("joined_at"), timezone=run.timezone)
    listed = landed.select("member_id", is_listed=pl.lit(value=True), joined_date=joined)
    retired = scan_retired_members(lake).with_columns(is_retired=pl.lit(value=True))
    not_counted = scan_roles(lake).select("member_id", is_counted=pl.lit(value=False))
    is_known = pl.col("is_retired").is_null() & (pl.col("is_listed").is_not_null() | pl.col("first_row").is_not_null())
    # Who is listed without a day of joining was always there.
    is_dated = pl.col("is_listed").is_null() | pl.col("joined_date").is_not_null()
    rows = (
        scan_member_index(lake)
        .select("member_no", "member_id")
        .join(listed, on="member_id", how="left")
        .join(retired, on="member_id", how="left")
        .join(not_counted, on="member_id", how="left")
        .join(first.lazy(), on="member_no", how="left")
        .with_columns(is_known=is_known, is_counted=pl.col("is_counted").fill_null(value=True))
        .with_columns(seen_from=pl.when("is_known", is_dated).then(pl.min_horizontal("joined_date", "first_row")))
    )
    return rows.select(_MEMBERS_SCHEMA.names()).collect(engine="streaming").cast(_MEMBERS_SCHEMA).sort("member_no")


def _update_groups(run: RunContext) -> pl.DataFrame:
    """Return the groups with those of tonight: who changed is in the old one until the night, and in the new one from it on."""
    lake, as_of = run.workspace.lake, run.as_of
    stored = lake.scan_or_empty(GROUPS_OF_FIGURES, GROUPS_SCHEMA).collect()
    newest = _night(lake, GROUPS_OF_FIGURES)
    if newest is not None and as_of < newest:
        return stored
    found = _groups_of(run)
    # One integer a group: compared and sorted as texts, these rows would be most of the work of a night.
    dimensions = pl.Enum(
        sorted({*stored["dimension"].unique(), *(group for part in found for group in part["dimension"].unique())})
    )
    tonight = pl.concat([part.with_columns(pl.col("dimension").cast(dimensions)) for part in found])
    # A night that is run again starts from where it started the first time.
    before = stored.filter(pl.col("since").is_null() | (pl.col("since") < as_of)).with_columns(
        pl.col("dimension").cast(dimensions), until=pl.when(pl.col("until") < as_of).then(pl.col("until"))
    )
    is_open = pl.col("until").is_null()
    still = before.filter(is_open)
    ended, begun = ~_is_in(still, tonight), ~_is_in(tonight, still)
    # The first night knows nothing older: what it finds is taken to have been so before.
    since, never = pl.lit(None if before.is_empty() else as_of, pl.Date()), pl.lit(None, pl.Date())
    parts = [
        before.filter(~is_open),
        still.with_columns(until=pl.when(ended).then(pl.lit(as_of, pl.Date()))),
        tonight.filter(begun).with_columns(since=since, until=never),
    ]
    rows = pl.concat([part.select(GROUPS_SCHEMA.names()) for part in parts])
    return rows.sort("member_no", "dimension", "since").cast(GROUPS_SCHEMA)


def _is_in(rows: pl.DataFrame, others: pl.DataFrame) -> pl.Series:
    """Return of each row whether the others have its member and group."""
    # Both in one integer: a join of pairs takes twice as long.
    pair = pl.col("member_no").cast(pl.Int64) * _MORE_THAN_GROUPS + pl.col("dimension").to_physical()
    return rows.select(pair).to_series().is_in(others.select(pair).to_series().implode())


def _groups_of(run: RunContext) -> list[pl.DataFrame]:
    """Return the groups of the night, a frame for each kind: one row per member_no who is in one, `dimension` a category."""
    lake = run.workspace.lake
    landed = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "platform", source="join_source")
    given = landed.join(scan_member_index(lake), on="member_id").select("member_no", "platform", "source")
    stated, listed = given.collect(engine="streaming"), read_scores(lake, run.as_of)
    parts = [(stated, "platform", "platform"), (stated, "source", "source")]
    parts += [(listed, column, name) for column, name in _DIMENSIONS.items() if column in listed.columns]
    return [_as_groups(frame.select("member_no", value=column).drop_nulls(), name) for frame, column, name in parts]


def _as_groups(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    values = rows["value"].unique()
    groups = [f"{name}={value}" for value in values]
    dimension = pl.col("value").replace_strict(values, groups, return_dtype=pl.Enum(sorted(groups)))
    return rows.select(pl.col("member_no").cast(pl.Int32), dimension=dimension)
