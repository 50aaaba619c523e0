from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from segments.changes import CHANGES, list_changes
from segments.risk import RISKS
from segments.tiers import TIERS

NIGHT = date(2025, 6, 30)
REASON = pl.List(pl.Struct({"feature": pl.String, "value": pl.Float64, "contribution": pl.Float64, "text": pl.String}))
SCHEMA: dict[str, Any] = {
    "as_of": pl.Date,
    "member_id": pl.String,
    "tier": pl.String,
    "churn_risk": pl.String,
    "member_value_score": pl.Float64,
    "churn_probability": pl.Float64,
    "reasons": REASON,
    "suppressed_because": pl.String,
}
CONTACTS: dict[str, Any] = {"member_id": pl.String, "action": pl.String, "reason": pl.String}
NOBODY = pl.DataFrame(schema=CONTACTS)


def members(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"as_of": NIGHT, "member_id": "m"} | row for row in rows], schema=SCHEMA)


def contacts(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=CONTACTS)


def reasons(**contributions: float) -> list[dict[str, Any]]:
    return [{"feature": "f", "value": None, "contribution": share, "text": text} for text, share in contributions.items()]


def text_of(before: str, after: str, **contributions: float) -> str | None:
    tonight = members({"churn_risk": after, "reasons": reasons(**contributions)})
    changes = list_changes(tonight, members({"churn_risk": before}), NOBODY, None)
    text: str | None = changes["text"].item()
    return text


def test_a_member_who_moved_is_there_once_for_each_class_with_the_figures_of_both_nights() -> None:
    before = members({"tier": "silver", "churn_risk": "low", "member_value_score": 61.0, "churn_probability": 0.1})
    tonight = members({"tier": "gold", "churn_risk": "high", "member_value_score": 72.0, "churn_probability": 0.6})
    changes = list_changes(tonight, before, NOBODY, None)
    assert dict(changes.schema) == dict(CHANGES)
    assert changes.select("as_of", "member_id", "what", "before", "after").rows() == [
        (NIGHT, "m", "churn_risk", "low", "high"),
        (NIGHT, "m", "tier", "silver", "gold"),
    ]
    assert (
        changes.select("score_before", "score_after", "probability_before", "probability_after").rows()
        == [(61.0, 72.0, 0.1, 0.6)] * 2
    )


def test_a_higher_risk_has_the_strongest_reason_that_raises_it_and_a_lower_one_the_strongest_that_lowers_it() -> None:
    shares = {"stays": -0.9, "rare": 0.2, "silent": 0.5, "new": -0.1}
    assert text_of("low", "high", **shares) == "silent"
    assert text_of("high", "medium", **shares) == "stays"
    assert text_of("medium", "high", stays=-0.9) is None
    assert text_of("low", "high") is None


def test_without_a_night_before_nothing_has_changed() -> None:
    tonight = members({"tier": "gold"})
    changes = list_changes(tonight, None, contacts({"member_id": "m"}), NOBODY)
    assert changes.is_empty()
    assert dict(changes.schema) == dict(CHANGES)


def test_a_new_member_enters_classes_and_one_who_is_gone_is_not_named() -> None:
    tonight = members({"member_id": "new", "tier": "regular"}, {"member_id": "kept", "tier": None})
    before = members({"member_id": "kept", "tier": "gold"}, {"member_id": "erased", "tier": "gold"})
    changes = list_changes(tonight, before, NOBODY, None)
    assert changes.select("member_id", "before", "after", "is_profiled").rows() == [
        ("kept", "gold", None, False),
        ("new", None, "regular", True),
    ]


def test_who_comes_onto_the_contact_list_leaves_it_or_changes_the_action_is_told_with_what_explains_it() -> None:
    tonight = members(
        *({"member_id": name, "tier": "gold"} for name in ("comes", "other", "same")),
        {"member_id": "leaves", "tier": "gold", "suppressed_because": "contacted yesterday"},
    )
    listed = contacts(
        {"member_id": "comes", "action": "win_back", "reason": "silent"},
        {"member_id": "other", "action": "thank", "reason": "writes"},
        {"member_id": "same", "action": None, "reason": "quiet"},
    )
    earlier = contacts({"member_id": "leaves", "action": None}, {"member_id": "other", "action": "save"}, {"member_id": "same"})
    changes = list_changes(tonight, tonight, listed, earlier)
    assert changes.select("member_id", "what", "before", "after", "action", "text").rows() == [
        ("comes", "contact_list", None, "win_back", "win_back", "silent"),
        ("leaves", "contact_list", "listed", None, None, "contacted yesterday"),
        ("other", "contact_list", "save", "thank", "thank", "writes"),
    ]


ids = st.lists(st.sampled_from("abcdefgh"), unique=True)
classes = st.tuples(st.sampled_from((*TIERS, None)), st.sampled_from((*RISKS, None)))
nights = ids.flatmap(lambda who: st.fixed_dictionaries(dict.fromkeys(who, classes)))
actions = ids.flatmap(lambda who: st.fixed_dictionaries({member: st.sampled_from(("save", "thank", None)) for member in who}))


def a_night(of: dict[str, Any]) -> pl.DataFrame:
    return members(*({"member_id": member, "tier": tier, "churn_risk": risk} for member, (tier, risk) in of.items()))


def a_list(of: dict[str, Any], *, among: dict[str, Any]) -> pl.DataFrame:
    return contacts(*({"member_id": member, "action": action} for member, action in of.items() if member in among))


@given(nights, nights, actions, actions)
def test_the_changes_applied_to_the_night_before_give_tonight(
    before: dict[str, Any], tonight: dict[str, Any], listed_before: dict[str, Any], listed: dict[str, Any]
) -> None:
    now, earlier = a_list(listed, among=tonight), a_list(listed_before, among=before)
    changes = list_changes(a_night(tonight), a_night(before), now, earlier)
    state: dict[tuple[str, str], str | None] = {
        (member, what): None for member in tonight for what in ("tier", "churn_risk", "contact_list")
    }
    for member in before.keys() & tonight.keys():
        state[member, "tier"], state[member, "churn_risk"] = before[member]
        if member in listed_before:
            state[member, "contact_list"] = listed_before[member] or "listed"
    for row in changes.iter_rows(named=True):
        assert state[row["member_id"], row["what"]] == row["before"] != row["after"]
        state[row["member_id"], row["what"]] = row["after"]
    for member, (tier, risk) in tonight.items():
        action = listed[member] or "listed" if member in listed else None
        assert [state[member, what] for what in ("tier", "churn_risk", "contact_list")] == [tier, risk, action]
    in_another_order = (frame.sort("member_id", descending=True) for frame in (a_night(tonight), a_night(before), now, earlier))
    assert changes.equals(list_changes(*in_another_order))
