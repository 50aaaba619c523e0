from __future__ import annotations

import re

from community.rates import FIGURE_NAMES
from tests.paths import ROOT


def test_the_dictionary_names_every_figure_and_no_other() -> None:
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    first_cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = re.findall(r"`(\w+)`", " ".join(first_cells))
    assert sorted(named) == sorted(FIGURE_NAMES)
