"""Nobody in: planted pickles do not run, hostile names stay text, secrets stay secret, paths stay where they are."""

from __future__ import annotations

import os
import pickle
import re
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest

from lake.contracts import ORDERS
from lake.errors import ConfigurationError, EvenfallError
from lake.sources.discovery import discover
from lake.sources.source_settings import SourceSettings
from runtime.run_context import ROOMS
from runtime.settings import load_settings
from runtime.tracking.serving import read_bundle
from tests.chaos.crowd import NIGHT, write_crowd
from tests.chaos.driver import Driver
from tests.paths import ROOT

EVIL = (
    '=HYPERLINK("http://evil","click")',
    "@SUM(A1)", "+1+1", "-2+3", "\t=1", "<script>alert(1)</script>", '"><img src=x onerror=alert(2)>',
    "'; DROP TABLE orders; --", "{{ 7*7 }}", "../../../etc/passwd", "%00.csv", "\u202etxt.exe", "＝1+1",
)  # fmt: skip


class Boom:
    """What runs when somebody unpickles it."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.proof}'",)


def plant(path: Path, proof: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(Boom(proof)))


def test_the_planted_pickle_would_run_if_it_were_loaded(tmp_path: Path) -> None:
    plant(tmp_path / "x.pkl", tmp_path / "proof")
    pickle.loads((tmp_path / "x.pkl").read_bytes())
    assert (tmp_path / "proof").exists()


def test_a_night_among_hostile_names_and_pickles_keeps_them_text(driver: Driver, tmp_path: Path) -> None:
    workspace, proof = tmp_path / "workspace", tmp_path / "proof"
    write_crowd(workspace)
    _make_hostile(workspace)
    ended = driver.night(workspace, NIGHT)
    assert ended.code == 0, ended.said
    night = workspace / "lists" / str(NIGHT)
    listed = pl.read_parquet(night / "members.parquet")["member_id"].to_list()
    # What stands around an id and is not seen is taken away; the sign that turns text around does not reach a list.
    assert set(EVIL) - {"\t=1", "\u202etxt.exe"} | {"txt.exe"} <= set(listed)
    _check_spreadsheets(night)
    for page in (workspace / "reports").iterdir():
        html = page.read_text()
        assert not re.search(r"<script|<img", html)
        assert "{{ 7*7 }}x" in html
        assert "49x" not in html
    for folder in ("", ".evenfall", "lake", "lists", "landing", "mlartifacts"):
        plant(workspace / folder / "model.pkl", proof)
    for model in (workspace / "mlartifacts").rglob("MLmodel"):
        plant(model.parent / "python_model.pkl", proof)
        plant(model.parent / "model.pkl", proof)
    assert driver.night(workspace, NIGHT).code == 0
    for model in (workspace / "mlartifacts").rglob("MLmodel"):
        plant(model.parent / "data" / "bundle" / "model.pkl", proof)
    ended = driver.night(workspace, NIGHT)
    assert ended.code == 2
    assert "a file in it is not text" in ended.said
    assert not proof.exists()


def _make_hostile(workspace: Path) -> None:
    """Every text that people write or systems name becomes one of the evil ones."""
    landing = workspace / "landing"
    text = (workspace / "evenfall.toml").read_text()
    text = text.replace('name = "Small crowd"', "name = '<script>alert(0)</script>{{ 7*7 }}x'")
    (workspace / "evenfall.toml").write_text(text + 'kind = "kind"\n')
    people = pl.read_csv(landing / "members.csv")["customer"].to_list()
    evil = dict(zip(people, EVIL, strict=False))
    swap = pl.col("customer").replace(evil)
    pl.read_csv(landing / "members.csv").with_columns(swap, region=swap).write_csv(landing / "members.csv")
    orders = pl.read_csv(landing / "orders.csv", infer_schema=False)
    orders.with_columns(swap, kind=pl.lit(EVIL[5])).write_csv(landing / "orders.csv")
    events = pl.read_ndjson(landing / "events.jsonl")
    kinds = pl.lit(pl.Series([EVIL[number % 13] for number in range(events.height)]))
    events.with_columns(who=pl.col("who").replace(evil), what=kinds, whom=pl.lit(EVIL[0])).write_ndjson(landing / "events.jsonl")


def _check_spreadsheets(night: Path) -> None:
    for path in night.glob("*.csv"):
        cells = pl.read_csv(path, infer_schema=False).unpivot().drop_nulls()["value"]
        assert not cells.str.contains(r"^\s*[=+@＝＋＠]").any()
        assert not cells.str.contains(r"^\s*-[^0-9.]").any()
    for path in night.glob("*.xlsx"):
        book = openpyxl.load_workbook(path)
        kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
        assert "f" not in kinds
        assert not any(cell.hyperlink for sheet in book for row in sheet.iter_rows() for cell in row)
        book.close()


def test_a_pickle_is_no_source_whatever_it_is_called(tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    for name in ("x.csv", "x.csv.gz", "x.jsonl", "x.parquet", "x.xlsx"):
        plant(tmp_path / name, proof)
        (export,) = discover(ORDERS, [SourceSettings(path=name)], root=tmp_path)
        with pytest.raises(EvenfallError) as error:
            export.read()
        assert error.value.exit_code == 3
    plant(tmp_path / "x.pkl", proof)
    with pytest.raises(ConfigurationError, match="does not tell its format"):
        discover(ORDERS, [SourceSettings(path="x.pkl")], root=tmp_path)
    assert not proof.exists()


def test_a_model_with_a_pickle_in_it_is_refused(tmp_path: Path) -> None:
    plant(tmp_path / "bundle" / "model.json", tmp_path / "proof")
    with pytest.raises(ConfigurationError, match="not text"):
        read_bundle(tmp_path / "bundle")
    assert not (tmp_path / "proof").exists()


def test_nothing_of_ours_knows_how_to_unpickle() -> None:
    known = re.compile(
        r"\b(c?pickle|joblib|cloudpickle|dill|shelve|marshal)\b|allow_pickle=True|(?<![.\w])(eval|exec)\(|yaml\.load\("
    )
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            code = [line for line in path.read_text().splitlines() if re.search(r"^\s*(import|from)\s|\(", line)]
            said = [re.sub(r"""(["']).*?\1""", "", line.split("#")[0]) for line in code]
            found = [line for line in said if known.search(line)]
            assert not found, f"{path}: {found}"


