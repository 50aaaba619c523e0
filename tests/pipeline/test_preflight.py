"""Ask first, start later: what is wrong is told before anything heavy is read, and nothing right is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.errors import ConfigurationError, DataError
from pipeline.preflight import preflight, refuse_empty
from runtime.run_context import open_run
from tests.communities import LAST_DAY, SHOP, shop_lines, write_shop
from tests.flows.test_upgrades import ARCHIVE, before
from tests.lake.sources.test_discovery import nobody

__all__ = ["ARCHIVE", "before"]

HEAVY = ("prefect", "mlflow", "great_expectations", "lightgbm", "sklearn", "scipy", "pandas", "altair")
_RUN = """
import json, sys
from flows.cli import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as ended:
        heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
        print(json.dumps([arguments[0], ended.code, heavy]), flush=True)
"""


def asked(*commands: list[str]) -> list[tuple[str, int, list[str]]]:
    """Run commands in one fresh process; for each its name, its exit code and which heavy packages are loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", _RUN, json.dumps(commands), json.dumps(HEAVY)], capture_output=True, text=True, check=True
    )
    return [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]


def test_what_is_wrong_is_told_before_anything_heavy_is_read(tmp_path: Path) -> None:
    wrong_path, wrong_column, unknown_column = (tmp_path / name for name in ("path", "column", "unknown"))
    write_shop(wrong_path, shop_lines().head(3), configuration=SHOP.replace("orders*.csv", "nothing*.csv"))
    write_shop(wrong_column, shop_lines().head(3), configuration=SHOP.replace("* price", "* prize"))
    write_shop(unknown_column, shop_lines().head(3), configuration=SHOP.replace("order_id =", "order_number ="))
    folders = [str(folder) for folder in (wrong_path, wrong_column, unknown_column)]
    commands = [["nightly", "--workspace", folder] for folder in folders]
    commands += [["preview", "--workspace", folder] for folder in folders]
    commands += [["backfill", "--workspace", folders[0], "--from", "2025-03-01", "--to", "2025-03-02"]]
    commands += [["backfill", "--workspace", folders[1], "--from", "2025-03-02", "--to", "2025-03-01"]]
    commands += [[name, "--workspace", folders[2]] for name in ("train", "backtest", "verify")]
    commands += [["explain", "somebody", "--workspace", folders[2]], ["quarantine", "list", "--workspace", folders[2]]]
    assert asked(*commands) == [(command[0], 2, []) for command in commands]
    commands = [["train", "--workspace", folders[1]], ["backtest", "--workspace", folders[1]]]
    assert asked(*commands, ["preview", "--workspace", str(tmp_path)]) == [
        ("train", 3, []), ("backtest", 3, []), ("preview", 2, []),
    ]  # fmt: skip
    # Whoever looks for the night finds it in the log.
    logs = [file.read_text() for file in (wrong_path / "logs").glob("*.jsonl")]
    assert len(logs) == 2
    assert all("matches no file" in log for log in logs)
    assert not (wrong_path / "lake").exists()


def test_an_unreadable_file_and_a_closed_workspace_are_told(shop: Path) -> None:
    for path in (shop, shop / "landing" / "orders.csv"):
        kept = path.stat().st_mode
        path.chmod(0o400)
        try:
            with nobody(), pytest.raises(ConfigurationError, match="cannot be"):
                preflight(open_run(shop, LAST_DAY), writes=True, sources=True)
        finally:
            path.chmod(kept)


def test_what_was_taken_in_before_is_not_asked_again_and_what_is_new_is(before: Path) -> None:
    write = (before / "evenfall.toml").write_text
    configured = (before / "evenfall.toml").read_text()
    assert "* price" in configured
    write(configured.replace("* price", "* prize"))
    run = open_run(before, None)
    preflight(run, sources=True)
    (before / "landing" / "orders-3.csv").write_text("order,customer,at,quantity,price\no9,c001,2025-03-22 10:00:00,2,5.5\n")
    with pytest.raises(ConfigurationError, match="prize"):
        preflight(run, sources=True)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_a_column_that_only_the_whole_file_can_judge_is_left_to_the_night(tmp_path: Path, suffix: str) -> None:
    """Text where numbers are expected, for more rows than are looked at; and a JSON key that comes late."""
    lines = pl.DataFrame({"order": [str(n) for n in range(9_000)], "customer": "c1", "at": "2025-01-01", "price": "n/a"})
    write_shop(tmp_path, configuration=SHOP.replace("orders*.csv", f"big.{suffix}").replace("quantity * price", "price * 2"))
    write = {"csv": lines.write_csv, "jsonl": lines.write_ndjson, "parquet": lines.write_parquet}[suffix]
    write(tmp_path / "landing" / f"big.{suffix}")
    preflight(open_run(tmp_path, LAST_DAY), sources=True)
    toml = (tmp_path / "evenfall.toml").read_text()
    (tmp_path / "evenfall.toml").write_text(toml.replace("price * 2", "late * 2"))
    if suffix == "jsonl":
        preflight(open_run(tmp_path, LAST_DAY), sources=True)
    else:
        with pytest.raises(ConfigurationError, match="late"):
            preflight(open_run(tmp_path, LAST_DAY), sources=True)


def test_a_database_is_asked_for_its_address_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = '\n[sources.members]\nuri = "{}"\nquery = "SELECT 1"\n'
    monkeypatch.delenv("DATABASE_PASSWORD", raising=False)
    write_shop(tmp_path, shop_lines().head(3))
    for uri, told in (
        ("mysql://reader@db.example/shop", "not the address"),
        ("postgresql://r:${DATABASE_PASSWORD}@db.example/x", "DATABASE_PASSWORD is not set"),
    ):
        (tmp_path / "evenfall.toml").write_text(SHOP + source.format(uri))
        with pytest.raises(ConfigurationError, match=told):
            preflight(open_run(tmp_path, LAST_DAY), sources=True)
    (tmp_path / "evenfall.toml").write_text(SHOP + source.format("postgresql://reader@db.example/x"))
    preflight(open_run(tmp_path, LAST_DAY), sources=True)
    with pytest.raises(DataError, match="the lake is empty"):
        refuse_empty(open_run(tmp_path, LAST_DAY, now=datetime.now(UTC)).workspace.lake)
