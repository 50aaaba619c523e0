import json
import shutil

import pytest

from community.rates import FIGURE_NAMES
from expectations.engine import SUITES_DIR, LocalSuite, RuleError
from lake.contracts import TABLES

TABLE_NAMES = list(TABLES)


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_a_suite_loads_and_each_rule_has_a_name_of_its_own_and_a_sentence(table):
    rules = LocalSuite(table).rules
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name == name.lower() for name in names)
    assert all(rule.says.endswith(".") and " " in rule.says for rule in rules)


def test_there_is_a_suite_per_table_and_no_other():
    assert sorted(path.stem for path in SUITES_DIR.glob("*.json")) == sorted(TABLE_NAMES)


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_every_column_of_the_contract_has_the_rules_its_role_asks_for(table):
    contract = TABLES[table]
    names = {rule.name for rule in LocalSuite(table).rules}
    must_be_there = {*contract.required, contract.key}
    times = {name for name, column in contract.columns.items() if str(column.dtype).startswith("Datetime")}
    texts = {name for name, column in contract.columns.items() if str(column.dtype) == "String"}
    expected = {f"{name}_present" for name in must_be_there}
    expected |= {f"{name}_length" for name in texts}
    expected |= {f"{name}_not_before_1970" for name in times} | {f"{name}_not_in_future" for name in times}
    expected |= {f"{name}_known" for name in contract.references}
    expected |= {f"{contract.key}_unique"} if table != "orders" else set()
    assert expected <= names
    assert names - expected <= {
        "amount_in_range",
        "birth_year_in_range",
        "score_in_range",
        "opened_at_not_before_sent_at",
        "clicked_at_not_before_sent_at",
        "figure_not_counted_here",
        "value_in_range",
    }


def test_a_platform_may_give_no_figure_of_a_name_that_is_counted_here():
    (rule,) = [rule for rule in suite_of("platform_figures") if rule["meta"]["rule"] == "figure_not_counted_here"]
    assert rule["kwargs"]["value_set"] == sorted(FIGURE_NAMES)


def suite_of(table):
    return json.loads((SUITES_DIR / f"{table}.json").read_text())["expectations"]


@pytest.mark.parametrize("table", TABLE_NAMES)
def test_rules_look_only_at_columns_of_the_contract_and_its_references(table):
    contract = TABLES[table]
    for rule in LocalSuite(table).rules:
        assert set(rule.columns) <= set(contract.columns)
        if rule.referenced_table is not None:
            assert contract.references[rule.column] == rule.referenced_table


@pytest.mark.parametrize("damage", ["absent", "truncated", "unknown_type", "no_rule_name"])
def test_a_suite_that_cannot_be_used_is_named(tmp_path, damage):
    path = tmp_path / "orders.json"
    shutil.copy(SUITES_DIR / "orders.json", path)
    suite = json.loads(path.read_text())
    if damage == "absent":
        path.unlink()
    elif damage == "truncated":
        path.write_text(path.read_text()[:100])
    elif damage == "unknown_type":
        suite["expectations"][0]["type"] = "expect_the_unexpected"
        path.write_text(json.dumps(suite))
    else:
        del suite["expectations"][0]["meta"]["rule"]
        path.write_text(json.dumps(suite))
    with pytest.raises(RuleError, match=r"orders\.json cannot be used"):
        LocalSuite("orders", suites_dir=tmp_path)
