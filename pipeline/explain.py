"""`evenfall explain`: the card of one member, from the lists and the lake of a past night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from features.calendar import WEEK_DAYS
from features.history import is_activity
from lake.contracts import DAILY
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.storage.delta import DAY
from pipeline.analysis import listed_night, read_contact, read_members
from pipeline.community.card import network_lines
from pipeline.community.own_posts import own_posts
from pipeline.community.score_trends import EarlierScores, earlier_scores, score_text
from pipeline.stored_nights import NIGHT, TIERS_TABLE
from runtime.run_context import RunContext, open_run
from runtime.settings import Churn
from wording.content import hours_text
from wording.decisions import why_not_listed
from wording.group_names import GroupNames
from wording.layout import cells, left, right
from wording.numbers import short_day
from wording.texts import fill, label, name

_WEEKS: Final = 52
_BARS: Final = "·▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Card:
    """The card of one member; of a member who may not be profiled it has the id alone.

    Args:
        member_id: The member's id.
        as_of: The night.
        scores: The name of each score, with its value in words; the last says whether the member is contacted tomorrow.
        active_days: The number of days with activity in each of the last 52 weeks, the oldest week first.
        reasons: Whether each reason raises the risk of leaving, with its sentence; the strongest first.
        tier_moves: The first night in each tier, with the tier; the oldest first.
    """

    member_id: str
    as_of: date
    scores: tuple[tuple[str, str], ...] = ()
    active_days: tuple[int, ...] = ()
    reasons: tuple[tuple[bool, str], ...] = ()
    tier_moves: tuple[tuple[date, str], ...] = ()

    @property
    def first_day(self) -> date:
        """Return the first day that `active_days` counts."""
        return self.as_of - timedelta(days=_WEEKS * WEEK_DAYS - 1)


def explain(workspace: Path, member_id: str, *, as_of: str | None = None) -> str:
    """Return a member's card as text: scores, a year's activity, reasons, tier moves.

    Args:
        workspace: The folder with `evenfall.toml`.
        member_id: The member's id, as in the lists.
        as_of: The night; None means the newest night with lists.

    Raises:
        ConfigurationError: There are no lists, or the member is not on them.
    """
    run = open_run(workspace, as_of)
    return card_as_text(read_card(run.on(listed_night(run, given=as_of is not None)), member_id))


def read_card(run: RunContext, member_id: str) -> Card:
    """Read a member's card from the lists and the lake.

    Args:
        run: The run of a night with lists.
        member_id: The member's id, as in the lists.

    Raises:
        ConfigurationError: The member is not on the lists of the night.
    """
    listed = read_members(run).filter(pl.col("member_id") == member_id)
    if listed.is_empty():
        raise ConfigurationError(
            f"the lists of {run.as_of} have no member {member_id!r}",
            remedy="Write the id exactly as in the lists, or choose another night.",
        )
    member = listed.row(0, named=True)
    # Every profiled member has a tier, so that a null means that the member may not be profiled.
    if member["tier"] is None:
        return Card(member_id, run.as_of)
    number = scan_member_index(run.workspace.lake).filter(pl.col("member_id") == member_id).select("member_no").collect().item()
    earlier = earlier_scores(run, number)
    return Card(
        member_id,
        run.as_of,
        scores=(
            *_scores(run, member, earlier),
            *network_lines(run, member, number, earlier),
            *_own_posts(run, number),
            *_tomorrow(run, member),
        ),
        active_days=_active_days(run, number),
        reasons=tuple((one["contribution"] >= 0, one["text"]) for one in member["reasons"] or ()),
        tier_moves=_tier_moves(run, number),
    )


def card_as_text(card: Card) -> str:
    """Return a card as lines of text."""
    lines = [fill("card.title", member=card.member_id, night=card.as_of), ""]
    if not card.scores:
        return "\n".join([*lines, fill("card.not_profiled")])
    lines += [f"  {left(score, 22)}{value}" for score, value in card.scores]
    first, last = short_day(card.first_day), short_day(card.as_of)
    bars = "".join(_BARS[count] for count in card.active_days)
    lines += ["", fill("card.active_days"), f"  {bars}", f"  {first}{right(last, _WEEKS - cells(first))}", ""]
    reasons = [f"  {'+' if raises else '-'} {text}" for raises, text in card.reasons]
    lines += [fill("card.reasons"), *reasons] if reasons else [fill("card.reasons.none")]
    moves = [f"  {short_day(since)}  {name(tier)}" for since, tier in card.tier_moves]
    return "\n".join([*lines, "", *([fill("card.tier_moves"), *moves] if moves else [fill("card.tier_moves.none")])])


def _scores(run: RunContext, member: dict[str, Any], earlier: EarlierScores) -> Iterator[tuple[str, str]]:
    settings = run.settings
    yield fill("card.tier"), label(member["tier"])
    yield fill("card.stage"), label(member["lifecycle"])
    yield fill("card.group"), GroupNames().said(member["segment"])
    # Lists of earlier versions do not have the column.
    if member.get("presence") is not None:
        yield fill("card.presence"), label(member["presence"])
    yield fill("card.churn"), _churn(settings.churn, member)
    if member["expected_value"] is not None:
        amount, days, currency = member["expected_value"], settings.value.horizon_days, settings.community.currency
        facts = {"n": amount, "currency": currency, "days": days, "model": member["value_model"]}
        # Lists of earlier versions, and nights before anything was measured, have no range.
        low, high = member.get("expected_value_low"), member.get("expected_value_high")
        ranged = low is not None and high is not None
        yield (
            fill("card.spend"),
            fill("card.spend.range", low=low, high=high, **facts) if ranged else fill("card.spend.amount", **facts),
        )
    for score in ("activity_score", "commercial_score", "member_value_score"):
        if member[score] is not None:
            yield label(score), score_text(_score(member, score), score, earlier)


def _score(member: dict[str, Any], score: str) -> str:
    # Lists of earlier versions have no ranges, and the member value score has none.
    low, high = (member.get(score.replace("_score", end)) for end in ("_low", "_high"))
    if low is None or high is None:
        return fill("card.score", n=member[score])
    return fill(f"card.score.{score}", n=member[score], low=low, high=high)


def _own_posts(run: RunContext, member_no: int) -> Iterator[tuple[str, str]]:
    own = own_posts(run, member_no)
    if own is not None:
        days, typical = run.settings.content.content_days, ""
        if own.median_hours is not None:
            typical = fill("card.posts.typical", wait=hours_text(own.median_hours))
        answered = fill("card.posts.answered", answered=own.answered, n=own.posts, days=days, typical=typical)
        yield fill("card.posts"), answered
        if own.waiting:
            yield fill("card.posts.waiting"), fill("card.posts.waiting.count", n=own.waiting)


def _tomorrow(run: RunContext, member: dict[str, Any]) -> Iterator[tuple[str, str]]:
    # Lists of earlier versions do not have the column.
    rule = member.get("suppressed_because")
    if rule is not None:
        yield fill("card.tomorrow"), fill("card.tomorrow.not_listed", why=why_not_listed(rule))
        return
    contact = read_contact(run, member["member_id"])
    if contact is not None:
        action, channel = contact
        is_named = action is not None and channel is not None
        key = "card.tomorrow.listed" if is_named else "card.tomorrow.ranked"
        yield fill("card.tomorrow"), fill(key, action=label(action or ""), channel=name(channel or ""))


def _churn(settings: Churn, member: dict[str, Any]) -> str:
    share = member["churn_probability"]
    if share is None:
        return fill("card.churn.not_scored", days=settings.eligible_days)
    risk, model = name(member["churn_risk"]), member["churn_model"]
    return fill("card.churn.probability", share=share, days=settings.horizon_days, risk=risk, model=model)


def _active_days(run: RunContext, member_no: int) -> tuple[int, ...]:
    days = (
        run.workspace.lake.scan(DAILY)
        .filter(is_activity() & (pl.col("member_no") == member_no) & (pl.col(DAY) <= run.as_of))
        .select(pl.col(DAY).unique())
        .collect(engine="streaming")[DAY]
    )
    weeks = [0] * _WEEKS
    for day in days:
        # Weeks are counted back from the night, so that the last bar is always a whole week.
        age_weeks = (run.as_of - day).days // WEEK_DAYS
        if age_weeks < _WEEKS:
            weeks[_WEEKS - 1 - age_weeks] += 1
    return tuple(weeks)


def _tier_moves(run: RunContext, member_no: int) -> tuple[tuple[date, str], ...]:
    until_night = (pl.col("member_no") == member_no) & (pl.col(NIGHT) <= run.as_of)
    states = run.workspace.lake.scan(TIERS_TABLE).filter(until_night).collect()
    # Each night stores every tier with the night it began: equal beginnings are one stay in a tier.
    moves = states.sort(NIGHT).unique("tier_since", keep="first", maintain_order=True).sort("tier_since")
    return tuple(moves.select("tier_since", "tier").iter_rows())
