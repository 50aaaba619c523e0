"""Mistakes in actions and the contact policy are told by the action's name, with the remedy, before anything runs."""

from datetime import date
from pathlib import Path

import pytest

from engagement.policy import ContactPolicy
from lake.errors import ConfigurationError
from runtime.settings import load_settings

EVENTS = '[sources.events]\npath = "events.csv"\n'
ACTION = """
[[actions]]
name = "call"
message = "Call {display_name}."
audience = "churn_risk = 'high'"
"""


def mistake(folder: Path, text: str) -> str:
    (folder / "evenfall.toml").write_text(EVENTS + text)
    with pytest.raises(ConfigurationError) as stopped:
        load_settings(folder)
    assert int(stopped.value.exit_code) == 2
    return stopped.value.what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ACTION + ACTION, "two actions are called 'call'"),
        (
            ACTION.replace("display_name", "nickname"),
            "the message has a placeholder {nickname} that nobody knows; known: active_days_28d",
        ),
        (ACTION.replace("{display_name}", "{display_name"), "a brace in the message is not closed"),
        (ACTION.replace("{display_name}", "{tier:>9}"), "the message has a placeholder {tier} that nobody knows"),
        (ACTION.replace("churn_risk =", "risk ="), "the audience reads risk, which members do not have; known: member_id"),
        (ACTION.replace("= 'high'", "= "), "the audience 'churn_risk = ' cannot be read"),
        (ACTION.replace("churn_risk = 'high'", "tier"), "the audience 'tier' is no condition"),
        (ACTION.replace("churn_risk = 'high'", "churn_risk > 3"), "cannot be read: cannot compare string with numeric type"),
        (ACTION.replace("churn_risk = 'high'", "tenure_days > AVG(tenure_days)"), "is no condition on one member: AVG"),
        (ACTION.replace("churn_risk = 'high'", "tier = 'gold' OR COUNT(*) > 3"), "is no condition on one member: COUNT"),
        (
            ACTION + "capacity_per_day = -1\n",
            "`actions.capacity_per_day` of action 'call': Input should be greater than or equal to 0",
        ),
        (ACTION + 'outcome = "spent"\n', "action 'call' is judged by what members spent, and there is no [sources.orders]"),
        (ACTION + "holdout_share = 1\n", "`actions.holdout_share` of action 'call': Input should be less than 1"),
        (ACTION + "cooldown = 3\n", "unknown key `actions.cooldown` of action 'call'; did you mean 'cool_down_days'?"),
        (ACTION.replace('"call"', '"Call me"'), "an action's name has lower-case letters"),
        (ACTION.replace('"call"', '"all"'), "an action's name has lower-case letters"),
        ('[contact_policy]\nquiet_days = ["sunny"]\n', "'sunny' is neither a weekday such as sunday nor a date"),
        ('[contact_policy]\nallowed_hours = "20-9"\n', "'20-9' is no pair of hours, such as 09:00-20:00"),
        ('[contact_policy]\nallowed_hours = "20:00-09:00"\n', "the first allowed hour must be before the last"),
        ("[contact_policy]\nmin_risk = 1.5\n", "write low, medium, high or a probability from 0 to 1"),
        ('[contact_policy]\nunit = "street"\n', "`unit` is one of member, region, platform, gender"),
        ("[contact_policy.channels.mail]\nmax_per_week = 1\n", "unknown key `contact_policy.channels.mail.max_per_week`"),
    ],
)
def test_a_mistake_is_told(tmp_path: Path, text: str, said: str) -> None:
    assert said in mistake(tmp_path, text)


def test_what_is_given_is_read(tmp_path: Path) -> None:
    policy = '[contact_policy]\nquiet_days = ["Sunday", 2026-12-24, "2026-12-25"]\nallowed_hours = "08:30-21:00"\n'
    (tmp_path / "evenfall.toml").write_text(EVENTS + policy + "[contact_policy.channels.mail]\nmax_per_7_days = 1\n" + ACTION)
    settings = load_settings(tmp_path)
    (action,) = settings.actions or ()
    assert (action.name, action.horizon(28), action.outcome) == ("call", 28, "returned")
    assert settings.contact_policy.channels["mail"].limits == {7: 1}
    assert [settings.contact_policy.is_quiet(date(2026, 12, day)) for day in (24, 25, 26, 27)] == [True, True, False, True]
    assert settings.contact_policy.hours == (9, 20)


def test_the_last_allowed_hour_is_one_in_which_a_contact_may_begin() -> None:
    hours = {"09:00-20:00": (9, 19), "09:15-20:30": (10, 20), "00:00-24:00": (0, 23), "09:00-09:30": (9, 9)}
    assert {text: ContactPolicy(allowed_hours=text).hours for text in hours} == hours
