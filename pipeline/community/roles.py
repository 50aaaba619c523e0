"""Staff and bots of a night: counted apart, and members who look like bots proposed to the operators."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

import polars as pl

from community.bots import NO_REST, SUSPECTS_SCHEMA, WINDOW_DAYS, most_active, suspect_bots
from features.history import EVENT_PREFIX, is_activity
from lake.contracts import EVENTS, MEMBERS
from lake.member_index import scan_member_index
from lake.roles import BOT, STAFF
from lake.storage.delta import DAY
from outputs.people_lists import SUSPECTED_BOTS
from outputs.report.people_facts import Roles
from pipeline.history.consent import of_profiled
from pipeline.history.recent_rollups import RecentRollups
from runtime.run_context import RunContext
from wording.texts import fill, sentences

_SHARE_DAYS: Final = 28


def role_facts(run: RunContext, seen: pl.DataFrame, rollups: RecentRollups, *, suspected: int) -> Roles | None:
    """Return the counts of staff and bots; None where there are neither, and nobody is suspected.

    Args:
        run: The run.
        seen: One row per member seen by the night: member_no, role.
        rollups: The daily rollups.
        suspected: How many look like bots.
    """
    by_role = {role: seen.filter(pl.col("role") == role)["member_no"] for role in (STAFF, BOT)}
    if not suspected and not any(len(numbers) for numbers in by_role.values()):
        return None
    in_days = pl.col(DAY).is_between(run.as_of - timedelta(days=_SHARE_DAYS - 1), run.as_of)
    daily = rollups.daily.filter(in_days, is_activity())
    done = {role: pl.col("n").filter(pl.col("member_no").is_in(numbers.implode())).sum() for role, numbers in by_role.items()}
    counts = daily.select(pl.col("n").sum().alias("all"), **done).collect(engine="streaming").row(0, named=True)
    shares = {role: counts[role] / counts["all"] if counts["all"] else None for role in by_role}
    path = f"../lists/{run.as_of.isoformat()}/{SUSPECTED_BOTS}.xlsx" if suspected else None
    return Roles(len(by_role[STAFF]), len(by_role[BOT]), shares[STAFF], shares[BOT], suspected, path)


def suspected_bots(run: RunContext, rollups: RecentRollups) -> pl.DataFrame:
    """Return the members who look like bots: one row per member, the most certain first; columns of `suspected_bots.csv`.

    Whoever is staff or a bot already, may not be profiled, or stands in `[community] not_bots` is not looked at.

    Args:
        run: The run.
        rollups: The daily rollups.
    """
    lake = run.workspace.lake
    if not lake.exists(EVENTS.name):
        return _listed(run, pl.DataFrame(schema=SUSPECTS_SCHEMA))
    in_window = pl.col(DAY).is_between(run.as_of - timedelta(days=WINDOW_DAYS - 1), run.as_of)
    is_examined = ~pl.col("member_no").is_in(_not_examined(run, rollups).implode())
    is_event = pl.col("activity").str.starts_with(EVENT_PREFIX)
    daily = rollups.daily.filter(in_window, is_event, is_examined)
    candidates = most_active(daily).collect(engine="streaming")
    if candidates.is_empty():
        return _listed(run, pl.DataFrame(schema=SUSPECTS_SCHEMA))
    # The ids of the few candidates first, so that no text of the other members is read.
    named = scan_member_index(lake).join(candidates.lazy(), on="member_no", how="semi").collect(engine="streaming")
    own = of_profiled(lake, EVENTS).filter(in_window, pl.col("member_id").is_in(named["member_id"].implode()))
    events = own.join(named.lazy(), on="member_id").select("member_no", "occurred_at").collect(engine="streaming")
    return _listed(run, suspect_bots(events, candidates))


def _not_examined(run: RunContext, rollups: RecentRollups) -> pl.Series:
    lake = run.workspace.lake
    cleared = pl.col("member_id").is_in(list(run.settings.community.not_bots))
    numbers = scan_member_index(lake).filter(cleared).select("member_no").collect(engine="streaming")["member_no"]
    return pl.concat([rollups.not_profiled, numbers]).cast(pl.Int32)


def _listed(run: RunContext, suspects: pl.DataFrame) -> pl.DataFrame:
    lake = run.workspace.lake
    names = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", "display_name")
    known = scan_member_index(lake).join(names, on="member_id", how="left")
    rows = suspects.lazy().join(known, on="member_no", how="left", maintain_order="left").collect()
    reasons = [_reason(row) for row in rows.iter_rows(named=True)]
    lines = [f"{json.dumps(member_id, ensure_ascii=False)}," for member_id in rows["member_id"]]
    return rows.select(
        pl.lit(run.as_of).alias("as_of"),
        "member_id",
        "display_name",
        pl.Series("reason", reasons, dtype=pl.String),
        "event_count_90d",
        pl.Series("setting", lines, dtype=pl.String),
    )


def _reason(suspect: dict[str, object]) -> str:
    """Say by which rule a member is suspected, and how much it does beside a typical member."""
    rule, n = str(suspect["rule"]), suspect["event_count_90d"]
    times = suspect["times_typical"]
    assert isinstance(n, int)
    assert isinstance(times, float)
    if rule == NO_REST:
        by = fill("bots.no_rest", days=suspect["days_without_rest"])
    else:
        by = fill(f"bots.{rule}", share=suspect["share"], visits=suspect["visits"])
    return sentences(by, fill("bots.volume", n=n, typical=n / times))
