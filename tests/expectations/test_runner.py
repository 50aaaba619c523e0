import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from expectations.engine import SUITES_DIR
from expectations.runner import Example, RuleError, ValidationResult, validate
from lake.contracts import EVENTS, ORDERS

NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
TOLERANCE = timedelta(hours=1)
DAY = timedelta(days=1)
PAST = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE_1970 = datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)
IN_1970 = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = NOW + TOLERANCE
TOO_LATE = LATEST + timedelta(microseconds=1)


def broken(validation: ValidationResult) -> dict[int, list[str]]:
    return dict(validation.bad.iter_rows())


def blanked(validation: ValidationResult) -> dict[str, list[int]]:
    """Rule → the rows whose value it left empty."""
    return {
        outcome.rule: [example.row_no for example in outcome.examples]
        for outcome in validation.outcomes
        if outcome.broken and outcome.consequence == "blanked"
    }


def present(column: str) -> str:
    return f"{column}_present"


# table, column, a good value, a bad value, the rule it breaks; the row in the middle is null.
OPTIONAL = [
    ("members", "joined_at", IN_1970, BEFORE_1970, "joined_at_not_before_1970"),
    ("members", "joined_at", LATEST, TOO_LATE, "joined_at_not_in_future"),
    ("members", "birth_year", 1900, 1899, "birth_year_in_range"),
    ("members", "birth_year", 2026, 2027, "birth_year_in_range"),
    ("members", "region", "x" * 2000, "x" * 2001, "region_length"),
    ("members", "platform", "", "x" * 2001, "platform_length"),
    ("members", "gender", "", "x" * 2001, "gender_length"),
    ("members", "referrer_id", "", "x" * 2001, "referrer_id_length"),
    ("events", "content_id", "c" * 2000, "c" * 2001, "content_id_length"),
    ("events", "target_member_id", "m", "m" * 2001, "target_member_id_length"),
    ("events", "channel", "", "x" * 2001, "channel_length"),
    ("events", "platform", "", "x" * 2001, "platform_length"),
    ("orders", "currency", "GBP", "x" * 2001, "currency_length"),
    ("orders", "kind", "shop", "x" * 2001, "kind_length"),
    ("content", "topic", "", "x" * 2001, "topic_length"),
    ("content", "format", "", "x" * 2001, "format_length"),
    ("content", "title", "é" * 10_000, "é" * 10_001, "title_length"),
    ("contacts", "opened_at", IN_1970, BEFORE_1970, "opened_at_not_before_1970"),
    ("contacts", "opened_at", LATEST, TOO_LATE, "opened_at_not_in_future"),
    ("contacts", "clicked_at", IN_1970, BEFORE_1970, "clicked_at_not_before_1970"),
    ("contacts", "clicked_at", LATEST, TOO_LATE, "clicked_at_not_in_future"),
    ("contacts", "channel", "mail", "x" * 2001, "channel_length"),
    ("contacts", "arm", "control", "x" * 2001, "arm_length"),
    ("feedback", "score", -1e6, -1e6 - 1, "score_in_range"),
    ("feedback", "score", 1e6, float("inf"), "score_in_range"),
    ("feedback", "score", 0.0, float("nan"), "score_in_range"),
    ("feedback", "text", "x" * 1_000_000, "x" * 1_000_001, "text_length"),
]
REQUIRED = [
    *[
        (table, column, good, bad, f"{column}_length")
        for table, column in [
            ("members", "member_id"),
            ("events", "event_id"),
            ("events", "member_id"),
            ("events", "event_type"),
            ("orders", "order_id"),
            ("orders", "member_id"),
            ("content", "content_id"),
            ("content", "author_id"),
            ("contacts", "contact_id"),
            ("contacts", "member_id"),
            ("contacts", "campaign_id"),
            ("feedback", "feedback_id"),
            ("feedback", "member_id"),
        ]
        for good, bad in [("a", ""), ("a" * 2000, "a" * 2001)]
    ],
    *[
        (table, column, good, bad, f"{column}_{rule}")
        for table, column in [
            ("events", "occurred_at"),
            ("orders", "ordered_at"),
            ("content", "published_at"),
            ("contacts", "sent_at"),
            ("feedback", "answered_at"),
        ]
        for good, bad, rule in [(IN_1970, BEFORE_1970, "not_before_1970"), (LATEST, TOO_LATE, "not_in_future")]
    ],
    ("orders", "amount", 1e12, 1.1e12, "amount_in_range"),
    ("orders", "amount", -1e12, -1.1e12, "amount_in_range"),
    ("orders", "amount", 0.0, float("inf"), "amount_in_range"),
    ("orders", "amount", -5.0, float("-inf"), "amount_in_range"),
    ("orders", "amount", 5.0, float("nan"), "amount_in_range"),
]


