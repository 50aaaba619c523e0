from __future__ import annotations

import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from lake.errors import OutsideServiceError
from outputs.publishing.folder import publication_steps, publish, recover, staging_folder

OLD, NEW = {"members.csv": "old", "gone.csv": "old"}, {"members.csv": "new"}


def fill(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def steps_of(target: Path) -> list[str]:
    return list(publication_steps(fill(staging_folder(target), NEW), target))


def test_a_first_publication_appears_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "lists" / "2011-08-31"
    assert publish(fill(staging_folder(target), NEW), target)
    assert content(target) == NEW
    assert list(target.parent.iterdir()) == [target]


def test_a_later_publication_replaces_every_file(tmp_path: Path) -> None:
    target = fill(tmp_path / "2011-08-31", OLD)
    assert publish(fill(staging_folder(target), NEW), target)
    assert content(target) == NEW
    assert list(tmp_path.iterdir()) == [target]


def test_the_same_lists_again_leave_the_folder_untouched(tmp_path: Path) -> None:
    target = fill(tmp_path / "2011-08-31", NEW)
    before = (target / "members.csv").stat()
    assert not publish(fill(staging_folder(target), NEW), target)
    after = (target / "members.csv").stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("survived", range(6))
@pytest.mark.parametrize("before", [None, OLD])
def test_a_process_killed_after_any_step_leaves_one_whole_night_after_recovery(
    tmp_path: Path, survived: int, before: dict[str, str] | None
) -> None:
    target = tmp_path / "2011-08-31"
    if before is not None:
        fill(target, before)
    staging = fill(staging_folder(target), NEW)
    done = list(islice(publication_steps(staging, target), survived))
    recover(tmp_path)
    expected = NEW if "ready" in done else before
    assert ([content(target)] if target.exists() else []) == ([expected] if expected else [])
    assert list(tmp_path.iterdir()) == ([target] if expected else [])
    assert recover(tmp_path) == ()
    assert publish(fill(staging_folder(target), NEW), target) is (expected != NEW)


KILLED = """
import os, signal, sys
from pathlib import Path
from outputs.publishing.folder import publication_steps
staging, target, last = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
for step in publication_steps(staging, target):
    if step == last:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("last", ["written to disk", "old moved aside", "moved into place"])
def test_a_killed_process_is_recovered_by_the_next(tmp_path: Path, last: str) -> None:
    target = fill(tmp_path / "2011-08-31", OLD)
    staging = fill(staging_folder(target), NEW)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(staging), str(target), last], check=False)
    assert killed.returncode == -signal.SIGKILL
    recover(tmp_path)
    assert content(target) == (OLD if last == "written to disk" else NEW)
    assert list(tmp_path.iterdir()) == [target]


def test_a_half_removed_old_folder_is_cleared_away(tmp_path: Path) -> None:
    target = fill(tmp_path / "2011-08-31", NEW)
    fill(tmp_path / ".2011-08-31.replaced", {"members.csv": "old"})
    assert recover(tmp_path) == ()
    assert list(tmp_path.iterdir()) == [target]


def test_old_lists_without_their_successor_come_back(tmp_path: Path) -> None:
    fill(tmp_path / ".2011-08-31.replaced", OLD)
    assert recover(tmp_path) == ("2011-08-31",)
    assert content(tmp_path / "2011-08-31") == OLD


def test_recovery_leaves_other_folders_and_files_alone(tmp_path: Path) -> None:
    fill(tmp_path / "2011-08-30", OLD)
    fill(tmp_path / ".git", {"config": ""})
    (tmp_path / ".note.ready").write_text("a file, not a folder")
    assert recover(tmp_path) == ()
    assert {path.name for path in tmp_path.iterdir()} == {"2011-08-30", ".git", ".note.ready"}
    assert recover(tmp_path / "absent") == ()


def test_publication_finishes_what_was_left_before_it_starts(tmp_path: Path) -> None:
    target = tmp_path / "2011-08-31"
    fill(tmp_path / ".2011-08-31.ready", OLD)
    assert steps_of(target) == ["written to disk", "ready", "old moved aside", "moved into place", "old removed"]
    assert content(target) == NEW


def test_a_missing_staging_folder_is_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(OutsideServiceError, match=r"could not be moved"):
        publish(tmp_path / "never-written", tmp_path / "2011-08-31")
