"""`evenfall experiment`: a campaign with arms, as the lake has it, analysed by the members who were randomised."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import Any, Final

import polars as pl

from engagement.experiments import Experiment, compare_arms
from features.rollups.daily import CONTROL_ARM
from lake.contracts import CONTACTS
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.sources.times import local_date
from pipeline.history.consent import numbers_not_profiled
from pipeline.intake.intake import last_full_day
from pipeline.outcomes import RETURNED, check_outcome, outcomes
from runtime.run_context import RunContext

_NAMES_SHOWN: Final = 5
_FEWEST_ARMS: Final = 2


@dataclass(frozen=True)
class CampaignResult:
    """What a campaign shows.

    Args:
        campaign: Its id.
        outcome: What was compared.
        horizon_days: The days in which it counted.
        as_of: The last day that outcomes were taken from.
        control: The arm the others are compared with.
        experiment: The comparison.
        left_out: Why members are not in it → how many; only reasons that occurred.
        several_arms: Members in more than one arm, who count in that of their first contact.
    """

    campaign: str
    outcome: str
    horizon_days: int
    as_of: date
    control: str
    experiment: Experiment
    left_out: Mapping[str, int]
    several_arms: int

    @property
    def figures(self) -> dict[str, Any]:
        """Return the figures as they are written as JSON."""
        return {
            "campaign": self.campaign,
            "arms": dict(self.experiment.arms),
            "p_srm": self.experiment.p_srm,
            "outcome": self.outcome,
            "comparisons": [asdict(one) for one in self.experiment.comparisons],
            "minimum_detectable_effect": self.experiment.minimum_detectable_effect,
            "control": self.control,
            "horizon_days": self.horizon_days,
            "as_of": self.as_of.isoformat(),
            "rates": dict(self.experiment.rates),
            "left_out": dict(self.left_out),
            "several_arms": self.several_arms,
        }


def analyse_campaign(
    run: RunContext,
    campaign: str,
    *,
    outcome: str = RETURNED,
    horizon_days: int | None = None,
    control: str | None = None,
    shares: str | None = None,
    as_of: date | None = None,
) -> CampaignResult:
    """Compare the arms of a campaign, intention to treat: a member counts in the arm of their first contact.

    Args:
        run: The run; its lake has data.
        campaign: Its id, as contacts have it.
        outcome: `returned`, `spent`, `posted` or an event type; see `pipeline.outcomes`.
        horizon_days: Days after the first contact in which the outcome counts; None for the churn horizon.
        control: The arm the others are compared with; None for the one named control.
        shares: What the arms were drawn with, such as `control=1,mail=4`; None for equal shares.
        as_of: The last day to take outcomes from; None for the last full day in the data.

    Raises:
        ConfigurationError: What was asked for does not exist, or nothing of it has matured.
    """
    horizon = run.settings.churn.horizon_days if horizon_days is None else horizon_days
    day = last_full_day(run.workspace.lake, [], timezone=run.timezone) if as_of is None else as_of
    first = _first_contacts(run, campaign)
    arms = sorted(first["arm"].unique())
    compared_with = _control_arm(campaign, arms, control)
    drawn = None if shares is None else parse_shares(shares, arms)
    posting_events = run.settings.community.posting_events
    check_outcome(run.workspace.lake, outcome, posting_events=posting_events)
    profiled = first.join(pl.DataFrame({"member_no": numbers_not_profiled(run.workspace.lake)}), on="member_no", how="anti")
    matured = profiled.filter(pl.col("sent_on") <= day - timedelta(days=horizon))
    _refuse_immature(profiled, matured, campaign, compared_with, day)
    units = outcomes(
        run.workspace.lake,
        matured.rename({"sent_at": "start"}),
        outcome=outcome,
        horizon_days=horizon,
        timezone=run.timezone,
        posting_events=posting_events,
    )
    left_out = {"refused": first.height - profiled.height, "not_matured": profiled.height - matured.height}
    return CampaignResult(
        campaign=campaign,
        outcome=outcome,
        horizon_days=horizon,
        as_of=day,
        control=compared_with,
        experiment=compare_arms(units, control=compared_with, shares=drawn),
        left_out={why: n for why, n in left_out.items() if n},
        several_arms=int((matured["arms"] > 1).sum()),
    )


def parse_shares(text: str, arms: list[str]) -> dict[str, float]:
    """Read `control=1,mail=4`: a share above 0 for each arm, of any sum.

    Raises:
        ConfigurationError: Something else is written, or not each arm has one share.
    """
    remedy = f"Write one share above 0 for each arm, such as {','.join(f'{arm}=1' for arm in arms)}."
    shares: dict[str, float] = {}
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.rpartition("="))
        try:
            share = float(number)
        except ValueError:
            share = math.nan
        if not (name and 0 < share < math.inf):
            raise ConfigurationError(f"--shares: {part.strip()!r} is not a share", remedy=remedy)
        if name not in arms or name in shares:
            why = "has two shares" if name in shares else f"is no arm; {_nearest(name, arms)}"
            raise ConfigurationError(f"--shares: {name!r} {why}", remedy=remedy)
        shares[name] = share
    if missing := [arm for arm in arms if arm not in shares]:
        raise ConfigurationError(f"--shares: {text!r} has no share for {', '.join(missing)}", remedy=remedy)
    return shares


def _first_contacts(run: RunContext, campaign: str) -> pl.DataFrame:
    """Return one row per member of a campaign: member_no, sent_at, arm of the first contact; sent_on; arms they were in."""
    lake = run.workspace.lake
    contacts = lake.scan_or_empty(CONTACTS.name, CONTACTS.landed_schema)
    rows = (
        contacts.filter(pl.col("campaign_id") == campaign)
        .join(scan_member_index(lake), on="member_id")
        .select("member_no", "sent_at", "contact_id", pl.col("arm").str.strip_chars().replace("", None))
        .collect(engine="streaming")
    )
    if rows.is_empty():
        known = contacts.select(pl.col("campaign_id").unique()).collect(engine="streaming").to_series().sort().to_list()
        raise ConfigurationError(
            f"there is no campaign {campaign!r}; {_nearest(campaign, known)}",
            remedy="Name a campaign_id of the contacts that have been taken in.",
        )
    armed = rows.drop_nulls("arm").sort("sent_at", "contact_id", "member_no")
    if armed.is_empty():
        raise ConfigurationError(
            f"campaign {campaign!r} has no arms: none of its {rows.height:,} contacts names one",
            remedy="Map `arm` in the source of contacts, with a row for each member of the control arm, too.",
        )
    firsts = armed.group_by("member_no").agg(pl.col("sent_at", "arm").first(), arms=pl.col("arm").n_unique()).sort("member_no")
    return firsts.with_columns(sent_on=local_date(pl.col("sent_at"), timezone=run.timezone))


def _control_arm(campaign: str, arms: list[str], given: str | None) -> str:
    wanted = given or CONTROL_ARM
    named = [arm for arm in arms if arm == wanted] or [arm for arm in arms if arm.casefold() == wanted.casefold()]
    if not named:
        raise ConfigurationError(
            f"campaign {campaign!r} has no arm {wanted!r}; its arms are: {', '.join(arms)}",
            remedy="Name the arm that nothing was sent to with --control.",
        )
    if len(arms) < _FEWEST_ARMS:
        raise ConfigurationError(
            f"campaign {campaign!r} has one arm, {arms[0]!r}: there is nothing to compare",
            remedy="Take in the contacts of the other arms, too; those of the control arm have a row although nothing was sent.",
        )
    return named[0]


def _refuse_immature(members: pl.DataFrame, matured: pl.DataFrame, campaign: str, control: str, day: date) -> None:
    if control in matured["arm"] and matured["arm"].n_unique() >= _FEWEST_ARMS:
        return
    first_days = members.group_by("arm").agg(pl.col("sent_on").min())
    begun = max(first_days.filter(pl.col("arm") == control)["sent_on"].to_list(), default=None)
    others = min(first_days.filter(pl.col("arm") != control)["sent_on"].to_list(), default=None)
    longest = 0 if begun is None or others is None else (day - max(begun, others)).days
    raise ConfigurationError(
        f"no two arms of campaign {campaign!r} have members whose window is over by {day}",
        remedy=f"Choose --horizon-days of {longest} or less, or wait." if longest > 0 else "Wait until more data have arrived.",
    )


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(repr(one) for one in close)}?"
    more = ", …" if len(known) > _NAMES_SHOWN else ""
    return f"known: {', '.join(known[:_NAMES_SHOWN])}{more}" if known else "none has been taken in"