@pytest.mark.parametrize("case", OPTIONAL, ids=lambda case: f"{case[0]}-{case[4]}")
def test_an_optional_value_that_is_wrong_is_left_empty_and_its_row_stays(validate_rows, case):
    table, column, good, bad, rule = case
    validation = validate_rows(table, {column: [good, None, bad]})
    assert broken(validation) == {}
    assert validation.good.get_column(column).to_list() == [good, None, None]
    assert blanked(validation) == {rule: [2]}


@pytest.mark.parametrize("case", REQUIRED, ids=lambda case: f"{case[0]}-{case[4]}")
def test_a_required_column_may_be_neither_null_nor_wrong(validate_rows, case):
    table, column, good, bad, rule = case
    validation = validate_rows(table, {column: [good, None, bad]})
    assert broken(validation) == {1: [present(column)], 2: [rule]}
    assert validation.good.get_column(column).to_list() == [good]


@pytest.mark.parametrize("column", ["opened_at", "clicked_at"])
def test_a_message_is_not_opened_or_clicked_before_it_was_sent(validate_rows, column):
    validation = validate_rows("contacts", {"sent_at": [PAST, PAST, PAST, None], column: [PAST, None, PAST - DAY, PAST - DAY]})
    assert broken(validation) == {3: ["sent_at_present"]}
    assert blanked(validation) == {f"{column}_not_before_sent_at": [2]}
    assert validation.good.rows() == [(PAST, PAST, 0), (PAST, None, 1), (PAST, None, 2)]


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("members", "member_id"),
        ("events", "event_id"),
        ("content", "content_id"),
        ("contacts", "contact_id"),
        ("feedback", "feedback_id"),
    ],
)
def test_the_first_row_of_a_key_is_kept_and_later_ones_break_the_rule(validate_rows, table, key):
    validation = validate_rows(table, {key: ["a", "b", "a", None, None, "a"]})
    assert broken(validation) == {2: [f"{key}_unique"], 3: [present(key)], 4: [present(key)], 5: [f"{key}_unique"]}


def test_lines_of_one_order_may_share_its_id(validate_rows):
    assert broken(validate_rows("orders", {"order_id": ["a", "a", None]})) == {2: ["order_id_present"]}


def test_the_first_row_is_the_one_with_the_lowest_row_no_wherever_it_lies():
    rows = pl.DataFrame({"row_no": [30, 10, 20], "event_id": ["a", "b", "a"]})
    [validation] = validate(EVENTS, [rows], references={}, now=NOW, future_tolerance=TOLERANCE)
    assert broken(validation) == {30: ["event_id_unique"]}
    assert validation.good.to_dict(as_series=False) == {"row_no": [10, 20], "event_id": ["b", "a"]}


@pytest.mark.parametrize("rows_per_chunk", [1, 2, 3, 100])
def test_the_size_of_a_chunk_changes_no_verdict(validate_rows, rows_per_chunk):
    columns = {
        "event_id": ["a", "b", "a", None, "c", "b", "a"],
        "member_id": ["m", "m", "m", "x", None, "m", "x"],
        "occurred_at": [PAST, TOO_LATE, PAST, PAST, None, TOO_LATE, BEFORE_1970],
    }
    cut = validate_rows("events", columns, references={"members": ["m"]}, rows_per_chunk=rows_per_chunk)
    whole = validate_rows("events", columns, references={"members": ["m"]})
    assert cut.bad.equals(whole.bad)
    assert cut.good.equals(whole.good)
    assert cut.outcomes == whole.outcomes


def test_long_numeric_ids_that_differ_in_the_last_digit_do_not_collide(validate_rows):
    ids = [str(2**63 + offset) for offset in range(3)] + [str(10**30), str(10**30 + 1), None]
    assert broken(validate_rows("events", {"event_id": ids})) == {5: ["event_id_present"]}
    known = validate_rows("events", {"member_id": ids[:5]}, references={"members": ids[:4]})
    assert broken(known) == {4: ["member_id_known"]}


