"""The loop in a real workspace: two nights, contacts between them, and what the ledger and the effects say."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from engagement.contact_history import LISTED
from lake.storage.delta import Lake
from outputs.lists import CONTACT_SCHEMA
from pipeline.engagement.contacts import contacts_seen, odd_contacts
from pipeline.engagement.ledger import CONTACT, DECISION, HOLDOUTS, LEDGER, OUTCOME, read_decisions, read_ledger
from tests.communities import SHOP, shop_lines, write_shop
from tests.nights import NIGHT, Finished, Run, succeed

FIRST = NIGHT - timedelta(days=9)
SECOND = NIGHT
HORIZON = 7
STAFF = "c001"
ACTIONS = f"""
[sources.contacts]
path = "landing/contacts*.csv"

[contact_policy]
holdout_share = 0.1
match_days = 3

[[actions]]
name = "write"
message = "Write to {{display_name}}, last seen {{last_seen}}: {{reason}}"
audience = "tenure_days > 0"
horizon_days = {HORIZON}
cool_down_days = 20
capacity_per_day = 12
holdout_share = 0.3
cost = 0.01
"""
CONFIGURATION = SHOP.replace('currency = "EUR"', f'currency = "EUR"\nstaff = ["{STAFF}"]') + ACTIONS


@dataclass(frozen=True)
class TwoNights:
    """A shop after two nights.

    Args:
        shop: The workspace.
        effects: How `evenfall effects` ended.
        figures: What it wrote.
        contacted: The members who were contacted as listed.
        held_out: A member who was contacted although held out.
    """

    shop: Path
    effects: Finished
    figures: dict[str, Any]
    contacted: list[str]
    held_out: str

    @property
    def lake(self) -> Lake:
        return Lake(self.shop / "lake")


def numbered(shop: Path) -> dict[int, str]:
    return dict(Lake(shop / "lake").scan("member_index").select("member_no", "member_id").collect().iter_rows())


def at(day: date, hour: int = 10) -> str:
    return f"{day} {hour:02}:00:00"


@pytest.fixture(scope="module")
def two_nights(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> TwoNights:
    shop = tmp_path_factory.mktemp("loop")
    write_shop(shop, configuration=CONFIGURATION)
    # A source of contacts must have a file; nobody was contacted by an action yet.
    rows = [("k0", "c050", "newsletter", at(FIRST - timedelta(days=60)), "mail", None)]
    columns = ["contact_id", "member_id", "campaign_id", "sent_at", "channel", "arm"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(shop / "landing/contacts-1.csv")
    succeed("nightly", "--workspace", shop, "--as-of", FIRST)
    chosen, ids = read_decisions(Lake(shop / "lake"), before=SECOND), numbered(shop)
    listed = [ids[no] for no in chosen.filter(pl.col("arm") == LISTED)["member_no"]]
    held_out = ids[chosen.filter(pl.col("arm") != LISTED)["member_no"][0]]
    contacted = sorted(listed)[:5]
    tomorrow = FIRST + timedelta(days=1)
    rows = [
        *((f"k{number}", member, "write", at(tomorrow), "mail", None) for number, member in enumerate(contacted, start=1)),
        ("k10", contacted[0], "write", at(tomorrow, hour=12), "mail", None),  # twice
        ("k11", contacted[1], "write", at(FIRST - timedelta(days=1)), "mail", None),  # before the decision
        ("k12", held_out, "write", at(tomorrow), "mail", None),
        ("k13", "nobody", "write", at(tomorrow), "mail", None),
        ("k14", contacted[2], "no such action", at(tomorrow), "mail", None),
    ]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(shop / "landing/contacts-2.csv")
    succeed("nightly", "--workspace", shop, "--as-of", SECOND)
    effects = succeed("effects", "--workspace", shop, "--json", shop / "effects.json")
    return TwoNights(shop, effects, json.loads((shop / "effects.json").read_text()), contacted, held_out)


def test_the_contact_list_says_whom_what_and_why(two_nights: TwoNights) -> None:
    listed = pl.read_csv(two_nights.shop / f"lists/{FIRST}/contact_list.csv", schema_overrides=dict(CONTACT_SCHEMA))
    assert listed.columns == list(CONTACT_SCHEMA)
    assert listed.height == 12
    assert listed["action"].unique().to_list() == ["write"]
    assert listed["channel"].unique().to_list() == ["mail"]
    for column in ("reason", "message", "background", "expected_gain"):
        assert listed[column].null_count() == 0
    first = listed.row(0, named=True)
    assert first["message"].startswith(f"Write to {first['member_id']}, last seen ")
    assert first["message"].endswith(first["reason"])
    assert listed["is_new"].all()
    assert listed["nights_listed"].to_list() == [1] * 12
    assert listed["expected_gain"].is_sorted(descending=True)


def test_the_member_list_says_why_the_others_are_not_on_it(two_nights: TwoNights) -> None:
    for night in (FIRST, SECOND):
        members = pl.read_parquet(two_nights.shop / f"lists/{night}/members.parquet")
        listed = pl.read_csv(two_nights.shop / f"lists/{night}/contact_list.csv")["member_id"]
        assert set(members.filter(pl.col("suppressed_because").is_null())["member_id"]) == set(listed)
        assert not set(listed) & set(members.filter(pl.col("holdout").is_not_null())["member_id"])
        staff = members.filter(pl.col("member_id") == STAFF).row(0, named=True)
        assert staff["suppressed_because"] == "role"
        assert staff["churn_probability"] is None
        assert staff["tier"] is None
    # On the second night the first night's contacts rest, and so do those held out with them.
    reasons = dict(members.select("member_id", "suppressed_because").iter_rows())
    assert {reasons[member] for member in two_nights.contacted} == {"cool-down"}


def test_the_ledger_knows_who_was_contacted_and_what_came_of_it(two_nights: TwoNights) -> None:
    ids = numbered(two_nights.shop)
    ledger = read_ledger(two_nights.lake).with_columns(member=pl.col("member_no").replace_strict(ids))
    of_first = ledger.filter(pl.col("as_of") == FIRST)
    decisions, contacts, outcomes = (of_first.filter(pl.col("kind") == kind) for kind in (DECISION, CONTACT, OUTCOME))
    assert set(contacts["member"]) == set(decisions.filter(pl.col("arm") == LISTED)["member"])
    assert set(contacts.filter(pl.col("contacted_on").is_not_null())["member"]) == set(two_nights.contacted)
    assert contacts["contacted_on"].drop_nulls().unique().to_list() == [FIRST + timedelta(days=1)]
    # The slow way: look the orders of each member up.
    orders = shop_lines().with_columns(day=pl.col("at").str.slice(0, 10).str.to_date())
    window = pl.col("day").is_between(FIRST + timedelta(days=1), FIRST + timedelta(days=HORIZON))
    spent = dict(
        orders.filter(window).group_by("customer").agg((pl.col("quantity") * pl.col("price")).sum().round(2)).iter_rows()
    )
    assert set(outcomes["member"]) == set(decisions["member"])
    for member, returned, amount in outcomes.select("member", "outcome", "spent").iter_rows():
        assert returned == (member in spent)
        assert amount == pytest.approx(spent.get(member, 0.0))


def test_contacts_that_fit_no_decision_are_counted(two_nights: TwoNights) -> None:
    decisions = read_decisions(two_nights.lake, before=SECOND)
    assert odd_contacts(contacts_seen(two_nights.lake, as_of=SECOND), decisions, match_days=3) == {
        "not_listed": 1,  # "nobody" has no decision
        "held_out": 1,
        "early": 1,
        "repeated": 1,
    }


def test_the_effects_compare_the_listed_with_those_held_out(two_nights: TwoNights) -> None:
    decisions = read_decisions(two_nights.lake, before=SECOND)
    listed = decisions.filter(pl.col("arm") == LISTED).height
    held_out = decisions.filter(pl.col("arm") == "write").height
    effect = two_nights.figures["actions"]["write"]
    assert two_nights.figures["as_of"] == SECOND.isoformat()
    assert effect["outcome"] == "returned"
    assert effect["horizon_days"] == HORIZON
    assert (effect["n_treated"], effect["n_holdout"]) == (listed, held_out)
    assert effect["low"] < effect["effect"] < effect["high"]
    assert effect["looks"] == 1
    assert effect["contacted"] == 5
    assert effect["cost"] == pytest.approx(0.05)
    assert "Write" in two_nights.effects.out
    assert set(two_nights.figures["total"]) == set(effect)


def test_a_night_run_again_changes_no_arm_and_adds_no_row(two_nights: TwoNights, tmp_path: Path, run: Run) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(two_nights.shop, shop)
    lists = {path.name: path.read_bytes() for path in (shop / f"lists/{SECOND}").iterdir()}
    lake = Lake(shop / "lake")
    versions = lake.version(LEDGER), lake.version(HOLDOUTS)
    assert run("nightly", "--workspace", shop, "--as-of", SECOND).code == 0
    assert {path.name: path.read_bytes() for path in (shop / f"lists/{SECOND}").iterdir()} == lists
    assert (lake.version(LEDGER), lake.version(HOLDOUTS)) == versions
    for night in (FIRST, SECOND):
        assert "byte for byte" in run("verify", "--workspace", shop, "--as-of", night).out


def test_an_outcome_without_data_stops_the_night_before_anything_is_decided(
    two_nights: TwoNights, tmp_path: Path, run: Run
) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(two_nights.shop, shop)
    file = shop / "evenfall.toml"
    file.write_text(file.read_text() + 'outcome = "voted"\n')
    stopped = run("nightly", "--workspace", shop, "--as-of", SECOND + timedelta(days=1))
    assert stopped.code == 2
    assert "'write'" in stopped.err
    assert "'voted'" in stopped.err
    assert not (shop / f"lists/{SECOND + timedelta(days=1)}").exists()
