"""Whole nights on a small shop: what they write, that they repeat themselves, and that they cannot see the future."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.storage.delta import Lake
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, MEMBERS_SCHEMA, RANGES_SCHEMA
from runtime.file_access import OWN_FOLDERS
from runtime.run_log import RunLog
from tests.communities import LAST_DAY, SHOP, shop_lines, until, write_shop
from tests.nights import NIGHT, FirstNight, Run, succeed


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def partitions(workspace: Path) -> dict[str, set[str]]:
    """Table → the data files that its newest version is made of."""
    lake = Lake(workspace / "lake")
    tables = lake.tables
    return {table: set(lake._snapshot(table).delta_table.file_uris()) for table in tables}


def test_a_night_writes_everything_the_workspace_promises(first_night: FirstNight) -> None:
    shop, done = first_night.shop, first_night.done
    night = shop / "lists" / NIGHT.isoformat()
    assert set(files(night)) == {
        "members.parquet", "members.csv", "members.xlsx", "contact_list.csv", "contact_list.xlsx", "changes.csv",
        "ready_to_rise.csv", "ready_to_rise.xlsx",
        "receipt.json",
    }  # fmt: skip
    members = pl.read_parquet(night / "members.parquet")
    assert list(members.schema.items()) == [*MEMBERS_SCHEMA.items(), *RANGES_SCHEMA.items()]
    assert sorted(members["member_id"]) == sorted(until(shop_lines(), NIGHT)["customer"].unique())
    assert members["churn_probability"].is_null().to_list() == (~members["is_eligible"]).to_list()
    assert pl.read_csv(night / "contact_list.csv").columns == list(CONTACT_SCHEMA)
    assert (night / "changes.csv").read_text("utf-8-sig") == ",".join(CHANGES_SCHEMA) + "\n"
    assert (shop / "reports" / f"{NIGHT}.html").exists()
    assert (shop / "mlflow.db").exists()
    lines = shop_lines()
    orders = lines["order"].n_unique()
    merged = lines.height - orders
    assert (
        f"{lines.height:,} rows read = 0 left out + {merged:,} merged + 0 replaced + 0 quarantined + {orders:,} landed"
        in done.out
    )
    for shown in ("lists/", "report", "ui --backend-store-uri"):
        assert shown in done.out


def test_nothing_a_night_writes_is_open_to_others(first_night: FirstNight) -> None:
    own = [
        path for name in (*OWN_FOLDERS, "mlflow.db") for path in (first_night.shop / name, *(first_night.shop / name).rglob("*"))
    ]
    open_to_others = [path for path in own if path.exists() and path.stat().st_mode & 0o077]
    # The file of the lock has the mode that its library gives it, in a folder that others cannot enter.
    assert [path.name for path in open_to_others] in ([], ["lock"])
    assert len(own) > 100


def test_the_lists_agree_with_the_export_added_up_by_hand(first_night: FirstNight) -> None:
    shop = first_night.shop
    lines = shop_lines().with_columns(minor=(pl.col("quantity") * pl.col("price") * 100).round().cast(pl.Int64))
    landed = Lake(shop / "lake").scan("orders").collect()
    assert landed["amount_minor"].sum() == lines["minor"].sum()
    assert landed["order_id"].n_unique() == landed.height == lines["order"].n_unique()


def test_the_same_night_twice_gives_the_same_bytes_and_touches_no_table_of_facts(run: Run, begun: Path) -> None:
    before, tables = files(begun / "lists" / NIGHT.isoformat()), partitions(begun)
    assert run("nightly", "--workspace", begun, "--as-of", NIGHT).code == 0
    assert files(begun / "lists" / NIGHT.isoformat()) == before
    assert partitions(begun) == tables


def more_orders(day: date, *, customers: int) -> pl.DataFrame:
    """One new order of one line for each of the first customers, on a day."""
    return pl.DataFrame(
        [(f"{day}-{one}", f"c{one:03}", f"{day} 12:00:00", 2, 4.5) for one in range(customers)],
        schema=shop_lines().columns,
        orient="row",
    )


def test_the_next_night_changes_only_the_new_days_partitions(run: Run, begun: Path) -> None:
    before, tomorrow = partitions(begun), NIGHT + timedelta(days=1)
    # The whole export comes again, longer by a day.
    write_shop(begun, pl.concat([shop_lines(), more_orders(tomorrow, customers=9)]))
    assert run("nightly", "--workspace", begun, "--as-of", tomorrow).code == 0
    after = partitions(begun)
    for table in ("orders", "daily", "scores", "tiers"):
        changed = before[table] ^ after[table]
        assert after[table] - before[table], table
        assert all(tomorrow.isoformat() in path for path in changed), f"{table}: an old file was rewritten"
    assert after["ties"] == before["ties"]


def test_a_late_file_changes_exactly_its_own_days(run: Run, begun: Path) -> None:
    before, late = partitions(begun), NIGHT - timedelta(days=7)
    more_orders(late, customers=30).write_csv(begun / "landing" / "orders-late.csv")
    assert run("nightly", "--workspace", begun, "--as-of", NIGHT).code == 0
    after = partitions(begun)
    for table in ("orders", "daily"):
        changed = before[table] ^ after[table]
        assert changed
        assert all(f"event_date={late}" in path for path in changed), table


@pytest.fixture(scope="module")
def promoted(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> FirstNight:
    """The shop with a model of its last day, promoted by hand."""
    shop = tmp_path_factory.mktemp("promoted") / "shop"
    shutil.copytree(first_night.shop, shop)
    return FirstNight(shop, succeed("train", "--workspace", shop, "--as-of", LAST_DAY, "--promote"))


def test_a_past_night_on_a_lake_that_knows_more_is_scored_by_the_models_of_its_time(
    run: Run, promoted: FirstNight, tmp_path: Path
) -> None:
    begun = shutil.copytree(promoted.shop, tmp_path / "shop")
    first = (begun / "lists" / NIGHT.isoformat() / "members.parquet").read_bytes()
    assert run("nightly", "--workspace", begun, "--as-of", LAST_DAY).code == 0
    later = pl.read_parquet(begun / "lists" / LAST_DAY.isoformat() / "members.parquet")
    assert later["churn_model"].unique().to_list() == ["churn/2 (starting)"]
    assert later["previous_tier"].null_count() < later.height
    assert run("nightly", "--workspace", begun, "--as-of", NIGHT).code == 0
    assert (begun / "lists" / NIGHT.isoformat() / "members.parquet").read_bytes() == first


def test_the_receipt_ties_the_lists_to_data_code_configuration_and_models(first_night: FirstNight) -> None:
    import hashlib

    shop = first_night.shop
    night = shop / "lists" / NIGHT.isoformat()
    receipt = json.loads((night / "receipt.json").read_text())
    assert set(receipt) >= {"as_of", "data", "code", "configuration", "models", "lists"}
    for name, digest in receipt["lists"].items():
        assert hashlib.sha256((night / name).read_bytes()).hexdigest() == digest
    seen = until(shop_lines(), NIGHT)
    assert receipt["data"]["orders"]["rows"] == seen["order"].n_unique()


def test_no_member_is_named_in_report_receipt_or_log(first_night: FirstNight) -> None:
    shop, done = first_night.shop, first_night.done
    night = shop / "lists" / NIGHT.isoformat()
    pages = [path.read_text() for path in (shop / "reports").iterdir()]
    for text in (*pages, (night / "receipt.json").read_text(), done.out, done.err):
        assert "c001" not in text
        assert "c059" not in text


def test_every_scored_member_has_reasons_and_nobody_else(first_night: FirstNight) -> None:
    shop = first_night.shop
    members = pl.read_parquet(shop / "lists" / NIGHT.isoformat() / "members.parquet")
    assert members["reasons"].is_null().to_list() == (~members["is_eligible"]).to_list()
    told = members.filter("is_eligible").explode("reasons").unnest("reasons").drop_nulls("text")
    assert told["text"].str.len_chars().min() > 10
    assert not told["text"].str.contains("c0").any()


def test_latest_means_the_last_full_day_in_the_data(run: Run, begun: Path) -> None:
    write_shop(begun, configuration=SHOP + '\n[run]\nas_of = "latest"\n[training]\nevery_days = 30\n')
    assert run("nightly", "--workspace", begun).code == 0
    nights = {path.name for path in (begun / "lists").iterdir() if path.is_dir()}
    assert nights == {str(NIGHT), str(LAST_DAY - timedelta(days=1))}


@pytest.fixture(scope="module")
def refused(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop after its night was run again: one customer had refused profiling, and the lists go to a database as well."""
    shop = tmp_path_factory.mktemp("refused") / "shop"
    shutil.copytree(first_night.shop, shop)
    people = shop_lines()["customer"].unique().sort()
    database = f'\n[lists]\npublish_uri = "sqlite:///{shop / "published.db"}"\npublish_table = "tonight"\n'
    write_shop(shop, configuration=SHOP + '\n[sources.members]\npath = "landing/members.csv"\n' + database)
    pl.DataFrame({"member_id": people, "can_profile": ["no" if person == "c005" else "yes" for person in people]}).write_csv(
        shop / "landing" / "members.csv"
    )
    succeed("nightly", "--workspace", shop, "--as-of", NIGHT)
    return shop