@pytest.mark.parametrize(
    ("table", "column", "referenced"),
    [
        ("events", "member_id", "members"),
        ("orders", "member_id", "members"),
        ("content", "author_id", "members"),
        ("contacts", "member_id", "members"),
        ("feedback", "member_id", "members"),
    ],
)
def test_a_reference_must_be_known_where_its_table_has_a_source(validate_rows, table, column, referenced):
    columns = {column: ["known", "unknown"]}
    assert broken(validate_rows(table, columns, references={referenced: ["known"]})) == {1: [f"{column}_known"]}
    assert broken(validate_rows(table, columns, references={referenced: []})) == {0: [f"{column}_known"], 1: [f"{column}_known"]}
    assert broken(validate_rows(table, columns)) == {}


@pytest.mark.parametrize(("column", "referenced"), [("target_member_id", "members"), ("content_id", "content")])
def test_an_unknown_optional_reference_is_left_empty_and_the_event_stays(validate_rows, column, referenced):
    columns = {"event_id": ["a", "b", "a"], column: ["known", "unknown", "unknown"]}
    validation = validate_rows("events", columns, references={referenced: ["known"]})
    assert broken(validation) == {2: ["event_id_unique"]}
    assert validation.good.rows() == [("a", "known", 0), ("b", None, 1)]
    # The third row is bad for another reason: nothing of it lands, and nothing of it is counted as left empty.
    assert blanked(validation) == {f"{column}_known": [1]}
    assert blanked(validate_rows("events", columns)) == {}


def test_an_optional_reference_may_be_null(validate_rows):
    columns = {"content_id": [None, "c"], "target_member_id": ["m", None]}
    assert broken(validate_rows("events", columns, references={"members": ["m"], "content": ["c"]})) == {}


def test_a_time_no_calendar_holds_is_a_bad_row_and_not_a_crash(validate_rows):
    rows = pl.DataFrame({"row_no": [0, 1, 2], "occurred_at": [2**63 - 1, -(2**63), None]})
    rows = rows.with_columns(pl.col("occurred_at").cast(pl.Datetime("us", "UTC")))
    [validation] = validate(EVENTS, [rows], references={}, now=NOW, future_tolerance=TOLERANCE)
    expected = {0: ["occurred_at_not_in_future"], 1: ["occurred_at_not_before_1970"], 2: ["occurred_at_present"]}
    assert broken(validation) == expected
    assert {example.value for outcome in validation.outcomes for example in outcome.examples} == {
        "(outside years 1 to 9999)",
        None,
    }


def test_a_row_lists_all_the_rules_it_breaks_by_name(validate_rows):
    validation = validate_rows("orders", {"member_id": [""], "ordered_at": [TOO_LATE], "amount": [None]})
    assert broken(validation) == {0: ["amount_present", "member_id_length", "ordered_at_not_in_future"]}


def test_an_outcome_counts_every_broken_row_and_shows_the_first_three(validate_rows):
    columns = {"amount": [2e12, 1.0, float("nan"), None, 3e12, 4e12]}
    outcomes = {outcome.rule: outcome for outcome in validate_rows("orders", columns, rows_per_chunk=2).outcomes}
    in_range = outcomes["amount_in_range"]
    assert (in_range.column, in_range.rows_checked, in_range.broken) == ("amount", 5, 4)
    assert in_range.examples == (Example(0, "2000000000000.0"), Example(2, "NaN"), Example(4, "3000000000000.0"))
    assert in_range.says == "amount is a finite number between minus and plus one trillion; refunds are negative."
    assert outcomes["amount_present"].rows_checked == 6
    assert outcomes["amount_present"].examples == (Example(3, None),)


def test_an_example_is_short_enough_to_print(validate_rows):
    outcome = next(o for o in validate_rows("events", {"channel": ["x" * 5000, None]}).outcomes if o.broken)
    assert outcome.examples == (Example(0, "x" * 80),)


