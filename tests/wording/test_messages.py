"""Messages filled with a member's values, and what speaks for a contact."""

from datetime import date

import polars as pl

from wording.columns import SentenceContext
from wording.contacts import why_without_risk
from wording.english import ENGLISH
from wording.messages import default_messages, fill_message

MEMBERS = pl.DataFrame(
    {
        "member_id": ["m1", "m2"],
        "display_name": ["Ada", None],
        "tier": ["gold", None],
        "churn_probability": [0.25, None],
        "expected_value": [1234.5, None],
        "tenure_days": [0, 400],
        "days_since_last_activity": [1, 41],
        "posts_28d": [3, 0],
        "posts_365d": [9, 0],
        "active_days_28d": [5, 4],
    }
)
CONTEXT = SentenceContext(frozenset(MEMBERS.columns), "EUR", date(2026, 3, 10))


def filled(message: str) -> list[str]:
    return MEMBERS.with_columns(fill_message(message, CONTEXT, community="Our club").alias("m"))["m"].to_list()


def test_a_message_holds_the_values_of_the_member_and_says_what_is_unknown() -> None:
    assert filled("Hi {display_name}, last seen {last_seen}, joined {joined}.") == [
        "Hi Ada, last seen yesterday, joined today.",
        "Hi m2, last seen 41 days ago, joined 13 months ago.",
    ]
    assert filled("{community}: {tier}, {churn_probability}, {expected_value} {{braces}}") == [
        "Our club: gold, 25 %, 1235 EUR {braces}",
        "Our club: unknown, unknown, unknown {braces}",
    ]
    assert filled("{platform}") == ["unknown", "unknown"]


def test_the_default_messages_name_only_what_members_have() -> None:
    from engagement.actions import DEFAULTS, SHOW, check_message

    messages = default_messages(ENGLISH)
    assert messages.keys() == {*DEFAULTS, SHOW}
    for name, message in messages.items():
        check_message(name, message)


def test_what_else_speaks_for_a_contact() -> None:
    people = pl.DataFrame(
        {
            "tenure_days": [3, 3, 300, 300, 300],
            "posts_28d": [0, 5, 0, 0, 0],
            "posts_365d": [5, 5, 0, 4, 4],
            "active_days_28d": [1, 1, 6, 6, 6],
            "expected_value": [9.0, 9.0, 9.0, 9.0, 0.2],
        }
    )
    context = SentenceContext(frozenset(people.columns), "EUR", date(2026, 3, 10))
    assert people.select(why_without_risk(context).alias("why"))["why"].to_list() == [
        "Joined 3 days ago.",
        "Contributed 5 times in the last 28 days.",
        "Active on 6 of the last 28 days, wrote nothing in a year.",
        "Expected to spend 9 EUR over the coming weeks.",
        None,
    ]


def test_a_member_with_nothing_to_show_does_not_get_the_sentence_that_says_what() -> None:
    people = MEMBERS.with_columns(show=pl.Series(["Hops; Malt", None]))
    context = SentenceContext(frozenset(people.columns), None, date(2026, 3, 10))

    def said(message: str) -> list[str]:
        return people.with_columns(fill_message(message, context, community="Our club").alias("m"))["m"].to_list()

    assert said("Hi {display_name}. They may like: {show}. Ask why!") == [
        "Hi Ada. They may like: Hops; Malt. Ask why!",
        "Hi m2. Ask why!",
    ]
    assert said("Tell them: {show}.") == ["Tell them: Hops; Malt.", "Tell them: what is new here."]
    assert filled("Hi {display_name}. They may like: {show}.") == ["Hi Ada.", "Hi m2."]


def test_chinese_sentences_stand_without_a_blank_and_without_the_one_that_says_nothing() -> None:
    from engagement.actions import SHOW, default_message
    from wording.language import catalogue_of

    message = default_message("wake_lurker", default_messages(catalogue_of("zh")), tables=("content",))
    assert "{show}" in message
    assert " " not in message
    [ada, _] = filled(message)
    assert ada == default_message("wake_lurker", default_messages(catalogue_of("zh")), tables=()).format(
        display_name="Ada", active_days_28d=5
    )
    english = default_messages(ENGLISH)
    assert default_message("wake_lurker", english, tables=("content",)) == f"{english['wake_lurker']} {english[SHOW].strip()}"
