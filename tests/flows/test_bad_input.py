"""Ten bad inputs: each ends with the exit code of whose fault it is, and a message a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.quarantine import read_quarantine
from lake.store import Lake
from tests.flows.communities import LAST_DAY, SHOP, shop_lines, write_shop
from tests.flows.conftest import Run

NIGHT = LAST_DAY


def orders(folder: Path) -> Path:
    return folder / "landing" / "orders.csv"


def missing_column(folder: Path) -> None:
    shop_lines().drop("price").write_csv(orders(folder))


def unknown_key(folder: Path) -> None:
    (folder / "evenfall.toml").write_text(SHOP.replace("horizon_days", "horizont_days", 1))


def bad_expression(folder: Path) -> None:
    (folder / "evenfall.toml").write_text(SHOP.replace("quantity * price", "quantity * * price"))


def unreadable_path(folder: Path) -> None:
    orders(folder).unlink()


def truncated_parquet(folder: Path) -> None:
    (folder / "evenfall.toml").write_text(SHOP.replace("orders*.csv", "orders.parquet"))
    whole = folder / "landing" / "orders.parquet"
    shop_lines().write_parquet(whole)
    whole.write_bytes(whole.read_bytes()[:-100])


def empty_file(folder: Path) -> None:
    orders(folder).write_bytes(b"")


def no_rows(folder: Path) -> None:
    shop_lines().clear().write_csv(orders(folder))


def all_rows_bad(folder: Path) -> None:
    shop_lines().with_columns(at=pl.lit("never")).write_csv(orders(folder))


def too_many_bad(folder: Path) -> None:
    lines = shop_lines()
    lines.with_columns(at=pl.when(pl.int_range(pl.len()) % 3 == 0).then(pl.lit("never")).otherwise("at")).write_csv(
        orders(folder)
    )


def wrong_encoding(folder: Path) -> None:
    orders(folder).write_bytes(shop_lines().with_columns(customer=pl.col("customer") + "é").write_csv().encode("latin-1"))


def stale(folder: Path) -> None:
    shop_lines().filter(pl.col("at") < "2025-05").write_csv(orders(folder))


STOPPED: list[tuple[Callable[[Path], None], int, list[str]]] = [
    (missing_column, 2, ["orders", "amount", "price", "order, customer, at, quantity"]),
    (unknown_key, 2, ["churn.horizont_days", "horizon_days"]),
    (bad_expression, 2, ["orders", "amount", "quantity * * price"]),
    (unreadable_path, 2, ["orders", "landing/orders*.csv", "matches no file"]),
    (truncated_parquet, 3, ["orders.parquet", "cannot be read"]),
    (empty_file, 3, ["orders.csv", "no rows at all"]),
    (no_rows, 3, ["orders.csv", "no rows at all"]),
    (all_rows_bad, 3, ["rows are bad", "ordered_at_is_a_time", "row 1, row 2, row 3", "-validation.html"]),
    (too_many_bad, 3, ["rows are bad", "at most 20", "ordered_at_is_a_time", "-validation.html"]),
    (wrong_encoding, 3, ["orders.csv", "utf-8", "encoding"]),
    (stale, 3, ["orders", "days before", "max_age_days", "-validation.html"]),
]


@pytest.mark.parametrize(("spoil", "code", "told"), STOPPED, ids=lambda value: getattr(value, "__name__", ""))
def test_it_stops_with_the_right_code_and_changes_nothing(
    run: Run, shop: Path, spoil: Callable[[Path], None], code: int, told: list[str]
) -> None:
    spoil(shop)
    done = run("nightly", "--workspace", shop, "--as-of", NIGHT)
    assert done.code == code, done.err
    for words in (*told, "→"):
        assert words in done.err
    assert "Traceback" not in done.err + done.out
    assert not (shop / "lists").exists() or not list((shop / "lists").iterdir())
    assert not Lake(shop / "lake").exists("orders")


def test_a_stop_over_bad_rows_shows_its_page(run: Run, shop: Path) -> None:
    too_many_bad(shop)
    run("nightly", "--workspace", shop, "--as-of", NIGHT)
    page = (shop / "reports" / f"{NIGHT}-validation.html").read_text()
    assert "stopped" in page
    assert "never" in page
    assert "<script" not in page


def spoiled_rows(run: Run, shop: Path, lines: pl.DataFrame) -> pl.DataFrame:
    """Run a night on lines of which some are bad; it must finish and account for each. Returns the quarantine."""
    lines.write_csv(orders(shop))
    done = run("nightly", "--workspace", shop, "--as-of", NIGHT)
    assert done.code == 0, done.err
    ledger = read_arrivals(Lake(shop / "lake"))
    assert ledger["rows_read"].sum() == lines.height
    assert ledger.select(pl.sum_horizontal("left_out", "merged", "replaced", "quarantined", "landed")).item() == lines.height
    return read_quarantine(Lake(shop / "lake"))


def test_text_in_one_amount_quarantines_that_row_and_shows_the_value(run: Run, shop: Path) -> None:
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    lines[4, "price"] = "twelve"
    bad = spoiled_rows(run, shop, lines)
    assert bad.select("row_no", pl.col("rules").list.join(","), "table").rows() == [(5, "amount_is_a_number", "orders")]
    assert "twelve" in bad["values"][0]


def test_an_impossible_date_and_a_time_in_the_future_are_quarantined(run: Run, shop: Path) -> None:
    lines = shop_lines()
    lines[0, "at"] = "2025-02-30 10:00:00"
    lines[1, "at"] = "2999-01-01 10:00:00"
    bad = spoiled_rows(run, shop, lines)
    assert bad.sort("row_no")["rules"].to_list() == [["ordered_at_is_a_time"], ["ordered_at_not_in_future"]]


def test_a_key_twice_in_one_file_keeps_the_first_and_quarantines_the_other(run: Run, tmp_path: Path) -> None:
    configuration = SHOP + '\n[sources.members]\npath = "landing/members.csv"\n'
    write_shop(tmp_path, configuration=configuration)
    people = shop_lines()["customer"].unique().sort().to_list()
    pl.DataFrame({"member_id": [*people, people[0]], "region": ["north"] * len(people) + ["south"]}).write_csv(
        tmp_path / "landing" / "members.csv"
    )
    assert run("nightly", "--workspace", tmp_path, "--as-of", NIGHT).code == 0
    lake = Lake(tmp_path / "lake")
    assert read_quarantine(lake)["rules"].to_list() == [["member_id_unique"]]
    assert lake.scan("members").filter(pl.col("member_id") == people[0]).collect()["region"].to_list() == ["north"]


def test_a_broken_reference_waits_in_quarantine_until_what_it_refers_to_arrives(run: Run, tmp_path: Path) -> None:
    configuration = SHOP + '\n[sources.members]\npath = "landing/members*.csv"\n'
    write_shop(tmp_path, configuration=configuration)
    people = shop_lines()["customer"].unique().sort()
    people.alias("member_id").to_frame().filter(pl.col("member_id") != "c001").write_csv(tmp_path / "landing" / "members.csv")
    assert run("nightly", "--workspace", tmp_path, "--as-of", NIGHT - timedelta(days=1)).code == 0
    lake = Lake(tmp_path / "lake")
    waiting = shop_lines().filter(pl.col("customer") == "c001")
    assert read_quarantine(lake).height == waiting.height
    listed = run("quarantine", "list", "--workspace", tmp_path)
    assert "member_id_known" in listed.out
    assert f"{waiting.height:,}" in listed.out
    pl.DataFrame({"member_id": ["c001"]}).write_csv(tmp_path / "landing" / "members-late.csv")
    assert run("nightly", "--workspace", tmp_path, "--as-of", NIGHT - timedelta(days=1)).code == 0
    replayed = run("quarantine", "replay", "--workspace", tmp_path)
    assert replayed.code == 0, replayed.err
    assert f"{waiting.height:,} rows re-admitted, 0 still break a rule" in replayed.out
    assert lake.scan("orders").filter(pl.col("member_id") == "c001").collect().height == waiting["order"].n_unique()
    assert run("quarantine", "list", "--workspace", tmp_path).out.strip() == "The quarantine is empty."


def test_a_repaired_line_joins_the_order_its_file_has_landed(run: Run, shop: Path, tmp_path: Path) -> None:
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    order = lines.group_by("order").len().filter(pl.col("len") > 1).sort("order")["order"][0]
    broken = lines.with_row_index().filter(pl.col("order") == order)["index"][0]
    whole = lines.filter(pl.col("order") == order).select((pl.col("quantity") * pl.col("price").cast(pl.Float64)).sum()).item()
    lines[broken, "price"] = "n/a"
    spoiled_rows(run, shop, lines)
    repair = shop / "repair.csv"
    assert run("quarantine", "list", "--workspace", shop, "--csv", repair).code == 0
    good = shop_lines()[broken].select(pl.col("quantity") * pl.col("price")).item()
    pl.read_csv(repair, infer_schema=False).with_columns(pl.lit(str(good)).alias("value.amount")).write_csv(repair)
    done = run("quarantine", "replay", "--workspace", shop, "--csv", repair)
    assert "1 rows re-admitted" in done.out, done.err
    landed = Lake(shop / "lake").scan("orders").filter(pl.col("order_id") == order).collect()
    assert landed["amount_minor"].to_list() == [round(whole * 100)]


def replay_repaired(run: Run, shop: Path, value: str, repaired: str) -> None:
    """Repair one column of everything in quarantine and let it in; the counts must still add up."""
    repair = shop / "repair.csv"
    assert run("quarantine", "list", "--workspace", shop, "--csv", repair).code == 0
    pl.read_csv(repair, infer_schema=False).with_columns(pl.lit(repaired).alias(f"value.{value}")).write_csv(repair)
    done = run("quarantine", "replay", "--workspace", shop, "--csv", repair)
    assert done.code == 0, done.err
    assert "1 rows re-admitted, 0 still" in done.out
    ledger = read_arrivals(Lake(shop / "lake"))
    counted = pl.sum_horizontal("left_out", "merged", "replaced", "quarantined", "landed")
    assert ledger.select((counted == pl.col("rows_read")).all()).item()
    assert ledger["quarantined"].sum() == 0


@pytest.mark.soak
def test_a_repaired_line_that_costs_nothing_still_counts(run: Run, shop: Path) -> None:
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    order = lines.group_by("order").len().filter(pl.col("len") > 1).sort("order")["order"][0]
    lines[lines.with_row_index().filter(pl.col("order") == order)["index"][0], "price"] = "free"
    spoiled_rows(run, shop, lines)
    before = Lake(shop / "lake").scan("orders").collect().sort("order_id")
    replay_repaired(run, shop, "amount", "0")
    after = Lake(shop / "lake").scan("orders").collect().sort("order_id")
    assert after.select("order_id", "amount_minor").equals(before.select("order_id", "amount_minor"))


@pytest.mark.soak
def test_a_repaired_row_that_looks_like_a_landed_one_is_another_row(run: Run, tmp_path: Path) -> None:
    write_shop(tmp_path, configuration=SHOP.replace('order_id = "order"\n', ""))
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    lines = pl.concat([lines, lines.head(1).with_columns(price=pl.lit("?"))])
    spoiled_rows(run, tmp_path, lines)
    first = lines.row(0, named=True)
    replay_repaired(run, tmp_path, "amount", str(first["quantity"] * float(first["price"])))
    landed = Lake(tmp_path / "lake").scan("orders").filter(pl.col("member_id") == first["customer"]).collect()
    minor = round(first["quantity"] * float(first["price"]) * 100)
    assert landed.filter(pl.col("ordered_at") == landed["ordered_at"].min())["amount_minor"].to_list().count(minor) == 2
    assert Lake(tmp_path / "lake").row_count("orders") == lines.height


@pytest.mark.soak
def test_a_repaired_row_does_not_replace_what_came_after_it(run: Run, tmp_path: Path) -> None:
    write_shop(tmp_path)
    lines = shop_lines().with_columns(pl.col("price").cast(pl.String))
    alone = lines.group_by("order").len().filter(pl.col("len") == 1).sort("order")["order"][0]
    place = lines.with_row_index().filter(pl.col("order") == alone)["index"][0]
    later = lines[place].with_columns(price=pl.lit("77.77"), quantity=pl.lit(1))
    lines[place, "price"] = "?"
    spoiled_rows(run, tmp_path, lines)
    later.write_csv(tmp_path / "landing" / "orders-later.csv")
    assert run("nightly", "--workspace", tmp_path, "--as-of", NIGHT).code == 0
    replay_repaired(run, tmp_path, "amount", "1")
    landed = Lake(tmp_path / "lake").scan("orders").filter(pl.col("order_id") == alone).collect()
    assert landed["amount_minor"].to_list() == [7777]


def test_a_file_that_comes_back_as_it_once_was_wins_again(run: Run, shop: Path) -> None:
    lines = shop_lines()
    order = lines["order"][0]
    dearer = lines.with_columns(price=pl.when(pl.col("order") == order).then(pl.col("price") * 2).otherwise("price"))
    for version in (lines, dearer, lines):
        version.write_csv(orders(shop))
        done = run("nightly", "--workspace", shop, "--as-of", NIGHT)
        assert done.code == 0, done.err
    minor = (lines.filter(pl.col("order") == order).select((pl.col("quantity") * pl.col("price")).sum() * 100)).item()
    landed = Lake(shop / "lake").scan("orders").filter(pl.col("order_id") == order).collect()
    assert landed["amount_minor"].to_list() == [round(minor)]
    assert read_arrivals(Lake(shop / "lake")).height == 3