def test_columns_of_others_travel_with_the_good_rows():
    rows = pl.DataFrame({"row_no": [0, 1], "order_id": ["a", None], "source_file": ["x.csv", "x.csv"]})
    [validation] = validate(ORDERS, [rows], references={}, now=NOW, future_tolerance=TOLERANCE)
    assert validation.good.to_dict(as_series=False) == {"row_no": [0], "order_id": ["a"], "source_file": ["x.csv"]}


def test_a_column_that_is_not_mapped_has_no_rules_run(validate_rows):
    validation = validate_rows("contacts", {"opened_at": [PAST, None]})
    assert [outcome.rule for outcome in validation.outcomes] == ["opened_at_not_before_1970", "opened_at_not_in_future"]


def test_no_rows_are_judged_without_complaint(validate_rows):
    validation = validate_rows("events", {"event_id": [], "occurred_at": []}, references={"members": []})
    assert (validation.good.height, validation.bad.height) == (0, 0)
    assert validation.bad.schema == {"row_no": pl.Int64, "rules": pl.List(pl.String)}
    assert {(outcome.rows_checked, outcome.broken) for outcome in validation.outcomes} == {(0, 0)}


def suite_with(folder: Path, rule: str, **kwargs: object) -> Path:
    """A folder whose orders suite has other arguments in one rule."""
    suite = json.loads((SUITES_DIR / "orders.json").read_text(encoding="utf-8"))
    next(written for written in suite["expectations"] if written["meta"]["rule"] == rule)["kwargs"] |= kwargs
    (folder / "orders.json").write_text(json.dumps(suite), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("rule", "kwargs", "message"),
    [
        ("amount_in_range", {"column": "member_id"}, "The rule amount_in_range crashed"),  # text against a number
        ("amount_in_range", {"min_value": 1, "max_value": 0}, "The rule amount_in_range crashed"),
        ("amount_in_range", {"max_value": {"$PARAMETER": "unheard_of"}}, "could be run.*unheard_of"),
        ("amount_in_range", {"column": "amuont"}, "The rule amount_in_range looks at amuont"),
        ("member_id_known", {"referenced_table": "member"}, "The rule member_id_known .* does not refer to member"),
    ],
)
def test_a_rule_that_cannot_judge_is_named_and_no_row_is_blamed(tmp_path, rule, kwargs, message):
    rows = pl.DataFrame({"row_no": [0, 1], "member_id": ["m", None], "amount": [1.0, None]})
    folder = suite_with(tmp_path, rule, **kwargs)
    with pytest.raises(RuleError, match=message) as raised:
        validate(ORDERS, [rows], references={}, now=NOW, future_tolerance=TOLERANCE, suites_dir=folder)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"row_no": [0, 0], "amount": [1.0, 2.0]}, "row_no is not unique"),
        ({"row_no": [0, None], "amount": [1.0, 2.0]}, "row_no is not an Int64 in every row"),
        ({"amount": [1.0]}, "row_no is not an Int64 in every row"),
        ({"row_no": [0, 1], "amount": ["1", None]}, "amount is String, not Float64"),
    ],
)
def test_rows_that_are_not_of_the_contract_are_refused(rows, message):
    with pytest.raises(RuleError, match=message):
        validate(ORDERS, [pl.DataFrame(rows)], references={}, now=NOW, future_tolerance=TOLERANCE)


def test_a_clock_without_a_zone_is_refused():
    with pytest.raises(RuleError, match="without a zone"):
        validate(
            ORDERS,
            [pl.DataFrame({"row_no": [0]})],
            references={},
            now=datetime(2026, 11, 22),  # noqa: DTZ001
            future_tolerance=TOLERANCE,
        )


def test_validation_prints_and_logs_nothing_and_leaves_the_suites_alone(validate_rows, capfd, caplog):
    before = {path.name: path.read_bytes() for path in SUITES_DIR.iterdir() if path.is_file()}
    validate_rows("events", {"event_id": ["a", "a", None]})
    assert {path.name: path.read_bytes() for path in SUITES_DIR.iterdir() if path.is_file()} == before
    assert {path.suffix for path in SUITES_DIR.iterdir() if path.is_file()} == {".py", ".json"}
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_importing_the_runner_does_not_import_great_expectations():
    code = "import sys, expectations.runner, expectations.table_checks; sys.exit('great_expectations' in sys.modules)"
    root = Path(SUITES_DIR).parent
    assert subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=root, check=False).returncode == 0
