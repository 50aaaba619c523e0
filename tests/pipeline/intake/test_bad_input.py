"""Ten bad inputs: each ends with the exit code of whose fault it is, and a message a person can act on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.quarantine import OPEN, read_quarantine
from lake.storage.delta import Lake
from tests.communities import LAST_DAY, SHOP, shop_lines, write_shop
from tests.nights import NIGHT as FIRST
from tests.nights import FirstNight, Run, succeed

NIGHT = LAST_DAY
SECOND = FIRST + timedelta(days=1)


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
    (empty_file, 3, ["orders has a source, but no row of it has ever landed"]),
    (no_rows, 3, ["orders has a source, but no row of it has ever landed"]),
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
    if "-validation.html" in told:
        page = (shop / "reports" / f"{NIGHT}-validation.html").read_text()
        assert "stopped" in page
        assert "never" in page or "ordered_at_is_a_time" not in told, "the bad rows are not shown"
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


@dataclass(frozen=True)
class Spoiled:
    """A shop whose second export brings one fault of each kind, after a night on it.

    Args:
        shop: The workspace; nobody changes it.
        lines: The second export's lines.
        cut: An order of which one line is bad.
        stranger: Customer of the second export who is not among the members.
    """

    shop: Path
    lines: pl.DataFrame
    cut: str
    stranger: str


@pytest.fixture(scope="module")
def spoiled(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Spoiled:
    shop = shutil.copytree(first_night.shop, tmp_path_factory.mktemp("spoiled") / "shop")
    (shop / "evenfall.toml").write_text(SHOP + '\n[sources.members]\npath = "landing/members*.csv"\n')
    people = shop_lines()["customer"].unique().sort().to_list()
    pl.DataFrame({"member_id": [*people, people[0]], "region": ["north"] * len(people) + ["south"]}).write_csv(
        shop / "landing" / "members.csv"
    )
    lines = shop_lines().head(90).with_columns(pl.col("price").cast(pl.String), pl.format("x{}", "order").alias("order"))
    of_several = lines.group_by("order").len().filter(pl.col("len") > 1).sort("order")["order"]
    cut, of_stranger = of_several[-1], of_several[-2]
    lines = lines.with_columns(customer=pl.when(pl.col("order") == of_stranger).then(pl.lit("c900")).otherwise("customer"))
    lines[0, "at"] = "2025-02-30 10:00:00"
    lines[1, "at"] = "2999-01-01 10:00:00"
    lines[4, "price"] = "twelve"
    lines[lines.with_row_index().filter(pl.col("order") == cut)["index"][0], "price"] = "n/a"
    lines.write_csv(shop / "landing" / "orders-spoiled.csv")
    succeed("nightly", "--workspace", shop, "--as-of", SECOND)
    return Spoiled(shop, lines, cut, "c900")


@pytest.fixture
def copy(spoiled: Spoiled, tmp_path: Path) -> Path:
    return shutil.copytree(spoiled.shop, tmp_path / "shop")


def test_each_fault_quarantines_its_own_row_by_name_and_every_row_is_counted(spoiled: Spoiled) -> None:
    lake = Lake(spoiled.shop / "lake")
    bad = read_quarantine(lake)
    by_row = dict(bad.filter(pl.col("table") == "orders").select(pl.col("row_no"), pl.col("rules").list.join(",")).iter_rows())
    numbered = spoiled.lines.with_row_index("row_no", offset=1)
    strangers = numbered.filter(pl.col("customer") == spoiled.stranger)["row_no"].to_list()
    (cut,) = numbered.filter(pl.col("price") == "n/a")["row_no"]
    assert by_row == {
        1: "ordered_at_is_a_time", 2: "ordered_at_not_in_future", 5: "amount_is_a_number", cut: "amount_is_a_number",
    } | dict.fromkeys(strangers, "member_id_known")  # fmt: skip
    assert "twelve" in bad.filter(pl.col("row_no") == 5)["values"][0]
    ledger = read_arrivals(lake)
    counted = pl.sum_horizontal("left_out", "merged", "replaced", "quarantined", "landed")
    assert ledger.select((counted == pl.col("rows_read")).all()).item()
    assert ledger.filter(pl.col("table") == "orders")["rows_read"].to_list() == [shop_lines().height, spoiled.lines.height]
    assert ledger["quarantined"].sum() == bad.height == len(by_row) + 1


def test_a_key_twice_in_one_file_keeps_the_first_and_quarantines_the_other(spoiled: Spoiled) -> None:
    lake = Lake(spoiled.shop / "lake")
    assert read_quarantine(lake).filter(pl.col("table") == "members")["rules"].to_list() == [["member_id_unique"]]
    first = shop_lines()["customer"].min()
    assert lake.scan("members").filter(pl.col("member_id") == first).collect()["region"].to_list() == ["north"]


def test_a_broken_reference_waits_in_quarantine_until_what_it_refers_to_arrives(run: Run, spoiled: Spoiled, copy: Path) -> None:
    lake = Lake(copy / "lake")
    waiting = spoiled.lines.filter(pl.col("customer") == spoiled.stranger)
    others = read_quarantine(lake).height - waiting.height
    listed = run("quarantine", "list", "--workspace", copy)
    assert "member_id_known" in listed.out
    pl.DataFrame({"member_id": [spoiled.stranger]}).write_csv(copy / "landing" / "members-late.csv")
    assert run("nightly", "--workspace", copy, "--as-of", SECOND).code == 0
    assert spoiled.stranger not in lake.scan("orders").collect()["member_id"].to_list()
    replayed = run("quarantine", "replay", "--workspace", copy)
    assert f"{waiting.height:,} rows re-admitted, {others} still break a rule" in replayed.out, replayed.err
    landed = lake.scan("orders").filter(pl.col("member_id") == spoiled.stranger).collect()
    assert landed.height == waiting["order"].n_unique()
    assert read_quarantine(lake).filter(pl.col("status") == OPEN).height == others
    # The second row of a key still is one, although the first is not judged beside it.
    twice = shop_lines()["customer"].min()
    assert lake.scan("members").filter(pl.col("member_id") == twice).collect()["region"].to_list() == ["north"]


def test_an_empty_quarantine_says_so(run: Run, begun: Path) -> None:
    assert run("quarantine", "list", "--workspace", begun).out.strip() == "The quarantine is empty."


def test_a_repaired_line_joins_the_order_its_file_has_landed(run: Run, spoiled: Spoiled, copy: Path) -> None:
    one = run("quarantine", "list", "--workspace", copy, "--csv", copy / "repair.csv")
    assert (one.code, "rows of 2 tables wait (members, orders)" in one.err) == (2, True), one.err
    folder, repair = copy / "repair", copy / "repair" / "orders.csv"
    assert run("quarantine", "list", "--workspace", copy, "--csv", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["members.csv", "orders.csv"]
    good = shop_lines().with_columns(amount=pl.col("quantity") * pl.col("price"), order=pl.format("x{}", "order")).head(90)
    (storage,) = spoiled.lines.with_row_index().filter(pl.col("price") == "n/a")["index"]
    listed = pl.read_csv(repair, infer_schema=False).filter(pl.col("row_no") == str(storage + 1))
    # As a German Excel saves it.
    listed.with_columns(pl.lit(str(good["amount"][storage])).alias("value.amount")).write_csv(repair, separator=";")
    before = Lake(copy / "lake").scan("orders").filter(pl.col("order_id") == spoiled.cut).collect()["amount_minor"].to_list()
    done = run("quarantine", "replay", "--workspace", copy, "--csv", repair)
    assert "1 rows re-admitted" in done.out, done.err
    landed = Lake(copy / "lake").scan("orders").filter(pl.col("order_id") == spoiled.cut).collect()
    whole = good.filter(pl.col("order") == spoiled.cut)["amount"].sum()
    assert landed["amount_minor"].to_list() == [round(whole * 100)] != before


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
    storage = lines.with_row_index().filter(pl.col("order") == alone)["index"][0]
    later = lines[storage].with_columns(price=pl.lit("77.77"), quantity=pl.lit(1))
    lines[storage, "price"] = "?"
    spoiled_rows(run, tmp_path, lines)
    later.write_csv(tmp_path / "landing" / "orders-later.csv")
    assert run("nightly", "--workspace", tmp_path, "--as-of", NIGHT).code == 0
    replay_repaired(run, tmp_path, "amount", "1")
    landed = Lake(tmp_path / "lake").scan("orders").filter(pl.col("order_id") == alone).collect()
    assert landed["amount_minor"].to_list() == [7777]


def test_a_file_that_comes_back_as_it_once_was_wins_again(run: Run, begun: Path) -> None:
    shop, lines = begun, shop_lines()
    order = lines["order"][0]
    dearer = lines.with_columns(price=pl.when(pl.col("order") == order).then(pl.col("price") * 2).otherwise("price"))
    for version in (dearer, lines):
        version.write_csv(orders(shop))
        done = run("nightly", "--workspace", shop, "--as-of", SECOND)
        assert done.code == 0, done.err
    minor = (lines.filter(pl.col("order") == order).select((pl.col("quantity") * pl.col("price")).sum() * 100)).item()
    landed = Lake(shop / "lake").scan("orders").filter(pl.col("order_id") == order).collect()
    assert landed["amount_minor"].to_list() == [round(minor)]
    assert read_arrivals(Lake(shop / "lake")).height == 3
