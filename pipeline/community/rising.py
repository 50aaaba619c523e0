"""Moves between tiers of the last weeks, and who is ready to rise, for report and list."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Final

import polars as pl

from community.levels import SECOND_DAY, days_in_tier, moves, ready_to_rise
from features.calendar import WEEK_DAYS
from lake.contracts import MEMBERS
from lake.member_index import scan_member_index
from outputs.people_lists import READY
from outputs.report.people_facts import Move, Ready, Rising, Week
from pipeline.stored_nights import NIGHT, TIERS_TABLE
from runtime.run_context import RunContext
from segments.tiers import TIERS
from wording.report import missing_name
from wording.texts import fill, name, sentences

_WEEKS: Final = 4
_MOST_READY: Final = 200
_SMALLEST_POINTS: Final = 0.1
_SPEND: Final = ("spend_365d",)
# What a score ranks by unless the configuration says otherwise, and so has words of its own.
NAMED_PARTS: Final = ("posts_365d", "given_count_365d", "received_count_365d", "active_days_365d", "spend_365d", SECOND_DAY)


def rising_facts(run: RunContext, members: pl.DataFrame, ready: pl.DataFrame) -> Rising | None:
    """Return the moves of the last weeks and who is ready to rise; None where there is neither.

    Args:
        run: The run.
        members: One row per segmented member: member_no, tier.
        ready: As `ready_members` returns it.
    """
    nights = _week_nights(run)
    tiers = {night: read_tiers(run, night) for night in nights[1:]} | {run.as_of: members.select("member_no", name="tier")}
    flows = [(later, moves(tiers[earlier], tiers[later], order=TIERS)) for later, earlier in pairwise(nights)]
    if not flows and ready.is_empty():
        return None
    return Rising(
        since=nights[1] if flows else None,
        moves=tuple(Move(*row) for row in flows[0][1].iter_rows()) if flows else (),
        weeks=tuple(
            Week(later, int(flow.filter("is_rise")["members"].sum()), int(flow.filter(~pl.col("is_rise"))["members"].sum()))
            for later, flow in flows
        ),
        days_in_tier=_days_in_tier(run, members),
        ready=_ready_by_tier(ready),
        path=None if ready.is_empty() else f"../lists/{run.as_of.isoformat()}/{READY}.xlsx",
    )


def ready_members(run: RunContext, members: pl.DataFrame) -> pl.DataFrame:
    """Return who is within reach of the next tier: columns of `ready_to_rise`, the nearest first, at most 200.

    Nobody is where the configuration sets weights of its own: what is missing could not be named.
    """
    policy, scores = run.settings.tiers, run.settings.scores
    by_money = bool(members["commercial_score"].is_not_null().any())
    parts = _SPEND if by_money else tuple(scores.contribution_weights)
    entries = {"silver": policy.silver.enter, "gold": policy.gold.enter, "diamond": policy.diamond.enter}
    ready = ready_to_rise(members, entries=entries, parts=parts, order=TIERS)
    return ready.clear() if scores.value_weights is not None else ready.head(_MOST_READY)


def ready_list(run: RunContext, ready: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `ready_to_rise.csv`, in the order of `ready`."""
    lake = run.workspace.lake
    names = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "display_name")
    known = scan_member_index(lake).join(names, on="member_id", how="left")
    rows = ready.lazy().join(known, on="member_no", how="left", maintain_order="left").collect(engine="streaming")
    reasons = [missing_sentence(row) for row in rows.iter_rows(named=True)]
    return rows.select(
        pl.lit(run.as_of).alias("as_of"),
        "member_id",
        "display_name",
        "tier",
        "next_tier",
        pl.Series("reason", reasons, pl.String),
    )


def missing_sentence(row: dict[str, object]) -> str:
    """Say what keeps a member from the next tier."""
    if row["missing"] == SECOND_DAY:
        return fill("rising.missing.second_day", tier=name(str(row["next_tier"])))
    below = row["points_missing"]
    assert isinstance(below, float)
    # Never 0.0: whoever lacks nothing is in the tier.
    points = fill("rising.missing.points", n=max(below, _SMALLEST_POINTS), tier=name(str(row["next_tier"])))
    if row["missing"] is None:
        return points
    most = fill("rising.missing.most", what=missing_name(str(row["missing"])), has=row["has"], typical=row["typical"])
    return sentences(points, most)


def _ready_by_tier(ready: pl.DataFrame) -> tuple[Ready, ...]:
    found = []
    for tier in reversed(TIERS[1:]):
        near = ready.filter(pl.col("next_tier") == tier)
        if near.is_empty():
            continue
        common = near.drop_nulls("missing").group_by("missing").len().sort(["len", "missing"], descending=[True, False])
        what, n = (str(common["missing"][0]), common["len"][0]) if common.height else (None, 0)
        found.append(Ready(tier, near.height, what, n))
    return tuple(found)


def _week_nights(run: RunContext) -> list[date]:
    """Return tonight and the stored nights about one to four weeks before it, newest first, as long as there are any."""
    stored = run.workspace.lake.days(TIERS_TABLE, column=NIGHT)
    nights = [run.as_of]
    for _ in range(_WEEKS):
        wanted = nights[-1] - timedelta(days=WEEK_DAYS)
        # Where the night of that day did not run, the newest of the week before it stands in.
        earlier = max((day for day in stored if wanted - timedelta(days=WEEK_DAYS) < day <= wanted), default=None)
        if earlier is None:
            break
        nights.append(earlier)
    return nights


def read_tiers(run: RunContext, night: date) -> pl.DataFrame:
    """Return the tiers that a night stored: one row per member, member_no, name.

    Args:
        run: The run.
        night: A night that is stored.
    """
    tiers = run.workspace.lake.scan(TIERS_TABLE).filter(pl.col(NIGHT) == night)
    return tiers.select("member_no", name="tier").collect()


def _days_in_tier(run: RunContext, members: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    nights = [day for day in run.workspace.lake.days(TIERS_TABLE, column=NIGHT) if day < run.as_of]
    if not nights:
        return ()
    return tuple(days_in_tier(members, as_of=run.as_of, first_night=min(nights), order=TIERS).items())
