"""The simulation of the community day by day.

It loops over days, vectorised over members, because the interactions that a member receives today change tomorrow's hazard of a
decline.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np

from lake.simulate.campaigns import run_campaign, send_newsletter
from lake.simulate.population import NEVER, Floats, Ints, Population, chance
from lake.simulate.state import DECLINE_DAYS, Life
from lake.simulate.visits import visit

HAZARD_PER_DAY: Final = 0.00085
HAZARD_WEIGHTS: Final = {"lonely": 1.4, "monotonous": 0.8, "unanswered": 0.6, "uncontacted": 0.5, "settled": -0.6}
LONGEST_UNCONTACTED_DAYS: Final = 90
SETTLED_AFTER_DAYS: Final = 365
FEEDBACK_SHARE_OF_VISITORS: Final = 0.012


def live(people: Population, rng: np.random.Generator, *, first_day: date, days: int) -> Life:
    """Simulate `days` days from `first_day`, and return the final state with all recorded rows.

    Args:
        people: The population.
        rng: Source of randomness.
        first_day: The first simulated day.
        days: Number of days.
    """
    life = Life.begin(people, rng)
    for day in range(days):
        today = first_day + timedelta(days=day)
        life.decline_from[life.recover_on == day] = NEVER
        vigour = life.vigour(day)
        visit(life, day, vigour, weekday=today.weekday())
        _buy(life, day, vigour)
        _answer_survey(life, day)
        send_newsletter(life, day, today)
        run_campaign(life, day, today, vigour)
        _start_declines(life, day)
    return life


def daily_hazard(
    people: Population, *, received: Ints, replies: Ints, posts: Ints, uncontacted_days: Ints, tenure_days: Ints
) -> Floats:
    """Return the probability that each member's decline starts tomorrow.

    Args:
        people: The population.
        received: Comments, likes, shares and messages by others in the last 28 days.
        replies: Comments by others in the last 28 days.
        posts: Pieces published in the last 28 days.
        uncontacted_days: Days since the last message sent to them, or since joining.
        tenure_days: Days since joining.
    """
    terms = {
        "lonely": 1 / (1 + received),
        "monotonous": 1 - people.diversity,
        "unanswered": ((posts > 0) & (replies == 0)).astype(np.float64),
        "uncontacted": np.clip(uncontacted_days, 0, LONGEST_UNCONTACTED_DAYS) / LONGEST_UNCONTACTED_DAYS,
        "settled": np.clip(tenure_days, 0, SETTLED_AFTER_DAYS) / SETTLED_AFTER_DAYS,
    }
    log_ratio = np.sum([HAZARD_WEIGHTS[name] * term for name, term in terms.items()], axis=0)
    # A proportional hazard: the terms multiply the rate, and the probability is limited to 1.
    hazard: Floats = np.minimum(HAZARD_PER_DAY * people.hazard_ratio * np.exp(log_ratio), 1.0)
    return hazard


def _start_declines(life: Life, day: int) -> None:
    people = life.people
    hazard = daily_hazard(
        people,
        received=life.received.sum(axis=0),
        replies=life.replies.sum(axis=0),
        posts=life.posts.sum(axis=0),
        uncontacted_days=day - life.last_message,
        tenure_days=day - people.joined_day,
    )
    is_steady = (people.joined_day <= day) & (life.decline_from == NEVER) & (life.gone_from == NEVER)
    starts = is_steady & chance(life.rng, people.size, hazard)
    life.decline_from[starts] = day + 1
    life.gone_from[starts] = day + 1 + DECLINE_DAYS


def _buy(life: Life, day: int, vigour: Floats) -> None:
    orders = life.rng.poisson(life.people.orders_per_day * vigour)
    member = np.repeat(np.arange(life.people.size), orders)
    life.orders.add(day=np.full(len(member), day), member=member)


def _answer_survey(life: Life, day: int) -> None:
    rng, people = life.rng, life.people
    visitors = np.flatnonzero(life.last_session == day)
    member = visitors[chance(rng, len(visitors), FEEDBACK_SHARE_OF_VISITORS)]
    is_declining = life.decline_from[member] <= day
    mood = 7.2 + 1.4 * people.satisfaction[member] - 2.5 * is_declining + rng.normal(0.0, 1.0, len(member))
    score = np.clip(np.round(mood), 0, 10).astype(np.int64)
    life.feedback.add(day=np.full(len(member), day), member=member, score=score)
