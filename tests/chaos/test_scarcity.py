"""A full disk, a folder that may not be written, no memory: said in words, nothing half-written, healed by the next run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.crowd import NIGHT, write_crowd
from tests.chaos.driver import Driver, Ended
from tests.chaos.states import differences, state_of

NOBODY = 65_534


def check_stopped(ended: Ended, workspace: Path, *, code: int, words: str) -> None:
    assert ended.code == code, ended.said
    assert words in ended.said
    assert "→" in ended.said
    assert "Traceback" not in ended.said
    assert not (workspace / "lists" / str(NIGHT)).exists()


@pytest.mark.soak
def test_scarcity_of_any_kind_is_said_and_the_next_run_ends_as_if_nothing_had_been(driver: Driver, tmp_path: Path) -> None:
    write_crowd(tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "scarce")
    workspace = tmp_path / "scarce"
    # The ledger's data file is the first that is larger than this.
    ended = driver.night(workspace, NIGHT, limits={"RLIMIT_FSIZE": 6_000})
    check_stopped(ended, workspace, code=4, words="the disk is full")
    ended = driver.night(workspace, NIGHT, spoil="pipeline.execution.executor.compute_features_from_totals")
    check_stopped(ended, workspace, code=4, words="the memory of this machine did not suffice")
    for folder in (workspace, *workspace.rglob("*")):
        folder.chmod(folder.stat().st_mode | 0o005)
    for folder in tmp_path.parents[:3]:
        folder.chmod(folder.stat().st_mode | 0o001)
    tmp_path.chmod(0o755)
    ended = driver.night(workspace, NIGHT, user=NOBODY)
    check_stopped(ended, workspace, code=2, words="cannot be written")
    for each in (workspace, tmp_path / "whole"):
        ended = driver.night(each, NIGHT)
        assert ended.code == 0, ended.said
    assert differences(state_of(tmp_path / "whole"), state_of(workspace)) == []


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own for a folder, of a size that can be changed."""
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    ).returncode:
        pytest.skip("this machine does not let tests mount a disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def resize(folder: Path, kilobytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(folder)], check=True)


@pytest.mark.soak
def test_a_disk_that_fills_up_at_many_places_of_the_night_loses_nothing(driver: Driver, tmp_path: Path) -> None:
    write_crowd(tmp_path / "as written")
    shutil.copytree(tmp_path / "as written", tmp_path / "whole")
    assert driver.night(tmp_path / "whole", NIGHT).code == 0
    disk = tmp_path / "disk"
    with small_disk(disk):
        resize(disk, 65_536)
        workspace = disk / "workspace"
        shutil.copytree(tmp_path / "as written", workspace)
        used = shutil.disk_usage(disk).used // 1024
        for more in (8, 40, 100, 160, 220, 300, 500, 900, 1_500, 1_900):
            resize(disk, used + more)
            ended = driver.night(workspace, NIGHT)
            check_stopped(ended, workspace, code=4, words="the disk is full")
        resize(disk, 65_536)
        ended = driver.night(workspace, NIGHT)
        assert ended.code == 0, ended.said
        assert differences(state_of(tmp_path / "whole"), state_of(workspace)) == []
