"""Every decision has a number, a title, a date and a status, and the index says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

FOLDER = ROOT / "docs" / "decisions"
PAGES = sorted(FOLDER.glob("0*.md"))
HEAD = re.compile(r"# (?P<number>\d+)\. (?P<title>.+)\n\nDate: (?P<date>\d{4}-\d{2}-\d{2}) · Status: (?P<status>.+)\n")
STATUS = re.compile(r"(accepted|superseded by \[\d+\])(, (amended by|amends|extended by|extends) \[\d+\])?")
ROW = r"\| (\d+) \| \[(.+?)\]\((\S+?)\) \| (.+?) \| (\S+) \|"


def test_the_index_has_a_row_for_each_page_as_the_page_says_it() -> None:
    told = re.findall(ROW, (FOLDER / "README.md").read_text(encoding="utf-8"))
    written = []
    for page in PAGES:
        head = HEAD.match(page.read_text(encoding="utf-8"))
        assert head is not None, page.name
        written.append((head["number"], head["title"], page.name, head["status"], head["date"]))
    assert told == written
    assert [int(number) for number, *_ in written] == list(range(1, len(PAGES) + 1))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name[:4])
def test_a_decision_has_its_number_a_status_and_its_sections(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    head = HEAD.match(text)
    assert head is not None
    assert page.name.startswith(f"{int(head['number']):04}-")
    assert STATUS.fullmatch(re.sub(r"\]\([^)]*\)", "]", head["status"]))
    sections = re.findall(r"^## (.+)$", text, flags=re.MULTILINE)
    assert [name for name in sections if name != "Alternatives"] == ["Context", "Decision", "Consequences"]
