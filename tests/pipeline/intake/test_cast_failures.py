"""Values that could not be used are counted and told without a member's id."""

from __future__ import annotations

import polars as pl

from expectations.runner import Example, RuleOutcome
from lake.contracts import EVENTS, MEMBERS
from lake.sources.mapping import ROW_NO
from pipeline.intake.cast_failures import cast_outcomes, check_cells, merge_outcomes

NOTHING = pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.List(pl.String)})


def failing(rules: dict[int, list[str]]) -> pl.DataFrame:
    return pl.DataFrame({ROW_NO: list(rules), "rules": list(rules.values())}, schema=NOTHING.schema)


def told(columns: dict[str, list[str | None]], blanked: dict[int, list[str]]) -> list[str]:
    written = pl.DataFrame({ROW_NO: range(1, len(next(iter(columns.values()))) + 1), **columns})
    return [finding.says for finding in check_cells(MEMBERS, cast_outcomes(written, NOTHING, failing(blanked)))]


def test_a_time_that_cannot_be_read_is_counted_among_the_values_there_are() -> None:
    columns: dict[str, list[str | None]] = {"member_id": ["m1", "m2", "m3"], "joined_at": ["0000-00-00", "2023-12-01", None]}
    assert told(columns, {1: ["joined_at_is_a_time"]}) == [
        "members.joined_at: 1 of 2 values could not be read as a time and were left empty, such as '0000-00-00'."
    ]


def test_consent_that_cannot_be_read_counts_as_no_and_says_so() -> None:
    columns: dict[str, list[str | None]] = {"member_id": ["m1", "m2"], "can_contact": ["perhaps", "yes"]}
    assert told(columns, {1: ["can_contact_is_yes_or_no"]}) == [
        "members.can_contact: 1 of 2 values could not be read as yes or no and count as no, like aaaaaaa."
    ]


def test_an_id_or_a_name_in_the_wrong_column_is_not_told() -> None:
    ids: dict[str, list[str | None]] = {"member_id": ["4711", "4712"], "joined_at": ["4712", "4711"]}
    both = {1: ["joined_at_is_a_time"], 2: ["joined_at_is_a_time"]}
    assert told(ids, both) == ["members.joined_at: 2 of 2 values could not be read as a time and were left empty."]
    names: dict[str, list[str | None]] = {"member_id": ["1", "2"], "joined_at": ["Anna Li", "Bo"]}
    assert told(names, both) == [
        "members.joined_at: 2 of 2 values could not be read as a time and were left empty, like Aaaa Aa."
    ]


def test_an_unknown_reference_and_a_broken_rule_are_told_with_their_table_and_rule() -> None:
    unknown = RuleOutcome("target_member_id_known", "…", "target_member_id", 90, 2, (Example(1, "m9"),), "blanked")
    late = RuleOutcome("channel_length", "channel is short.", "channel", 9, 1, (Example(2, "12"),), "blanked")
    bad = RuleOutcome("member_id_known", "…", "member_id", 9, 9, (Example(1, "m9"),))
    assert [finding.says for finding in check_cells(EVENTS, [bad, late, unknown])] == [
        "events.target_member_id: 2 of 90 values name no row of members that is known and were left empty.",
        "events.channel: 1 of 9 values were left empty, such as '12', because of the rule: channel is short.",
    ]


def test_what_several_arrivals_brought_is_added_up_and_what_quarantines_rows_comes_first() -> None:
    few = RuleOutcome("a_known", "…", "a", 10, 1, (Example(1, "x"),))
    many = RuleOutcome("b_length", "…", "b", 10, 5, (Example(1, "x"),), "blanked")
    clean = RuleOutcome("c_length", "…", "c", 10, 0, ())
    merged = merge_outcomes([many, few, clean, few, many])
    assert [(one.rule, one.rows_checked, one.broken, len(one.examples)) for one in merged] == [
        ("a_known", 20, 2, 2),
        ("b_length", 20, 10, 2),
    ]