def test_members_who_may_not_be_profiled_are_listed_but_not_scored(first_night: FirstNight, refused: Path) -> None:
    before, night = (shop / "lists" / NIGHT.isoformat() for shop in (first_night.shop, refused))
    assert pl.read_parquet(before / "members.parquet").filter(pl.col("member_id") == "c005")["tier"].item() is not None
    listed = pl.read_parquet(night / "members.parquet").filter(pl.col("member_id") == "c005").row(0, named=True)
    assert listed.pop("as_of") == NIGHT
    assert listed.pop("member_id") == "c005"
    assert listed.pop("is_eligible") is False
    assert listed.pop("suppressed_because") == "no consent"
    assert set(map(str, listed.values())) == {"None"}
    assert "c005" not in (night / "contact_list.csv").read_text()


def test_a_backfill_runs_each_night_of_a_stretch(run: Run, begun: Path) -> None:
    done = run("backfill", "--workspace", begun, "--from", NIGHT + timedelta(days=1), "--to", NIGHT + timedelta(days=2))
    assert done.code == 0, done.err
    assert sorted(path.name for path in (begun / "lists").iterdir() if path.is_dir()) == [
        (NIGHT + timedelta(days=days)).isoformat() for days in range(3)
    ]


def test_a_challenger_waits_for_outcomes_the_champion_has_not_learnt_from(run: Run, begun: Path) -> None:
    done = run("nightly", "--workspace", begun, "--as-of", LAST_DAY)
    assert "churn/2 turned down: no outcome has matured yet" in done.err
    members = pl.read_parquet(begun / "lists" / str(LAST_DAY) / "members.parquet")
    assert members["churn_model"].unique().to_list() == ["churn/1 (with starting)"]


