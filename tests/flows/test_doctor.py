"""The doctor says before the night what the night would stumble over, names what to do, and changes nothing."""

from __future__ import annotations

import http.server
import importlib
import os
import pickle
import shutil
import socket
import sqlite3
import tempfile
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from flows.doctor.examination import examine
from flows.doctor.findings import Diagnosis, exit_code, ok, problem, warning
from flows.doctor.machine import look_at_clock, look_at_disk, look_at_versions
from flows.doctor.nights import look_at_last_nights, look_for_gaps
from flows.doctor.security import is_pickle, others_may, review
from flows.doctor.sources import look_at_sources
from pipeline.erasure.file_search import files_below
from pipeline.past_runs import last_runs
from runtime.run_context import open_run
from runtime.settings import load_settings
from runtime.workspace import Workspace
from tests.communities import LAST_DAY, SHOP, shop_lines, write_shop
from tests.flows.test_upgrades import ARCHIVE, before
from tests.nights import Run

__all__ = ["ARCHIVE", "before"]


def about(findings: list[Diagnosis], name: str) -> Diagnosis:
    (found,) = [finding for finding in findings if finding.about == name]
    return found


@pytest.fixture(scope="module", autouse=True)
def whole_mlflow() -> None:
    """Load what MLflow would load late, and with a warning, in whichever test comes after these."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        importlib.import_module("mlflow.pyfunc")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A workspace that other users of the machine can reach; pytest's own folders are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="evenfall-doctor-"))
    folder.chmod(0o755)
    write_shop(folder, shop_lines().head(3))
    yield folder
    shutil.rmtree(folder)


def test_a_workspace_that_has_run_is_told_line_by_line_and_nothing_in_it_changes(run: Run, before: Path) -> None:
    (before / "landing" / "orders-3.csv").write_text("order,customer,at,quantity,price\no9,c001,2025-03-22 10:00:00,2,5.5\n")
    assert run("doctor", "--workspace", before).code == 0  # the store follows its workspace to the new place, once
    held = {path: path.read_bytes() for path in files_below(before)}
    done = run("doctor", "--workspace", before)
    assert done.code == 0, done.out
    assert {path: path.read_bytes() for path in files_below(before)} == held
    told = {line[8:22].strip(): line for line in done.out.splitlines() if line[:1] != " "}
    assert "evenfall.toml can be read: Shop of the release before; sources for orders" in told["configuration"]
    assert told["orders"].startswith("ok")
    assert "3 files" in told["orders"]
    assert "1 new" in told["orders"]
    assert "churn/1 scores; last trained on 2025-03-19, so it trains" in told["tonight"]
    assert "no log yet; the newest lists are of 2025-03-21" in told["last nights"]
    assert told["nights"].startswith("warning")
    assert done.out.splitlines()[-1].startswith("0 problems, ")


def test_a_configuration_that_cannot_be_read_is_told_and_the_machine_is_looked_at_all_the_same(run: Run, tmp_path: Path) -> None:
    done = run("doctor", "--workspace", tmp_path)
    assert done.code == 2
    assert "there is no evenfall.toml" in done.out
    assert "can be written" in done.out
    assert run("doctor", "--workspace", tmp_path / "nowhere").code == 2


def test_sources_are_tried_as_far_as_their_first_row_and_no_secret_is_shown(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(shop / "crm.db")) as crm:
        crm.execute("CREATE TABLE people (id TEXT, joined TEXT)")
        crm.execute("INSERT INTO people VALUES ('c001', '2025-01-01')")
        crm.commit()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("DATABASE_PASSWORD", "moon-and-stars")
    members = '[sources.members]\nuri = "sqlite:///crm.db"\nquery = "SELECT id AS member_id FROM {table} -- all;"\n'
    gone = f'[sources.feedback]\nuri = "postgresql://reader:${{DATABASE_PASSWORD}}@127.0.0.1:{port}/shop"\nquery = "SELECT 1"\n'
    (shop / "evenfall.toml").write_text(SHOP + members.format(table="people") + gone)
    findings = examine(shop)
    assert about(findings, "members").says == "the database answers, and its query gives rows; 1 tried, all fit"
    assert (about(findings, "feedback").level, about(findings, "feedback").exit_code) == ("problem", 4)
    assert exit_code(findings) == 4
    assert not [finding for finding in findings if "moon-and-stars" in finding.says + finding.remedy]
    (shop / "evenfall.toml").write_text(SHOP.replace("orders*.csv", "nothing*.csv") + members.format(table="persons"))
    findings = examine(shop)
    assert "no such table: persons" in about(findings, "members").says
    assert "matches no file" in about(findings, "orders").says
    assert exit_code(findings) == 2


@pytest.mark.parametrize(
    ("bad", "level", "code", "told"),
    [
        (0, "ok", 0, "10 tried, all fit"),
        (2, "ok", 0, "2 do not fit"),
        (3, "warning", 0, "3 do not fit"),
        (10, "problem", 3, "10 do not fit"),
    ],
)
def test_mappings_are_tried_on_a_sample_of_what_is_new(tmp_path: Path, bad: int, level: str, code: int, told: str) -> None:
    lines = shop_lines().head(10).with_row_index()
    lines = lines.with_columns(at=pl.when(pl.col("index") < bad).then(pl.lit("20250105.0")).otherwise("at")).drop("index")
    write_shop(tmp_path, lines)
    workspace, settings = Workspace(tmp_path), load_settings(tmp_path)
    (found,) = look_at_sources(workspace, settings)
    assert (found.level, found.exit_code) == (level, code)
    assert told in found.says
    assert not bad or f"ordered_at_is_a_time {bad}" in found.says
    assert "20250105" not in found.says


def test_an_expression_that_is_wrong_is_a_problem(tmp_path: Path) -> None:
    write_shop(tmp_path, shop_lines().head(3), configuration=SHOP.replace("* price", "* prize"))
    (found,) = look_at_sources(Workspace(tmp_path), load_settings(tmp_path))
    assert (found.level, found.exit_code) == ("problem", 2)
    assert "prize" in found.says


def test_a_run_that_goes_on_is_told_and_one_that_hangs_is_a_problem(shop: Path) -> None:
    workspace = Workspace(shop)
    assert about(examine(shop), "lock").level == "ok"
    with workspace.locked("nightly"):
        held = about(examine(shop), "lock")
        assert held.level == "warning"
        assert f"nightly, process {os.getpid()}" in held.says
        holder = workspace.state / "holder.json"
        holder.write_text(holder.read_text().replace(datetime.now(UTC).strftime("%Y-"), "2020-"))
        hangs = about(examine(shop), "lock")
        assert (hangs.level, hangs.exit_code) == ("problem", 5)
    assert about(examine(shop), "lock").level == "ok"


def test_the_last_runs_are_told_newest_first_with_what_stopped_them(shop: Path) -> None:
    for code in (0, 3):
        run = open_run(shop, LAST_DAY)
        run.log.begin(LAST_DAY, purpose="nightly")
        if code:
            run.log.tell("error", kind="DataError", says="orders: too many bad rows\nand more", remedy="")
        run.log.end(exit_code=code, seconds=12.0)
    assert [one.exit_code for one in last_runs(run.workspace)] == [3, 0]
    (found,) = look_at_last_nights(run.workspace)
    assert found.level == "warning"
    assert "12 s, exit 3: orders: too many bad rows" in found.says
    open_run(shop, LAST_DAY).log.begin(LAST_DAY, purpose="nightly")
    (found,) = look_at_last_nights(run.workspace)
    assert found.says.splitlines()[0].endswith("did not finish")
    assert found.level == "warning"


def test_a_clock_that_went_back_a_full_disk_and_an_older_library_are_seen(before: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, settings = Workspace(before), load_settings(before)
    (now,) = look_at_clock(workspace, settings, now=datetime.now(UTC))
    assert now.level == "ok"
    assert "the newest data is of 2025-03-21" in now.says
    (back,) = look_at_clock(workspace, settings, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert (back.level, back.exit_code) == ("problem", 2)
    usage = shutil.disk_usage(before)
    for free, level in ((usage.total, "ok"), (2**30, "warning"), (2**20, "problem")):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage._replace(free=free))
        assert [finding.level for finding in look_at_disk(workspace)] == [level]
    assert [finding.level for finding in look_at_versions()] == ["ok"]
    lock = before / "requirements.lock"
    lock.write_text("polars==0.1 \\\n    --hash=sha256:0\npolars==9.9 ; python_full_version < '3.0' \\\n")
    monkeypatch.setattr("flows.doctor.machine._LOCK", lock)
    (older,) = look_at_versions()
    assert older.level == "warning"
    assert "(pinned 0.1)" in older.says


def test_servers_that_are_set_must_answer(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_HTTP_REQUEST_TIMEOUT"):
        monkeypatch.setenv(name, "1")

    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://user:moon-and-stars@127.0.0.1:{server.server_port}"
        plain = f"http://127.0.0.1:{server.server_port}"
        for given in (plain, plain + "/"):
            monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
            assert about(examine(shop), "mlflow").says.endswith("answers")
        server.shutdown()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    findings = examine(shop)
    assert (about(findings, "mlflow").level, about(findings, "mlflow").exit_code) == ("problem", 4)
    assert not [finding for finding in findings if "moon-and-stars" in finding.says + finding.remedy]


def test_the_exit_code_is_that_of_what_a_night_would_meet_first() -> None:
    assert exit_code([ok("a", ""), warning("b", "", "")]) == 0
    assert (
        exit_code([problem("a", "", "", exit_code=4), problem("b", "", "", exit_code=2), problem("c", "", "", exit_code=5)]) == 2
    )


def test_a_closed_workspace_passes_the_security_review(open_folder: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    open_folder.chmod(0o700)
    done = run("doctor", "--workspace", open_folder, "--security")
    assert done.code == 0, done.out
    assert [line.split()[0] for line in done.out.splitlines() if line[:1].strip()] == ["ok"] * 5 + ["0"]


def test_what_others_may_change_or_read_is_named(open_folder: Path) -> None:
    (open_folder / "lists").mkdir()
    (open_folder / "lists").chmod(0o755)
    (open_folder / ".evenfall").mkdir()
    key = open_folder / ".evenfall" / "erasure.key"
    key.write_text("k")
    key.chmod(0o640)
    config = open_folder / "evenfall.toml"
    config.chmod(0o666)
    told = [finding for finding in review(open_folder) if finding.about == "permissions"]
    assert [finding.level for finding in told] == ["problem", "problem", "warning"]
    assert "evenfall.toml" in told[0].says
    assert "erasure.key" in told[1].says
    assert "lists" in told[2].says
    open_folder.chmod(0o700)
    assert not others_may(config, 0o002)
    key.chmod(0o600)
    assert [finding.level for finding in review(open_folder) if finding.about == "permissions"] == ["ok"]


@pytest.mark.parametrize(
    ("line", "is_secret"),
    [
        ('webhook = "https://chat.example/hooks/T0A1B2C3D4E5F6G7H8I9J0K1"', True),
        ('webhook = "https://chat.example/hooks/${CHAT_TOKEN}"', False),
        ('webhook = "https://chat.example/send?token=abc"', True),
        ('webhook = "https://chat.example/community-announcements"', False),
        ('smtp = "smtp://evenfall:moon-and-stars@mail.example:587"', True),
        ('smtp = "smtp://evenfall:${MAIL_PASSWORD}@mail.example:587"', False),
    ],
)
def test_a_secret_written_in_the_configuration_is_found_and_not_repeated(line: str, is_secret: bool, tmp_path: Path) -> None:
    mail = '\nmail_from = "a@shop.example"\nmail_to = ["b@shop.example"]' if line.startswith("smtp") else ""
    write_shop(tmp_path, shop_lines().head(1), configuration=f"{SHOP}\n[alerts]\n{line}{mail}\n")
    load_settings(tmp_path)
    (found,) = [finding for finding in review(tmp_path) if finding.about == "secrets"]
    assert (found.level == "problem") is is_secret
    assert not [secret for secret in ("moon-and-stars", "T0A1", "=abc") if secret in found.says + found.remedy]


def test_pickles_are_known_by_name_or_content_and_never_opened(tmp_path: Path) -> None:
    write_shop(tmp_path, shop_lines().head(1))

    class Boom:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "ran",)

    (tmp_path / "mlartifacts").mkdir()
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "mlartifacts" / f"weights-{protocol}").write_bytes(pickle.dumps(Boom(), protocol))
    (tmp_path / "notes.pkl").write_bytes(b"")
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "landing" / "a.parquet")
    told = [finding for finding in review(tmp_path) if finding.about == "pickles"]
    assert [finding.level for finding in told] == ["problem", "warning"]
    assert "weights-2" in told[0].says
    assert "notes.pkl" in told[1].says
    assert not is_pickle(tmp_path / "landing" / "a.parquet")
    assert not (tmp_path / "ran").exists()


def test_links_out_of_the_workspace_are_found_without_following_them(tmp_path: Path) -> None:
    inside, outside = tmp_path / "shop", tmp_path / "outside"
    write_shop(inside, shop_lines().head(1))
    outside.mkdir()
    (outside / "loop").symlink_to(inside)
    (inside / "landing" / "more").symlink_to(outside)
    (inside / "landing" / "here.csv").symlink_to(inside / "landing" / "orders.csv")
    assert [(f.level, f.says.split(":")[0]) for f in review(inside) if f.about == "links"] == [("warning", "landing/more")]
    (inside / "lists").symlink_to(outside)
    assert [finding.level for finding in review(inside) if finding.about == "links"] == ["problem", "warning"]


@pytest.mark.parametrize(
    ("name", "value", "level"),
    [
        ("MLFLOW_TRACKING_URI", "http://mlflow.example:5000", "problem"),
        ("MLFLOW_TRACKING_URI", "https://mlflow.example", "ok"),
        ("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000", "ok"),
        ("MLFLOW_TRACKING_URI", "postgresql://me:moon-and-stars@127.0.0.1/x", "warning"),
        ("PREFECT_API_URL", "http://prefect.example:4200/api", "problem"),
        ("PREFECT_SERVER_API_HOST", "0.0.0.0", "problem"),
        ("MLFLOW_HOST", "127.0.0.1", "ok"),
    ],
)
def test_servers_without_encryption_or_open_to_the_network_are_named(
    name: str, value: str, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other in ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "PREFECT_SERVER_API_HOST"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(name, value)
    write_shop(tmp_path, shop_lines().head(1))
    (found,) = [finding for finding in review(tmp_path) if finding.about == "servers"]
    assert found.level == level
    assert "moon-and-stars" not in found.says + found.remedy


def test_nights_without_lists_before_the_one_that_is_due_are_told(shop: Path) -> None:
    due = open_run(shop, None)
    assert list(look_for_gaps(due)) == []
    for days_ago, missing in ((0, None), (1, None), (3, "2 nights")):
        folder = shop / "lists" / str(due.as_of - timedelta(days=days_ago))
        folder.mkdir(parents=True)
        (folder / "receipt.json").touch()
        told = [finding.says for finding in look_for_gaps(due)]
        assert told == [] if missing is None else missing in told[0]
        shutil.rmtree(folder)
