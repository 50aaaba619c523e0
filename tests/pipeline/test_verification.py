"""A past night is computed again from the tables and models of its time; whatever happens later, it matches or says why not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.storage.delta import Lake
from outputs.publishing.database import publish_members
from pipeline.erasure.file_search import files_below, search
from pipeline.erasure.id_matcher import IdMatcher
from pipeline.retention import vacuum_tables
from pipeline.verification.verify import verify
from runtime.run_context import open_run
from tests.communities import SHOP, shop_lines
from tests.nights import NIGHT, FirstNight, Run, succeed

NEXT = NIGHT + timedelta(days=3)
LATE = NIGHT - timedelta(days=9)


@pytest.fixture(scope="module")
def made(first_night: FirstNight, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop with a night, after which late rows of earlier days arrive, and a later night on them."""
    folder = shutil.copytree(first_night.shop, tmp_path_factory.mktemp("made") / "shop")
    late = shop_lines().filter(pl.col("at").str.slice(0, 10) == LATE.isoformat())
    late.with_columns(pl.format("late{}", "order").alias("order")).write_csv(folder / "landing" / "orders-late.csv")
    succeed("nightly", "--workspace", folder, "--as-of", NEXT)
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """A copy of it, with MLflow's artifacts where they were made."""
    shutil.copytree(made, tmp_path / "shop")
    return tmp_path / "shop"


def test_an_untouched_night_matches_after_later_nights_and_late_rows(run: Run, shop: Path) -> None:
    before = {path: path.read_bytes() for path in files_below(shop / "lake")} | {
        path: path.read_bytes() for path in files_below(shop / "lists")
    }
    for night in (NIGHT, NEXT):
        done = run("verify", "--workspace", shop, "--as-of", night)
        assert done.code == 0, done.out
        assert done.out == f"{night} matches: 8 lists, byte for byte.\n"
    after = {path: path.read_bytes() for path in files_below(shop / "lake")} | {
        path: path.read_bytes() for path in files_below(shop / "lists")
    }
    assert after == before
    # The late rows are why: with today's tables the night comes out otherwise.
    receipt = shop / "lists" / NIGHT.isoformat() / "receipt.json"
    newest = json.loads((shop / "lists" / NEXT.isoformat() / "receipt.json").read_text())["tables"]
    receipt.write_text(json.dumps(json.loads(receipt.read_text()) | {"tables": newest}))
    assert verify(shop, NIGHT.isoformat()).answer == "differs"


def test_a_list_that_was_tampered_with_differs_and_is_told_by_column_and_rows(run: Run, shop: Path) -> None:
    path = shop / "lists" / NIGHT.isoformat() / "members.csv"
    members = pl.read_csv(path, infer_schema=False)
    changed = pl.when(pl.col("member_id").is_in(["c001", "c004"])).then(pl.lit("diamond+")).otherwise("tier").alias("tier")
    members.with_columns(changed).write_csv(path)
    done = run("verify", "--workspace", shop, "--as-of", NIGHT)
    assert done.code == 3
    assert "members.csv: tier in 2 rows" in done.out
    assert "c001" not in done.out
    assert "parquet" not in done.out


@pytest.mark.soak
def test_past_its_keeping_time_a_night_cannot_be_verified(run: Run, shop: Path) -> None:
    soon = open_run(shop, NIGHT, now=datetime.now(UTC) + timedelta(days=29))
    assert vacuum_tables(soon).files == 0
    assert verify(shop, NIGHT.isoformat()).answer == "matches"
    later = open_run(shop, NIGHT, now=datetime.now(UTC) + timedelta(days=31))
    assert vacuum_tables(later).files > 0
    done = run("verify", "--workspace", shop, "--as-of", NIGHT)
    assert done.code == 3
    assert "past its keeping time of 30 days" in done.out
    assert verify(shop, NEXT.isoformat()).answer == "matches"


def test_a_changed_configuration_or_model_is_named(shop: Path) -> None:
    (shop / "evenfall.toml").write_text(SHOP + "\n[risk]\nmedium_from = 0.01\nhigh_from = 0.02\n")
    verdict = verify(shop, NIGHT.isoformat())
    assert verdict.answer == "cannot be verified"
    assert "the configuration has changed" in verdict.lines[0]
    # A change that makes no difference is no reason to doubt.
    (shop / "evenfall.toml").write_text(SHOP + "\n[validation]\nfuture_tolerance_minutes = 61\n\n[lists]\nbom = false\n")
    assert verify(shop, NIGHT.isoformat()).answer == "matches"
    receipt = shop / "lists" / NIGHT.isoformat() / "receipt.json"
    facts = json.loads(receipt.read_text())
    receipt.write_text(json.dumps(facts | {"model_files": dict.fromkeys(facts["model_files"], "0")}))
    assert verify(shop, NIGHT.isoformat()).answer == "cannot be verified"


def test_a_night_without_lists_is_asked_for_in_vain(run: Run, shop: Path) -> None:
    assert run("verify", "--workspace", shop, "--as-of", LATE).code == 2


def test_after_an_erasure_no_earlier_night_can_be_verified_and_the_nights_go_on_without_the_member(run: Run, shop: Path) -> None:
    database = shop / "published.db"
    (shop / "evenfall.toml").write_text(SHOP + f'\n[lists]\npublish_uri = "sqlite:///{database}"\n')
    members = pl.read_parquet(shop / "lists" / str(NEXT) / "members.parquet")
    publish_members(f"sqlite:///{database}", table="evenfall_members", members=members, as_of=NEXT)
    done = run("erase", "c001", "--yes", "--workspace", shop)
    assert done.code == 0, done.err
    assert "nothing is left" in done.out
    told = run("verify", "--workspace", shop, "--as-of", NIGHT)
    assert told.code == 3
    assert told.out.strip().endswith("a member was erased since.")
    lines = shop_lines().with_columns(price=pl.col("price") * 2)
    for path in (shop / "landing").iterdir():
        path.unlink()
    lines.write_csv(shop / "landing" / "orders.csv")
    done = run("nightly", "--workspace", shop, "--as-of", NEXT)
    assert done.code == 0, done.err
    erased_lines = lines.filter(pl.col("customer") == "c001").height
    newest = read_arrivals(Lake(shop / "lake")).row(-1, named=True)
    assert (newest["rows_read"], newest["left_out"]) == (lines.height, erased_lines)
    listed = pl.read_parquet(shop / "lists" / str(NEXT) / "members.parquet")["member_id"]
    assert sorted(listed) == sorted(set(lines["customer"]) - {"c001"})
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM evenfall_members WHERE member_id = 'c001'").fetchone() == (0,)
    connection.close()
    own = [path for path in files_below(shop) if "landing" not in path.parts]
    assert search(own, IdMatcher("c001")).holding == ()
    assert run("verify", "--workspace", shop, "--as-of", NEXT).code == 0
