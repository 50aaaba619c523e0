"""Small communities to decide for: members, contacts and earlier decisions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from engagement.actions import AUDIENCE_SCHEMA, Action
from engagement.contact_history import CONTACTS_SCHEMA, DECISIONS_SCHEMA, ContactHistory, contact_history
from engagement.decisions import Decisions, decide
from engagement.holdouts import ARMS_SCHEMA
from engagement.policy import ContactPolicy

AS_OF = date(2026, 3, 10)
NO_ARMS = pl.DataFrame(schema=ARMS_SCHEMA)
_RULES = {"can_contact": pl.Boolean(), "can_profile": pl.Boolean(), "role": pl.String()}


def members(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """One row per given member; what a row leaves out is that of an ordinary member at risk."""
    usual = {
        "is_eligible": True,
        "is_silent": False,
        "churn_probability": 0.5,
        "churn_risk": "high",
        "expected_value": 100.0,
        "member_value_score": 50.0,
    }
    numbered = [{"member_no": no, "member_id": f"m{no:03}"} | usual | row for no, row in enumerate(rows, start=1)]
    return pl.DataFrame(numbered, schema={"member_no": pl.Int32(), **AUDIENCE_SCHEMA, **_RULES})


def action(name: str = "call", **settings: Any) -> Action:
    """An action for everybody, with nobody held out, unless said otherwise."""
    return Action.model_validate({"name": name, "message": "Call.", "audience": "TRUE", "holdout_share": 0.0} | settings)


def policy(**settings: Any) -> ContactPolicy:
    """A policy without limits, unless said otherwise."""
    nothing = {"max_per_day": None, "max_per_7_days": None, "max_per_30_days": None, "holdout_share": 0.0}
    return ContactPolicy.model_validate(nothing | settings)


def contacts(rows: Sequence[tuple[int, str, str | None, str | None, int]]) -> pl.DataFrame:
    """Contacts: member_no, campaign, channel, arm, days before the night."""
    dated = [(no, campaign, channel, arm, AS_OF - timedelta(days=days)) for no, campaign, channel, arm, days in rows]
    return pl.DataFrame(dated, schema=CONTACTS_SCHEMA, orient="row")


def earlier(rows: Sequence[tuple[int, int, str, str]]) -> pl.DataFrame:
    """Decisions: nights before, member_no, action, arm; all by mail."""
    dated = [(AS_OF - timedelta(days=days), no, name, "mail", arm) for days, no, name, arm in rows]
    return pl.DataFrame(dated, schema=DECISIONS_SCHEMA, orient="row")


def history(
    actions: Sequence[Action],
    rules: ContactPolicy,
    *,
    sent: pl.DataFrame | None = None,
    decided: pl.DataFrame | None = None,
    as_of: date = AS_OF,
) -> ContactHistory:
    """The history of given contacts and decisions; campaigns run for 28 days."""
    return contact_history(
        contacts([]) if sent is None else sent,
        earlier([]) if decided is None else decided,
        as_of=as_of,
        actions=actions,
        churn_horizon_days=28,
        policy=rules,
    )


def decided(
    people: pl.DataFrame,
    actions: Sequence[Action],
    rules: ContactPolicy,
    *,
    past: ContactHistory | None = None,
    frozen: pl.DataFrame = NO_ARMS,
    capacity: int = 100,
    as_of: date = AS_OF,
    uplifts: pl.DataFrame | None = None,
) -> Decisions:
    """Decide for a community; a contact saves a tenth of what is at stake."""
    return decide(
        people,
        actions=actions,
        policy=rules,
        history=history(actions, rules) if past is None else past,
        frozen=frozen,
        capacity=capacity,
        responses={one.name: 0.1 for one in actions},
        as_of=as_of,
        uplifts=uplifts,
    )


def why_not(decisions: Decisions) -> dict[int, str | None]:
    """Member → why not contacted; None for the listed."""
    return dict(decisions.members.select("member_no", "suppressed_because").iter_rows())


SOME_MEMBERS = st.lists(
    st.fixed_dictionaries(
        {
            "churn_probability": st.one_of(st.none(), st.floats(0, 1)),
            "expected_value": st.one_of(st.none(), st.floats(-10, 500)),
            "is_eligible": st.booleans(),
            "can_contact": st.one_of(st.none(), st.booleans()),
            "can_profile": st.one_of(st.none(), st.booleans()),
            "role": st.sampled_from([None, None, None, "staff", "bot"]),
            "region": st.sampled_from([None, "north", "south"]),
        }
    ),
    max_size=12,
)
SOME_CONTACTS = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from(["a", "b", "newsletter"]),
        st.sampled_from(["mail", "push", None]),
        st.sampled_from([None, "treatment", "control"]),
        st.integers(0, 40),
    ),
    max_size=25,
)
SOME_DECISIONS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 12), st.sampled_from(["a", "b"]), st.sampled_from(["listed", "all", "a", "b"])),
    max_size=15,
    unique_by=lambda row: row[:3],
)
_LIMIT = st.one_of(st.none(), st.integers(0, 3))
SOME_POLICIES = st.builds(
    policy,
    max_per_day=_LIMIT,
    max_per_7_days=_LIMIT,
    max_per_30_days=_LIMIT,
    channels=st.dictionaries(st.sampled_from(["mail", "push"]), st.fixed_dictionaries({"max_per_7_days": _LIMIT}), max_size=2),
    holdout_share=st.sampled_from([0.0, 0.3]),
    exploration_share=st.sampled_from([0.0, 0.5]),
    unit=st.sampled_from(["member", "region"]),
    quiet_days=st.sampled_from([[], [], [], ["wednesday"], ["sunday"]]),
)
SOME_ACTIONS = st.tuples(
    st.builds(
        action,
        name=st.just("a"),
        channel=st.just("mail"),
        cool_down_days=st.integers(0, 40),
        capacity_per_day=_LIMIT,
        capacity_per_week=_LIMIT,
        priority=st.integers(0, 1),
        holdout_share=st.sampled_from([0.0, 0.4]),
        cost=st.sampled_from([0.0, 1.0]),
    ),
    st.builds(action, name=st.just("b"), channel=st.just("push"), audience=st.just("region = 'north' OR expected_value > 50")),
)
