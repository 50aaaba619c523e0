"""What a run writes is for its user alone, or for the user's group where that is configured; never for others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.run_context import open_run
from tests.communities import LAST_DAY, SHOP, shop_lines, write_shop


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """Begin as most machines do, and leave the tests that follow as they were."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def write_something(folder: Path, *, configuration: str = SHOP) -> Path:
    """Hold a workspace of an earlier release, and write in it as a run and a child process of it do."""
    write_shop(folder, shop_lines().head(1), configuration=configuration)
    for old in ("lake/orders", "lists/2020-01-01", ".evenfall"):
        (folder / old).mkdir(parents=True)
    (folder / "mlflow.db").touch()
    (folder / "evenfall.toml").chmod(0o644)
    folder.chmod(0o755)
    run = open_run(folder, LAST_DAY)
    with run.workspace.locked("nightly"):
        (run.workspace.lists / "made").mkdir()
        (run.workspace.lists / "made" / "by us").touch()
        child = "import pathlib, sys; pathlib.Path(sys.argv[1]).touch()"
        subprocess.run([sys.executable, "-c", child, str(run.workspace.lists / "made" / "by a child")], check=True)
    return folder


@pytest.mark.parametrize(("configuration", "folders", "files"), [("", 0o700, 0o600), ("group_readable = true", 0o750, 0o640)])
def test_folders_and_files_are_closed_to_others_whatever_the_umask(
    tmp_path: Path, configuration: str, folders: int, files: int
) -> None:
    made = write_something(tmp_path, configuration=f"{SHOP}\n[access]\n{configuration}\n")
    assert {name: mode(made / name) for name in ("lake", "lists", ".evenfall", "lists/made")} == dict.fromkeys(
        ("lake", "lists", ".evenfall", "lists/made"), folders
    )
    assert {mode(file) for file in ((made / "lists" / "made").iterdir())} == {files}
    assert mode(made / "mlflow.db") == files
    assert mode(made / ".evenfall" / "holder.json") == files
    # What people made themselves is theirs.
    assert (mode(made), mode(made / "evenfall.toml"), mode(made / "landing")) == (0o755, 0o644, 0o755)


def test_a_command_closes_what_it_writes_before_it_has_read_a_configuration(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flows.cli", "init", "--workspace", str(tmp_path / "new")]
    subprocess.run(command, check=True, capture_output=True)
    assert (mode(tmp_path / "new"), mode(tmp_path / "new" / "evenfall.toml")) == (0o700, 0o600)
