"""`evenfall explain`: one member's card, from the lists and the lake of a night that has been run."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from features.history import EVENT_PREFIX, ORDER_ACTIVITIES
from flows.night import Night, open_night
from flows.rollup import DAILY
from flows.scoring import NIGHT, TIERS_TABLE
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.store import DAY
from outputs import words

_WEEKS: Final = 52
_WEEK_DAYS: Final = 7
_BARS: Final = "·▁▂▃▄▅▆▇█"


def explain(workspace: Path, member_id: str, *, as_of: str | None = None) -> str:
    """Write a member's card: scores, a year's activity, reasons, tier moves.

    Args:
        workspace: The folder with `evenfall.toml`.
        member_id: The member, as the lists call them.
        as_of: The night; by default the newest that has been run.

    Raises:
        ConfigurationError: No night has been run, or its lists do not know the member.
    """
    night = open_night(workspace, as_of)
    night = night.on(_listed_night(night, given=as_of is not None))
    listed = (
        pl.scan_parquet(night.workspace.night(night.as_of) / "members.parquet").filter(pl.col("member_id") == member_id).collect()
    )
    if listed.is_empty():
        raise ConfigurationError(
            f"the lists of {night.as_of} have no member {member_id!r}",
            remedy="Write the id exactly as in the lists, or choose another night.",
        )
    member = listed.row(0, named=True)
    lines = [f"Member {member_id}, as of {words.day(night.as_of)}", "", *_scores(night, member)]
    lines += ["", *_activity(night, member_id), "", *_reasons(member), "", *_tier_moves(night, member_id)]
    return "\n".join(lines)


def _listed_night(night: Night, *, given: bool) -> date:
    lists = night.workspace.lists
    nights = sorted(path.name for path in lists.iterdir() if (path / "members.parquet").exists()) if lists.exists() else []
    if given and night.as_of.isoformat() in nights:
        return night.as_of
    if given or not nights:
        which = f"the night of {night.as_of}" if given else "any night"
        raise ConfigurationError(f"there are no lists of {which}", remedy="Run it with `evenfall nightly`.")
    return date.fromisoformat(nights[-1])


def _scores(night: Night, member: dict[str, Any]) -> list[str]:
    if member["tier"] is None:
        return ["This member may not be profiled: nothing is scored."]
    lines = [
        f"  {'tier':22}{words.label(member['tier'])}",
        f"  {'stage':22}{words.label(member['lifecycle'])}",
        f"  {'group':22}{member['segment']}",
    ]
    if member["churn_probability"] is None:
        lines.append(f"  {'churn':22}not scored: silent for {night.settings.churn.eligible_days} days or more")
    else:
        horizon = words.count(night.settings.churn.horizon_days, "day")
        percent = words.percent(member["churn_probability"])
        lines.append(f"  {'churn':22}{percent} within {horizon}, {member['churn_risk']} risk ({member['churn_model']})")
    if member["expected_value"] is not None:
        spend = words.money(member["expected_value"], night.settings.community.currency)
        horizon = words.count(night.settings.value.horizon_days, "day")
        lines.append(f"  {'expected spend':22}{spend} within {horizon} ({member['value_model']})")
    for name in ("activity_score", "commercial_score", "member_value_score"):
        if member[name] is not None:
            lines.append(f"  {words.label(name):22}{member[name]:.0f} of 100")
    return lines


def _activity(night: Night, member_id: str) -> list[str]:
    """A year as one bar a week: days with activity."""
    own = pl.col("activity").str.starts_with(EVENT_PREFIX) | pl.col("activity").is_in(ORDER_ACTIVITIES)
    number = scan_member_index(night.workspace.lake).filter(pl.col("member_id") == member_id).select("member_no").collect().item()
    days = (
        night.workspace.lake.scan(DAILY)
        .filter(own & (pl.col("member_no") == number) & (pl.col(DAY) <= night.as_of))
        .select(pl.col(DAY).unique())
        .collect(engine="streaming")[DAY]
    )
    weeks = [0] * _WEEKS
    for day in days:
        age_weeks = (night.as_of - day).days // _WEEK_DAYS
        if age_weeks < _WEEKS:
            weeks[_WEEKS - 1 - age_weeks] += 1
    first = night.as_of - timedelta(days=_WEEKS * _WEEK_DAYS - 1)
    return [
        "Active days a week over a year:",
        f"  {''.join(_BARS[count] for count in weeks)}",
        f"  {words.short_day(first)}{words.short_day(night.as_of):>{_WEEKS - len(words.short_day(first))}}",
    ]


def _reasons(member: dict[str, Any]) -> list[str]:
    if not member["reasons"]:
        return ["Reasons: none are given for this member."]
    return [
        "Reasons, the strongest first:",
        *(f"  {'+' if one['contribution'] > 0 else '-'} {one['text']}" for one in member["reasons"]),
    ]


def _tier_moves(night: Night, member_id: str) -> list[str]:
    number = scan_member_index(night.workspace.lake).filter(pl.col("member_id") == member_id)
    states = night.workspace.lake.scan(TIERS_TABLE).join(number, on="member_no").filter(pl.col(NIGHT) <= night.as_of).collect()
    moves = states.sort(NIGHT).unique("tier_since", keep="first", maintain_order=True).sort("tier_since")
    if moves.is_empty():
        return ["Tier moves: none."]
    return [
        "Tier moves:",
        *(f"  {words.short_day(since)}  {tier}" for since, tier in moves.select("tier_since", "tier").iter_rows()),
    ]
