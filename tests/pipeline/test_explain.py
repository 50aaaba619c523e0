"""A member's card, on the command line."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.nights import NIGHT, Run
from wording.decisions import why_not_listed
from wording.numbers import percent
from wording.texts import label


def test_a_card_says_what_the_lists_say(run: Run, begun: Path) -> None:
    members = pl.read_parquet(begun / "lists" / str(NIGHT) / "members.parquet")
    member = members.filter("is_eligible").row(0, named=True)
    card = run("explain", member["member_id"], "--workspace", begun)
    assert card.code == 0, card.err
    assert f"Member {member['member_id']}" in card.out
    shown = percent(member["churn_probability"])
    for told in (member["tier"], member["segment"], shown, "Tier moves", "Active days"):
        assert told in card.out, told


def test_a_card_says_whether_the_member_is_contacted_tomorrow_or_why_not(run: Run, begun: Path) -> None:
    folder = begun / "lists" / str(NIGHT)
    members = pl.read_parquet(folder / "members.parquet").filter(pl.col("tier").is_not_null())
    listed = pl.read_csv(folder / "contact_list.csv", infer_schema=False).row(0, named=True)
    card = run("explain", listed["member_id"], "--workspace", begun).out
    assert f"on the contact list: {label(listed['action'])}, by {listed['channel']}" in card
    left_out = members.filter(pl.col("suppressed_because").is_not_null()).row(0, named=True)
    card = run("explain", left_out["member_id"], "--workspace", begun).out
    assert f"not on the contact list: {why_not_listed(left_out['suppressed_because'])}" in card


def test_an_unknown_member_or_night_is_said_to_be_unknown(run: Run, shop: Path, begun: Path) -> None:
    assert run("explain", "c001", "--workspace", shop).code == 2
    nobody = run("explain", "nobody", "--workspace", begun)
    assert nobody.code == 2
    assert "no member 'nobody'" in nobody.err
    assert run("explain", "c001", "--workspace", begun, "--as-of", NIGHT - timedelta(days=1)).code == 2
