"""The ledger in a real lake: append-only, the same after any crash, and without a member who was erased."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engagement.contact_history import CONTACTS_SCHEMA, LISTED, match_contacts
from engagement.holdouts import ARMS_SCHEMA, draw_arms
from lake.contracts import CONTACTS
from lake.member_index import MEMBER_INDEX
from lake.storage.delta import DAY, Lake
from pipeline.engagement.contacts import contacts_seen, odd_contacts
from pipeline.engagement.ledger import (
    CONTACT,
    HOLDOUTS,
    LEDGER,
    OUTCOME,
    WITHDRAWN,
    read_arms,
    read_decisions,
    read_ledger,
    record_night,
)
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.tables import erase_derived

NIGHT = date(2026, 3, 10)
NEXT = NIGHT + timedelta(days=1)
LATER = NIGHT + timedelta(days=2)
NOTHING = pl.DataFrame(
    schema={"as_of": pl.Date(), "member_no": pl.Int32(), "action": pl.String(), "kind": pl.String(), "contacted_on": pl.Date()}
)


def decided(rows: Sequence[tuple[int, str, str]], *, score: float = 0.5) -> pl.DataFrame:
    """Members chosen: member_no, action, arm."""
    columns = {"member_no": pl.Int32(), "action": pl.String(), "arm": pl.String()}
    return pl.DataFrame(list(rows), schema=columns, orient="row").with_columns(
        channel=pl.lit("mail"), score=pl.lit(score), expected_gain=pl.lit(1.0), holdout_share=pl.lit(0.2), why=pl.lit("ranked")
    )


def considered(members: Sequence[int], lake: Lake, *, before: date, share: float = 0.3) -> pl.DataFrame:
    """Draw the arms of an action as a night does."""
    people = pl.DataFrame({"member_no": members, "unit": [f"m{no}" for no in members]}, schema_overrides={"member_no": pl.Int32})
    return draw_arms(people, read_arms(lake, before=before), action="call", share=share)


def record(lake: Lake, as_of: date, rows: pl.DataFrame, **further: pl.DataFrame) -> int:
    empty = pl.DataFrame(schema=ARMS_SCHEMA)
    return record_night(
        lake, as_of=as_of, decided=rows, arms=further.get("arms", empty), observed=further.get("observed", NOTHING)
    )


def observed(kind: str, as_of: date, member_no: int, **said: Any) -> pl.DataFrame:
    row = {"as_of": as_of, "member_no": member_no, "action": "call", "kind": kind, **said}
    return pl.DataFrame([row], schema_overrides={"member_no": pl.Int32, "as_of": pl.Date})


def state(lake: Lake) -> tuple[int, int, pl.DataFrame, pl.DataFrame]:
    arms = read_arms(lake, before=date.max).sort("member_no", "action")
    return lake.version(LEDGER), lake.version(HOLDOUTS), lake.scan(LEDGER).collect(), arms


def arms_of(lake: Lake) -> dict[int, bool]:
    return dict(read_arms(lake, before=date.max).select("member_no", "is_held_out").iter_rows())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def test_recording_a_night_twice_adds_nothing(lake: Lake) -> None:
    chosen, arms = (
        decided([(1, "call", LISTED), (2, "call", "call"), (3, "write", "all")]),
        considered([1, 2], lake, before=NIGHT),
    )
    frozen = arms.select(list(ARMS_SCHEMA))
    assert record(lake, NIGHT, chosen, arms=frozen) == 3
    before = state(lake)
    assert record(lake, NIGHT, chosen.reverse(), arms=frozen.reverse()) == 0
    after = state(lake)
    assert after[:2] == before[:2]
    assert after[2].equals(before[2])
    assert after[3].equals(before[3])
    assert before[2]["revision"].to_list() == [1, 1, 1]


def test_a_night_run_again_with_other_decisions_supersedes_and_withdraws(lake: Lake) -> None:
    record(lake, NIGHT, decided([(1, "call", LISTED), (2, "call", LISTED), (3, "call", LISTED)]))
    changed = pl.concat([decided([(1, "call", LISTED)]), decided([(2, "call", LISTED), (4, "call", LISTED)], score=0.7)])
    assert record(lake, NIGHT, changed) == 3
    rows = lake.scan(LEDGER).sort("member_no", "revision").select("member_no", "revision", "arm", "score").collect().rows()
    assert rows == [
        (1, 1, LISTED, 0.5),
        (2, 1, LISTED, 0.5),
        (2, 2, LISTED, 0.7),
        (3, 1, LISTED, 0.5),
        (3, 2, WITHDRAWN, 0.5),
        (4, 1, LISTED, 0.7),
    ]
    assert read_decisions(lake, before=NEXT)["member_no"].to_list() == [1, 2, 4]
    # And back again: what was withdrawn may return, and once more changes nothing.
    assert record(lake, NIGHT, decided([(3, "call", LISTED)])) == 4
    assert record(lake, NIGHT, decided([(3, "call", LISTED)])) == 0
    assert read_decisions(lake, before=NEXT)["member_no"].to_list() == [3]


def test_an_outcome_that_later_data_change_counts_once_and_as_last_seen(lake: Lake) -> None:
    record(lake, NIGHT, decided([(1, "call", LISTED)]))
    record(lake, NEXT, decided([]), observed=observed(OUTCOME, NIGHT, 1, outcome=0.0))
    assert record(lake, LATER, decided([]), observed=observed(OUTCOME, NIGHT, 1, outcome=0.0)) == 0
    assert record(lake, LATER, decided([]), observed=observed(OUTCOME, NIGHT, 1, outcome=1.0)) == 1
    assert read_ledger(lake, kind=OUTCOME)["outcome"].to_list() == [1.0]
    assert read_ledger(lake, before=LATER, kind=OUTCOME)["outcome"].to_list() == [0.0]


def test_a_night_killed_between_its_two_tables_is_completed_by_the_next_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chosen = decided([(no, "call", LISTED) for no in range(1, 6)])
    arms = considered(range(1, 51), lake, before=NIGHT).filter("is_first").select(list(ARMS_SCHEMA))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            record(lake, NIGHT, chosen, arms=arms)
    assert lake.exists(HOLDOUTS)
    assert not lake.exists(LEDGER)
    # The night is decided again: it sees only the arms of earlier nights, and draws the same.
    again = considered(range(1, 51), lake, before=NIGHT)
    assert again["is_first"].all()
    assert again.select(list(ARMS_SCHEMA)).equals(arms)
    frozen = lake.version(HOLDOUTS)
    assert record(lake, NIGHT, chosen, arms=again.select(list(ARMS_SCHEMA))) == 5
    assert lake.version(HOLDOUTS) == frozen
    assert lake.row_count(HOLDOUTS) == 50
    assert lake.row_count(LEDGER) == 5
    whole = Lake(tmp_path / "whole")
    record(whole, NIGHT, chosen, arms=arms)
    assert read_ledger(whole).equals(read_ledger(lake))
    assert arms_of(whole) == arms_of(lake)


def test_a_higher_share_only_adds_members_and_no_night_changes_an_arm(lake: Lake) -> None:
    for night, (last, share) in enumerate([(100, 0.1), (150, 0.5), (200, 0.02)]):
        as_of, before = NIGHT + timedelta(days=night), arms_of(lake)
        arms = considered(range(1, last + 1), lake, before=as_of, share=share)
        record(lake, as_of, decided([]), arms=arms.filter("is_first").select(list(ARMS_SCHEMA)))
        after = arms_of(lake)
        assert dict(arms.select("member_no", "is_held_out").iter_rows()) == after
        assert set(after) == set(range(1, last + 1))
        assert {no: after[no] for no in before} == before
    held = [sum(after[no] for no in members) / 50 for members in (range(51, 101), range(101, 151), range(151, 201))]
    assert held[0] < 0.3 < held[1]
    assert held[2] < 0.2


def test_a_night_in_the_past_keeps_the_arm_that_the_earliest_night_froze(lake: Lake) -> None:
    first = pl.DataFrame([(1, "call", True, 0.2)], schema=ARMS_SCHEMA, orient="row")
    record(lake, NEXT, decided([]), arms=first.with_columns(is_held_out=pl.lit(value=False)))
    record(lake, NIGHT, decided([]), arms=first)
    assert arms_of(lake) == {1: True}
    assert read_arms(lake, before=NEXT).equals(first)
    assert read_arms(lake, before=NIGHT).is_empty()


def test_rows_of_later_nights_change_nothing_that_an_earlier_night_reads(lake: Lake) -> None:
    record(lake, NIGHT, decided([(1, "call", LISTED)]), arms=considered([1, 2], lake, before=NIGHT).select(list(ARMS_SCHEMA)))
    read = (read_ledger(lake, before=NEXT), read_decisions(lake, before=NEXT), read_arms(lake, before=NEXT))
    matured = pl.concat(
        [observed(OUTCOME, NIGHT, 1, outcome=1.0), observed(CONTACT, NIGHT, 1, contacted_on=NEXT)], how="diagonal"
    )
    arms = considered([1, 2, 3], lake, before=NEXT).filter("is_first").select(list(ARMS_SCHEMA))
    record(lake, NEXT, decided([(2, "call", LISTED)]), arms=arms, observed=matured)
    again = (read_ledger(lake, before=NEXT), read_decisions(lake, before=NEXT), read_arms(lake, before=NEXT))
    assert all(one.equals(other) for one, other in zip(read, again, strict=True))
    assert read_ledger(lake, before=LATER).height == 4
    assert read_ledger(lake, before=NIGHT).is_empty()
    assert read_decisions(lake, before=NIGHT).is_empty()


def test_erasing_a_member_removes_the_rows_and_leaves_the_others(lake: Lake) -> None:
    index = pl.DataFrame({"member_no": [1, 2], "member_id": ["anna", "berta"]}, schema_overrides={"member_no": pl.Int32})
    lake.append(MEMBER_INDEX, index)
    chosen = decided([(1, "call", LISTED), (2, "call", LISTED)])
    record(lake, NIGHT, chosen, arms=considered([1, 2], lake, before=NIGHT).select(list(ARMS_SCHEMA)))
    record(lake, NEXT, decided([]), observed=observed(OUTCOME, NIGHT, 1, outcome=1.0))
    erased = {one.table: one.rows for one in erase_derived(lake, IdMatchers.of(["anna"], known=index["member_id"]))}
    assert erased == {LEDGER: 2, HOLDOUTS: 1, MEMBER_INDEX: 1}
    assert read_ledger(lake)["member_no"].to_list() == [2]
    assert list(arms_of(lake)) == [2]
    # The night that is run again without the member has nothing to withdraw.
    assert record(lake, NIGHT, chosen.filter(pl.col("member_no") == 2)) == 0


def landed_contacts(rows: Sequence[tuple[str, str, str | None, int]]) -> pl.DataFrame:
    """Landed contacts: member_id, campaign, arm, days after the night."""
    dated = [(member, campaign, arm, NIGHT + timedelta(days=days)) for member, campaign, arm, days in rows]
    landed = pl.DataFrame(dated, schema=["member_id", "campaign_id", "arm", DAY], orient="row").with_row_index("key")
    named = landed.with_columns(
        pl.format("k{}", "key").alias("contact_id"),
        sent_at=pl.col(DAY).cast(pl.Datetime("us", "UTC")),
        channel=pl.lit("mail"),
    )
    return named.select(
        (pl.col(name) if name in named.columns else pl.lit(None)).cast(dtype).alias(name)
        for name, dtype in CONTACTS.landed_schema.items()
    )


def test_contacts_fit_the_decision_they_follow_in_time_and_the_others_are_counted(lake: Lake) -> None:
    index = pl.DataFrame({"member_no": [1, 2, 3, 4, 5], "member_id": list("abcde")}, schema_overrides={"member_no": pl.Int32})
    lake.append(MEMBER_INDEX, index)
    lake.append(
        "contacts",
        landed_contacts(
            [
                ("a", "call", None, 0),  # on the night's own day: before the decision
                *[("b", "call", None, 2), ("b", "call", None, 5), ("b", "call", "Treatment ", 1)],  # three times
                ("c", "call", None, 3),  # held out
                ("d", "no such action", None, 1),
                ("nobody", "call", None, 1),
                ("e", "call", " CONTROL", 1),  # nothing was sent
                ("a", "call", None, 9),  # not yet
            ]
        ),
    )
    record(lake, NIGHT, decided([(1, "call", LISTED), (2, "call", LISTED), (3, "call", "call"), (5, "call", LISTED)]))
    decisions = read_decisions(lake, before=NEXT)
    seen = contacts_seen(lake, as_of=NIGHT + timedelta(days=7))
    # The unknown member has no number; the unknown campaign is kept, since it counts for the limits.
    assert seen.filter(pl.col("campaign") == "call")["member_no"].to_list() == [1, 2, 5, 2, 3, 2]
    assert seen.filter(pl.col("campaign") == "no such action")["member_no"].to_list() == [4]
    sent = seen.filter(pl.col("arm").ne_missing("control"))
    matched = match_contacts(decisions, sent, match_days=7)
    assert matched.height == decisions.height
    assert dict(matched.select("member_no", "contacted_on").iter_rows()) == {
        1: None,
        2: NIGHT + timedelta(days=1),
        3: NIGHT + timedelta(days=3),
        5: None,
    }
    assert odd_contacts(seen, decisions, match_days=7) == {"held_out": 1, "early": 1, "repeated": 2}


@pytest.mark.parametrize(("days", "fits"), [(0, False), (1, True), (7, True), (8, False)])
def test_a_contact_belongs_to_a_decision_from_the_day_after_it_until_the_window_closes(days: int, fits: bool) -> None:
    one = decided([(1, "call", LISTED)]).with_columns(as_of=pl.lit(NIGHT))
    sent = pl.DataFrame({"member_no": [1], "campaign": ["call"], "day": [NIGHT + timedelta(days=days)]}).cast(
        {"member_no": pl.Int32}
    )
    matched = match_contacts(one, sent, match_days=7)["contacted_on"].to_list()
    assert matched == [NIGHT + timedelta(days=days) if fits else None]


def test_a_contact_belongs_to_one_decision_the_newest_before_it() -> None:
    nights = [NIGHT, NIGHT + timedelta(days=3), NIGHT + timedelta(days=6)]
    twice = pl.concat([decided([(1, "call", LISTED)]).with_columns(as_of=pl.lit(night)) for night in nights])
    days = [NIGHT + timedelta(days=days) for days in (4, 5, 8)]
    sent = pl.DataFrame({"member_no": [1] * 3, "campaign": ["call"] * 3, "channel": ["mail"] * 3, "arm": [None] * 3, "day": days})
    sent = sent.cast(CONTACTS_SCHEMA)
    assert match_contacts(twice, sent, match_days=7)["contacted_on"].to_list() == [None, days[0], days[2]]
    assert odd_contacts(sent, twice, match_days=7) == {"repeated": 1}


def test_the_same_night_with_another_share_changes_no_arm(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    people = list(range(200))
    drawn = considered(people, lake, before=NEXT)
    record(lake, NIGHT, decided([]), arms=drawn.select(list(ARMS_SCHEMA)))
    before = state(lake)
    for share in (0.05, 0.8):
        again = considered(people, lake, before=NEXT, share=share)
        assert not again["is_first"].any()
        record(lake, NIGHT, decided([]), arms=again.filter("is_first").select(list(ARMS_SCHEMA)))
        assert state(lake)[1] == before[1]
        assert arms_of(lake) == dict(drawn.select("member_no", "is_held_out").iter_rows())
    # Arms that a faulty caller draws anew are not taken.
    record(lake, NIGHT, decided([]), arms=drawn.with_columns(~pl.col("is_held_out")).select(list(ARMS_SCHEMA)))
    assert arms_of(lake) == dict(drawn.select("member_no", "is_held_out").iter_rows())
