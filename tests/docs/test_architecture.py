"""The pages for contributors name files and functions that are there, and every room has its place in the picture."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from runtime.run_context import ROOMS
from tests.paths import ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [ROOT / "CONTRIBUTING.md", ARCHITECTURE, ROOT / "docs" / "decisions" / "0040-rooms.md"]
OWN_FOLDERS = (*ROOMS, "door", "notebooks", "benchmarks", "examples", "tests", "docs")


def files_named(page: Path) -> set[str]:
    """Paths in backticks that begin with a folder of the checkout and end like a file or a folder of ours."""
    spans = re.findall(r"`([a-z_0-9-]+/[^`\s<*]*)`", page.read_text(encoding="utf-8"))
    return {span for span in spans if span.split("/")[0] in OWN_FOLDERS}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = files_named(page)
    assert named
    # Lists and tables of a workspace are no files of the checkout.
    ours = {name for name in named if name != "lake/format.json"}
    assert {name for name in ours if not (ROOT / name).exists()} == set()


def test_every_room_and_sub_room_is_in_the_table() -> None:
    packages = {path.parent.relative_to(ROOT).as_posix() for room in ROOMS for path in (ROOT / room).rglob("__init__.py")}
    told = files_named(ARCHITECTURE)
    assert {package for package in packages if f"{package}/" not in told and package not in told} == set()