@pytest.mark.parametrize(
    "pattern",
    ["landing/\x00.csv",
     "landing/%00.csv", "landing/[.csv", "landing/[!a].csv", "~root/x.csv", "$HOME/x.csv", "landing/" + "a/" * 3000,
     "x" * 300 + ".csv", "landing/**/**/**/nothing.csv", "\n", " "],
)  # fmt: skip
def test_a_path_that_plays_tricks_is_the_configurations_fault(pattern: str, tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir()
    with pytest.raises(ConfigurationError) as error:
        discover(ORDERS, [SourceSettings(path=pattern)], root=tmp_path)
    assert error.value.remedy


@pytest.mark.parametrize("address", ["file:///etc/passwd", "http://127.0.0.1/x.csv", "s3://key:secret@bucket/x.csv"])
def test_an_address_that_plays_tricks_is_refused_and_not_repeated(address: str, tmp_path: Path) -> None:
    (tmp_path / "evenfall.toml").write_text(f'[sources.orders]\npath = "{address}"\n')
    with pytest.raises(ConfigurationError) as error:
        load_settings(tmp_path)
    assert error.value.remedy
    assert "secret" not in str(error.value)


def test_files_with_tricky_names_are_taken_for_what_they_are(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    names = ["a[1].csv", "b%2e%2e%2fc.csv", "-rf.csv", "$(touch x).csv", "ü\u202e.csv", "a b.csv", "'.csv", "=cmd.csv"]
    for name in names:
        (landing / name).write_text("order_id,member_id,ordered_at,amount\n1,a,2025-01-01,1\n")
    found = discover(ORDERS, [SourceSettings(path="landing/*.csv")], root=tmp_path)
    assert sorted(export.path for export in found) == sorted(f"landing/{name}" for name in names)
    assert [export.read()[0].height for export in found] == [1] * len(names)


def test_links_in_a_circle_and_into_nothing_do_not_hang_or_crash(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (landing / "around").symlink_to(landing)
    (landing / "nothing.csv").symlink_to(tmp_path / "nowhere.csv")
    (landing / "itself.csv").symlink_to(landing / "itself.csv")
    (landing / "pipe.csv").symlink_to("/dev/zero")
    with pytest.raises(ConfigurationError, match="matches no file"):
        discover(ORDERS, [SourceSettings(path="landing/*.csv")], root=tmp_path)
    (landing / "good.csv").write_text("order_id\n1\n")
    found = discover(ORDERS, [SourceSettings(path="landing/**/*.csv")], root=tmp_path)
    assert "landing/good.csv" in [export.path for export in found]


def test_no_server_of_ours_listens_to_the_world() -> None:
    places = [ROOT / "Makefile", ROOT / "prefect.yaml", *(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))]
    # The doctor looks for such addresses.
    places.remove(ROOT / "flows" / "doctor" / "security.py")
    open_doors = re.compile(r"""0\.0\.0\.0|\[::\]|host=["']{2}""")
    assert not [path for path in places if open_doors.search(path.read_text())]