def test_people_can_promote_and_roll_back(run: Run, promoted: FirstNight, tmp_path: Path) -> None:
    assert "champion churn/2; promoted: by hand" in promoted.done.out, promoted.done.err
    begun = shutil.copytree(promoted.shop, tmp_path / "shop")
    # Another promotion that no night has used, and a night that was filled in later with it.
    assert run("train", "--workspace", begun, "--as-of", LAST_DAY - timedelta(days=1), "--promote").code == 0
    filled_in = NIGHT + timedelta(days=2)
    folder = shutil.copytree(begun / "lists" / str(NIGHT), begun / "lists" / str(filled_in))
    receipt = (folder / "receipt.json").read_text().replace("churn/1", "churn/3").replace("value/1", "value/3")
    (folder / "receipt.json").write_text(receipt)
    log = RunLog(begun / "logs")
    log.begin(filled_in, purpose="backfill")
    log.end(exit_code=0, seconds=1.0)
    back = run("train", "--workspace", begun, "--as-of", LAST_DAY, "--rollback")
    for purpose in ("churn", "value"):
        told = f"champion {purpose}/1; rolled back from {purpose}/2; last used by the night of {NIGHT}"
        assert told in back.out, back.err
    again = run("train", "--workspace", begun, "--as-of", LAST_DAY, "--rollback")
    assert again.code == 2
    assert "nothing to roll back to: churn/1 and value/1 scored every night up to" in again.err
    assert run("nightly", "--workspace", begun, "--as-of", LAST_DAY).code == 0
    members = pl.read_parquet(begun / "lists" / str(LAST_DAY) / "members.parquet")
    assert members["churn_model"].unique().to_list() == ["churn/1 (with starting)"]


def test_the_lists_can_go_to_a_database_too(refused: Path) -> None:
    with closing(sqlite3.connect(refused / "published.db")) as connection:
        published = dict(connection.execute("SELECT member_id, churn_probability FROM tonight").fetchall())
    members = pl.read_parquet(refused / "lists" / NIGHT.isoformat() / "members.parquet")
    assert published == dict(members.select("member_id", "churn_probability").iter_rows())


def test_a_date_is_needed_where_a_date_is_asked(run: Run, shop: Path) -> None:
    for wrong in ("tomorrow", "2025-02-30", str(date.max)):
        done = run("nightly", "--workspace", shop, "--as-of", wrong)
        assert done.code == 2, done.err
        assert "→" in done.err
