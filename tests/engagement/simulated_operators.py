"""A community with known truth in which operators follow the lists, and members react.

Members have a rate of activity, a hazard of leaving, a value and a response of their own to each action. A contact lowers the
hazard and raises the rate for four weeks, and may bring back who has left; more than two contacts in thirty days annoy. The twin
of a member lives through the same chances without the contacts. What a member does more than the twin is the truth that the
ledger should find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from engagement.actions import AUDIENCE_SCHEMA, Action
from engagement.contact_history import CONTACTS_SCHEMA, DECISIONS_SCHEMA, LISTED, contact_history, match_contacts
from engagement.decisions import Decisions, decide
from engagement.holdouts import ARMS_SCHEMA, EVERY_ACTION
from engagement.policy import ContactPolicy
from pipeline.engagement.effects import ActionEffect, LoopEffects, effects_of
from pipeline.engagement.ledger import CONTACT, DECISION, LEDGER_SCHEMA, OUTCOME
from pipeline.engagement.responses import responses_of
from tests.engagement.simulated_people import HORIZON, REMEMBERED, Floats, Integers, People, Truths

WARM_UP: Final = 91
FIRST_NIGHT: Final = date(2026, 1, 4)
NEWSLETTER: Final = "newsletter"

ACTIONS: Final = (
    Action(
        name="save",
        message="Write.",
        audience="churn_probability > 0.2 AND NOT is_silent",
        cool_down_days=28,
        holdout_share=0.2,
        response=0.3,
    ),
    Action(
        name="win_back",
        message="Call.",
        channel="phone",
        audience="is_silent",
        cool_down_days=35,
        holdout_share=0.2,
        response=0.2,
    ),
    Action(
        name="thank",
        message="Thank.",
        channel="forum",
        audience="active_days_28d >= 4",
        cool_down_days=42,
        capacity_per_week=15,
        priority=1,
        holdout_share=0.2,
        response=0.2,
    ),
)
POLICY: Final = ContactPolicy(max_per_day=1, max_per_7_days=2, max_per_30_days=3, holdout_share=0.15)


@dataclass(frozen=True)
class Setting:
    """What is simulated.

    Args:
        members: How many there are.
        weeks: How long operators work.
        nights_apart: Days between two nights.
        capacity: The longest list of a night.
        is_effective: Whether contacts change anything.
        delay_days: Operators contact the listed on one of the first so many days after the night.
        actions: The actions.
        policy: The contact policy.
        gains: Changes the columns that the gain is computed from: the members frame and random numbers in, the frame out.
    """

    members: int = 1_000
    weeks: int = 20
    nights_apart: int = 7
    capacity: int = 50
    is_effective: bool = True
    delay_days: int = 3
    actions: tuple[Action, ...] = ACTIONS
    policy: ContactPolicy = POLICY
    gains: Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame] = lambda frame, _: frame

    @property
    def days(self) -> int:
        return WARM_UP + 7 * self.weeks + HORIZON + 1


@dataclass(frozen=True)
class Night:
    """A night as it was decided.

    Args:
        as_of: The night.
        decisions: What was decided.
        frozen: The arms before it.
    """

    as_of: date
    decisions: Decisions
    frozen: pl.DataFrame


class Community:
    """A community and the loop, night after night."""

    def __init__(self, seed: int, setting: Setting | None = None) -> None:
        self.setting = setting or Setting()
        self.seed = seed
        random = np.random.default_rng(seed)
        n, days = self.setting.members, self.setting.days
        self.people = People.born(n, random, days=days, actions=len(self.setting.actions), is_effective=self.setting.is_effective)
        self.campaigns = [*(action.name for action in self.setting.actions), NEWSLETTER]
        self.is_here = np.ones((days + 1, n), dtype=bool)
        self.was_active = np.zeros((days, n), dtype=bool)
        # The first thirty days are before the first day, so that a window always fits.
        self.sent = np.zeros((len(self.campaigns), days + REMEMBERED, n))
        self.random = random
        self.can_contact = random.random(n) > 0.05
        self.role = ["staff" if is_staff else None for is_staff in random.random(n) < 0.01]
        self.noise = random.normal(0, 0.4, (days, n))
        for day in range(10, days, 28):
            self.sent[-1, day + REMEMBERED] = random.random(n) < 0.3
        self.chosen = pl.DataFrame(schema={"as_of": pl.Date()})
        self.arms = pl.DataFrame(schema=ARMS_SCHEMA)
        self.nights: list[Night] = []
        self.today = 0

    def run(self) -> Community:
        """Let operators work for all weeks, and wait until the last decision has matured."""
        self.work(range(self.setting.weeks))
        self._live_until(self.setting.days - 1)
        return self

    def work(self, weeks: range) -> None:
        """Let operators work for some weeks."""
        for today in range(WARM_UP + 7 * weeks.start, WARM_UP + 7 * weeks.stop, self.setting.nights_apart):
            self._live_until(today)
            self._decide(today)

    def _live_until(self, last: int) -> None:
        everyone = np.arange(self.setting.members)
        for day in range(self.today, last + 1):
            sent = self.sent[:, day + 1 : day + 1 + REMEMBERED]
            here, active = self.people.live(
                everyone, np.full(len(everyone), day), self.is_here[day], sent, annoys=self.setting.is_effective
            )
            self.is_here[day + 1], self.was_active[day] = here, active
        self.today = last + 1

    def _decide(self, today: int) -> None:
        setting, as_of = self.setting, _date(today)
        history = contact_history(
            self.contacts(as_of),
            self.decisions(),
            as_of=as_of,
            actions=setting.actions,
            churn_horizon_days=HORIZON,
            policy=setting.policy,
        )
        # Contacts are chosen by what earlier nights have measured, as every night does.
        effects = self.effects(as_of - timedelta(days=1))
        decisions = decide(
            setting.gains(self.frame(today), np.random.default_rng([self.seed, today])),
            actions=setting.actions,
            policy=setting.policy,
            history=history,
            frozen=self.arms,
            capacity=setting.capacity,
            responses=responses_of(effects, setting.actions),
            as_of=as_of,
        )
        self.nights.append(Night(as_of, decisions, self.arms))
        self.arms = pl.concat([self.arms, decisions.arms])
        self.chosen = pl.concat([self.chosen, decisions.chosen.with_columns(as_of=pl.lit(as_of))], how="diagonal")
        self._contact(decisions.chosen.filter(pl.col("arm") == LISTED), today)

    def _contact(self, listed: pl.DataFrame, today: int) -> None:
        """Contact most of the listed within days; some never."""
        numbers = listed["member_no"].to_numpy()
        days = today + 1 + self.random.integers(0, self.setting.delay_days, len(numbers))
        is_done = self.random.random(len(numbers)) < 0.85
        campaigns = np.array([self.campaigns.index(name) for name in listed["action"]], dtype=np.int64)
        self.sent[campaigns[is_done], days[is_done] + REMEMBERED, numbers[is_done]] = 1

    def frame(self, today: int) -> pl.DataFrame:
        """One row per member, as the night's scores and features would say it."""
        active = self.was_active[: today + 1][::-1]
        recency = np.where(active.any(axis=0), active.argmax(axis=0), today + 1)
        risk = self.people.churn_probability(recency)
        logit = np.log(risk / (1 - risk)) + self.noise[today]
        probability = 1 / (1 + np.exp(-logit))
        known: dict[str, Any] = {
            "member_no": pl.Series(np.arange(len(recency)), dtype=pl.Int32),
            # Arms are drawn by the id: another community is another draw.
            "member_id": [f"{self.seed}-{no:05}" for no in range(len(recency))],
            "can_contact": self.can_contact,
            "role": pl.Series(self.role, dtype=pl.String),
            "is_eligible": recency < WARM_UP,
            "is_silent": recency >= HORIZON,
            "churn_probability": probability,
            "churn_risk": np.select([probability < 0.2, probability < 0.5], ["low", "medium"], "high"),
            "expected_value": self.people.value,
            "member_value_score": np.full(len(recency), 50.0),
            "days_since_last_activity": recency,
            "active_days_28d": self.was_active[max(0, today - 27) : today + 1].sum(axis=0),
        }
        schema = {"member_no": pl.Int32(), **AUDIENCE_SCHEMA, "can_contact": pl.Boolean(), "can_profile": pl.Boolean()}
        schema["role"] = pl.String()
        return pl.DataFrame(known).select(
            (pl.col(name) if name in known else pl.lit(None)).cast(dtype).alias(name) for name, dtype in schema.items()
        )

    def contacts(self, until: date) -> pl.DataFrame:
        """One row per contact up to a night; columns of `CONTACTS_SCHEMA`."""
        last = (until - _date(0)).days
        campaign, day, member = np.nonzero(self.sent[:, REMEMBERED : REMEMBERED + last + 1])
        channels = [*(action.channel for action in self.setting.actions), "mail"]
        return pl.DataFrame(
            {
                "member_no": pl.Series(member, dtype=pl.Int32),
                "campaign": pl.Series(campaign).replace_strict(dict(enumerate(self.campaigns)), return_dtype=pl.String),
                "channel": pl.Series(campaign).replace_strict(dict(enumerate(channels)), return_dtype=pl.String),
                "arm": pl.Series([None] * len(day), dtype=pl.String),
                "day": pl.select(pl.lit(_date(0)) + pl.duration(days=pl.Series(day))).to_series(),
            },
            schema=CONTACTS_SCHEMA,
        )

    def decisions(self) -> pl.DataFrame:
        """Decisions of all nights so far; columns of `DECISIONS_SCHEMA`."""
        if self.chosen.is_empty():
            return pl.DataFrame(schema=DECISIONS_SCHEMA)
        return self.chosen.select(list(DECISIONS_SCHEMA))

    def ledger(self, until: date) -> pl.DataFrame:
        """What the nights up to one have recorded; columns of `LEDGER_SCHEMA`."""
        if self.chosen.is_empty():
            return pl.DataFrame(schema=LEDGER_SCHEMA)
        made = self.chosen.filter(pl.col("as_of") <= until)
        sent = match_contacts(
            made.filter(pl.col("arm") == LISTED), self.contacts(until), match_days=self.setting.policy.match_days
        )
        is_closed = pl.col("as_of") + pl.duration(days=self.setting.policy.match_days) <= until
        apart = self.setting.nights_apart
        # The first night on which the horizon is over.
        matured_on = pl.col("as_of") + pl.duration(days=-(-HORIZON // apart) * apart)
        due = made.with_columns(recorded_as_of=matured_on).filter(pl.col("recorded_as_of") <= until)
        rows = [
            made.with_columns(kind=pl.lit(DECISION), recorded_as_of="as_of"),
            sent.filter(is_closed | pl.col("contacted_on").is_not_null()).with_columns(kind=pl.lit(CONTACT)),
            due.with_columns(kind=pl.lit(OUTCOME), **self._returned(due)),
        ]
        columns = {name: pl.lit(None, dtype) for name, dtype in LEDGER_SCHEMA.items()}
        known = pl.concat(rows, how="diagonal").with_columns(revision=pl.lit(1))
        return known.select((pl.col(n) if n in known.columns else columns[n]).cast(t).alias(n) for n, t in LEDGER_SCHEMA.items())

    def _returned(self, decisions: pl.DataFrame) -> dict[str, pl.Series]:
        day, who = _days(decisions), decisions["member_no"].to_numpy()
        after, before = (
            np.array([self.was_active[d + a : d + b, m].any() for d, m in zip(day, who, strict=True)], dtype=np.float64)
            for a, b in ((1, 1 + HORIZON), (1 - HORIZON, 1))
        )
        return {"outcome": pl.Series(after), "returned": pl.Series(after), "outcome_before": pl.Series(before)}

    def effects(self, until: date | None = None) -> LoopEffects:
        """Measure the effects as `evenfall effects` does, by what the nights up to one have recorded; by default all."""
        until = _date(self.setting.days) if until is None else until
        return effects_of(self.ledger(until), actions=self.setting.actions, churn_horizon_days=HORIZON, as_of=until)

    def value_saved_per_contact(self) -> float:
        """What members are worth who are here at the end and would not be without any contact of ours, less the other way."""
        everyone, sent, here = np.arange(self.setting.members), self.sent.copy(), self.is_here[WARM_UP]
        sent[:-1] = 0
        for day in range(WARM_UP, self.setting.days):
            days = np.full(len(everyone), day)
            window = sent[:, day + 1 : day + 1 + REMEMBERED]
            here, _ = self.people.live(everyone, days, here, window, annoys=self.setting.is_effective)
        return float((self.is_here[-1].astype(np.float64) - here) @ self.people.value / self.sent[:-1].sum())

    def saved(self, decisions: pl.DataFrame, *, action: str | None = None) -> Floats:
        """For each decision: 1 if the member returned and would not have without contacts from then on, -1 the other way.

        Args:
            decisions: as_of, member_no.
            action: The action whose contacts the twin does not get, while it gets all others; by default it gets none of ours.
        """
        day, who = _days(decisions), decisions["member_no"].to_numpy().astype(np.int64)
        factual = self._relive(who, day, [])
        assert np.array_equal(factual, self._returned(decisions)["returned"].to_numpy()), "the same chances give the same life"
        without = range(len(self.setting.actions)) if action is None else [self.campaigns.index(action)]
        return factual.astype(np.float64) - self._relive(who, day, without)

    def _relive(self, who: Integers, day: Integers, without: Sequence[int]) -> Truths:
        """Whether members are active in the horizon after a day, without the contacts of some actions."""
        days = day + np.arange(1 - REMEMBERED, 1 + HORIZON)[:, None]
        sent = self.sent[:, days + REMEMBERED, who]
        sent[list(without), REMEMBERED:] = 0
        here, ever = self.is_here[day + 1, who], np.zeros(len(who), dtype=bool)
        for ahead in range(1, HORIZON + 1):
            window = sent[:, ahead : ahead + REMEMBERED]
            here, active = self.people.live(who, day + ahead, here, window, annoys=self.setting.is_effective)
            ever |= active
        return ever

    def first_decisions(self, *, action: str | None = None, until: date | None = None) -> pl.DataFrame:
        """Members' first decisions that have matured, as effects are measured on; of an action, or of all together."""
        matured = self.ledger(_date(self.setting.days) if until is None else until)
        due = matured.filter(pl.col("kind") == OUTCOME).sort("as_of", "member_no", "action")
        first = due.filter(pl.col("action") == action) if action is not None else due
        return first.unique("member_no", keep="first", maintain_order=True)

    def truth(self, *, action: str | None = None, until: date | None = None) -> float:
        """What being listed has truly changed, on average over the treated."""
        first = self.first_decisions(action=action, until=until)
        treated = first.filter(pl.col("arm") == LISTED if action is not None else pl.col("arm") != EVERY_ACTION)
        return float(self.saved(treated, action=action).mean()) if treated.height else 0.0


def measured(effects: LoopEffects, action: str | None) -> ActionEffect:
    """The effect of an action, or of all together."""
    return effects.total if action is None else next(one for one in effects.actions if one.action == action)


def _date(day: int) -> date:
    return FIRST_NIGHT + timedelta(days=day - WARM_UP)


def _days(decisions: pl.DataFrame) -> Integers:
    return np.asarray((decisions["as_of"] - _date(0)).dt.total_days().to_numpy(), dtype=np.int64)
