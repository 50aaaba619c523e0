"""Messages to members: a newsletter without effect, and a randomised campaign with a known effect."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np

from lake.simulate.population import NEVER, Floats, Ints, Population, chance
from lake.simulate.state import EFFECT_DAYS, Life

CAMPAIGN_WEEKDAY: Final = 1
CAMPAIGN_FROM_DAY: Final = 14
QUIET_DAYS: Final = (10, 120)
REST_DAYS: Final = 28
TREATED_SHARE: Final = 0.5
NEWSLETTER_SHARE: Final = 0.5
SENT_AT_SECOND: Final = 9 * 3600
OPENED_SHARE: Final = 0.45
OPENED_SHARE_OF_GONE: Final = 0.06
CLICKED_SHARE_OF_OPENED: Final = 0.3
MEAN_SECONDS_TO_OPEN: Final = 6 * 3600.0

NEWSLETTER, TREATMENT, CONTROL = 0, 1, 2
ARMS: Final = ("", "treatment", "control")


def send_newsletter(life: Life, day: int, today: date) -> None:
    """Send the newsletter to half of the contactable members, on the first of a month.

    Args:
        life: The state, which is changed.
        day: The day, counted from the first simulated one.
        today: The same day as a date.
    """
    is_reachable = life.people.may_be_contacted & (life.people.joined_day < day) & (today.day == 1)
    member = np.flatnonzero(is_reachable & chance(life.rng, life.people.size, NEWSLETTER_SHARE))
    life.last_message[member] = day
    _record(life, day, member, arm=np.full(len(member), NEWSLETTER), effect=np.zeros(len(member)))


def run_campaign(life: Life, day: int, today: date, vigour: Floats) -> None:
    """Randomise inactive members into treatment and control on a Tuesday, and apply the effect of the treatment.

    Args:
        life: The state, which is changed.
        day: The day, counted from the first simulated one.
        today: The same day as a date.
        vigour: The factor on every member's rates, as `Life.vigour` returns it.
    """
    people = life.people
    inactive_days = day - life.last_session
    is_due = (people.joined_day < day) & people.may_be_contacted & (day - life.last_campaign >= REST_DAYS)
    is_campaign_day = today.weekday() == CAMPAIGN_WEEKDAY and day >= CAMPAIGN_FROM_DAY
    member = np.flatnonzero(is_due & (inactive_days >= QUIET_DAYS[0]) & (inactive_days <= QUIET_DAYS[1]) & is_campaign_day)
    arm = np.where(chance(life.rng, len(member), TREATED_SHARE), TREATMENT, CONTROL)
    # Both arms rest, treated or not: otherwise they would differ in more than the treatment.
    life.last_campaign[member] = day
    life.last_message[member[arm == TREATMENT]] = day
    _record(life, day, member, arm=arm, effect=_expected_extra_sessions(people, member, vigour[member]))
    _treat(life, day, member[(arm == TREATMENT) & (vigour[member] > 0)])


def _expected_extra_sessions(people: Population, member: Ints, vigour: Floats) -> Floats:
    """Return the expected extra sessions on the 7 days after a treatment; 0 for churned members.

    A negative effect is the probability of churning at once, which costs all sessions of the 7 days.
    """
    effect = people.contact_effect[member]
    sessions_at_stake = people.sessions_per_day[member] * vigour * EFFECT_DAYS
    return np.where(vigour > 0, np.where(effect > 0, effect, effect * sessions_at_stake), 0.0)


def _treat(life: Life, day: int, member: Ints) -> None:
    effect = life.people.contact_effect[member]
    has_effect = chance(life.rng, len(member), np.abs(effect))
    returns_on = day + 1 + life.rng.integers(0, EFFECT_DAYS, len(member))
    is_won, is_put_off = has_effect & (effect > 0), has_effect & (effect < 0)
    # `add.at`, not `+=`: an index that occurs twice must be counted twice.
    np.add.at(life.extra_sessions, (returns_on[is_won] % (EFFECT_DAYS + 1), member[is_won]), 1)
    rescued = member[is_won & (life.decline_from[member] <= day)]
    life.rescues[rescued] += 1
    # The decline ends only after the 7 days, so that the effect within them is exactly the documented one extra session.
    life.recover_on[rescued], life.gone_from[rescued] = day + EFFECT_DAYS + 1, NEVER
    churned = member[is_put_off]
    life.decline_from[churned], life.gone_from[churned] = np.minimum(life.decline_from[churned], day + 1), day + 1


def _record(life: Life, day: int, member: Ints, *, arm: Ints, effect: Floats) -> None:
    rng = life.rng
    open_share = np.where(life.gone_from[member] > day, OPENED_SHARE, OPENED_SHARE_OF_GONE)
    is_opened = (arm != CONTROL) & chance(rng, len(member), open_share)
    is_clicked = is_opened & chance(rng, len(member), CLICKED_SHARE_OF_OPENED)
    after = np.floor(rng.exponential(MEAN_SECONDS_TO_OPEN, len(member))).astype(np.int64) + 60
    life.contacts.add(
        day=np.full(len(member), day),
        second=np.full(len(member), SENT_AT_SECOND),
        member=member,
        arm=arm,
        effect=effect,
        opened_after=np.where(is_opened, after, -1),
        clicked_after=np.where(is_clicked, after + 45, -1),
    )
