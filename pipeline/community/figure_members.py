"""What the figures need of each member, kept from night to night: since when, active since when, counted or not, which groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from community.figures import GROUPS_SCHEMA
from features.history import DAILY_SCHEMA, is_activity
from lake.contracts import DAILY, MEMBERS
from lake.member_index import scan_member_index
from lake.roles import scan_roles
from lake.storage.delta import DAY, Lake
from pipeline.history.daily_rollups import members_known
from pipeline.stored_nights import read_scores
from runtime.run_context import RunContext

MEMBERS_OF_FIGURES: Final = "figure_members"
GROUPS_OF_FIGURES: Final = "figure_groups"
_NIGHT: Final = "night"
_MEMBERS_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "is_counted": pl.Boolean(),
        "is_known": pl.Boolean(),
        "seen_from": pl.Date(),
        "first_active": pl.Date(),
        "first_order": pl.Date(),
    }
)
_FIRST_DAYS: Final = ("seen_from", "first_active", "first_order")
# Column of the member list → the name of the dimension.
_DIMENSIONS: Final[Mapping[str, str]] = {"tier": "tier", "lifecycle": "lifecycle", "community_id": "community"}


@dataclass(frozen=True)
class FigureMembers:
    """The members as the figures of a night see them.

    Args:
        every: One row per member of the lake, in `_MEMBERS_SCHEMA`, sorted by member_no.
        groups: In which groups they were and are: rows of `GROUPS_SCHEMA`.
        days_moved: First days (seen, active, bought) that differ from what the figures had, old and new.
        recounted_from: The first day of a member who counts now and did not before, or the reverse; None where there is none.
    """

    every: pl.DataFrame
    groups: pl.DataFrame
    days_moved: frozenset[date]
    recounted_from: date | None

    @property
    def counted(self) -> pl.DataFrame:
        """Return the members that count: all but staff and bots; who refuses profiling counts."""
        return self.every.filter("is_counted")


def read_members_changed(run: RunContext) -> FigureMembers:
    """Read the members, and what changed of them since the figures were computed last.

    Args:
        run: The run; its member list gives the groups.
    """
    lake = run.workspace.lake
    every = _read_members(run)
    before = lake.scan_or_empty(MEMBERS_OF_FIGURES, _MEMBERS_SCHEMA).collect()
    both = every.join(before, on="member_no", how="full", coalesce=True, suffix="_before")
    days = {day for name in _FIRST_DAYS for day in _moved(both, name)}
    recounted = both.filter(pl.col("is_counted") != pl.col("is_counted_before"))
    firsts = recounted.select(pl.min_horizontal("seen_from", "first_active", "seen_from_before", "first_active_before").min())
    # Who is listed without a day of joining counts among the members of all days.
    is_timeless = pl.col("seen_from").is_null() & pl.col("is_known").ne_missing(pl.col("is_known_before"))
    recounted_from = date.min if before.height and both.filter(is_timeless).height else firsts.item()
    return FigureMembers(every, _update_groups(run), frozenset(days), recounted_from)


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
            lake.replace(table, rows, metadata={_NIGHT: max(run.as_of, _night(lake, table) or run.as_of).isoformat()})


def _night(lake: Lake, table: str) -> date | None:
    night = lake.metadata(table).get(_NIGHT)
    return None if night is None else date.fromisoformat(night)


def _read_members(run: RunContext) -> pl.DataFrame:
    lake = run.workspace.lake
    index = scan_member_index(lake).select("member_no", "member_id")
    last = max(lake.days(DAILY), default=run.as_of)
    # Not cut at the night: a first day after it is a fact of a later day's figures, and changes none before.
    known = members_known(lake, timezone=run.timezone, as_of=last).select("member_no", "seen_from", is_known=pl.lit(value=True))
    own = pl.col("activity") == "order"
    first = (
        lake.scan_or_empty(DAILY, DAILY_SCHEMA)
        .filter(is_activity())
        .group_by("member_no")
        .agg(first_active=pl.col(DAY).min(), first_order=pl.col(DAY).filter(own).min())
    )
    not_counted = scan_roles(lake).select("member_id", is_counted=pl.lit(value=False))
    rows = (
        index.join(known, on="member_no", how="left")
        .join(first, on="member_no", how="left")
        .join(not_counted, on="member_id", how="left")
        .with_columns(pl.col("is_counted").fill_null(value=True), pl.col("is_known").fill_null(value=False))
    )
    return rows.select(_MEMBERS_SCHEMA.names()).collect(engine="streaming").cast(_MEMBERS_SCHEMA).sort("member_no")


def _update_groups(run: RunContext) -> pl.DataFrame:
    """Return the groups with those of tonight: who changed is in the old one until the night, and in the new one from it on."""
    lake, as_of = run.workspace.lake, run.as_of
    stored = lake.scan_or_empty(GROUPS_OF_FIGURES, GROUPS_SCHEMA).collect()
    newest = _night(lake, GROUPS_OF_FIGURES)
    if newest is not None and as_of < newest:
        return stored
    tonight = _groups_of(run)
    # A night that is run again starts from where it started the first time.
    before = stored.filter(pl.col("since").is_null() | (pl.col("since") < as_of)).with_columns(
        until=pl.when(pl.col("until") < as_of).then(pl.col("until"))
    )
    key = ["member_no", "dimension"]
    is_open = pl.col("until").is_null()
    ended = before.filter(is_open).join(tonight, on=key, how="anti").with_columns(until=pl.lit(as_of))
    still = before.filter(is_open).join(tonight, on=key, how="semi")
    # The first night knows nothing older: what it finds is taken to have been so before.
    since = pl.lit(None if before.is_empty() else as_of, pl.Date())
    begun = tonight.join(still, on=key, how="anti").with_columns(since=since, until=pl.lit(None, pl.Date()))
    rows = [part.select(GROUPS_SCHEMA.names()).cast(GROUPS_SCHEMA) for part in (before.filter(~is_open), ended, still, begun)]
    return pl.concat(rows).sort("member_no", "dimension", "since")


def _groups_of(run: RunContext) -> pl.DataFrame:
    lake = run.workspace.lake
    landed = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "platform", source="join_source")
    given = landed.join(scan_member_index(lake), on="member_id").select("member_no", "platform", "source")
    stated, listed = given.collect(engine="streaming"), read_scores(lake, run.as_of)
    parts = [(stated, "platform", "platform"), (stated, "source", "source")]
    parts += [(listed, column, name) for column, name in _DIMENSIONS.items() if column in listed.columns]
    rows = [
        frame.select("member_no", dimension=pl.lit(f"{name}=") + pl.col(column).cast(pl.String)).drop_nulls()
        for frame, column, name in parts
    ]
    return pl.concat(rows).with_columns(pl.col("member_no").cast(pl.Int32)).unique().sort("member_no", "dimension")
