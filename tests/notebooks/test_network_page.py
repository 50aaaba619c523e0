"""The network page on the planted community: as a script, and as an operator opens it in a real chromium, on a phone as well."""

from __future__ import annotations

import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from notebooks import network
from tests.live_page import WALK_ALL, open_browser
from tests.paths import ROOT
from tests.planted_community import REFUSER, PlantedNight
from tests.serving import served

_FAILED = ("Traceback", "This cell raised", "ancestor", "An internal error occurred")
# The map, the core, the reach, the neighbourhood.
_FOUR_CHARTS_ARE_DRAWN = (
    f"[...({WALK_ALL})()].filter(node => ['CANVAS', 'svg'].includes(node.tagName) && node.clientHeight > 150).length >= 4"
)
_NOTHING_IS_WIDER_THAN_THE_PAGE = "document.documentElement.scrollWidth <= window.innerWidth"


@pytest.fixture(scope="module")
def page_here(planted_night: PlantedNight) -> tuple[str, dict[str, Any]]:
    """The outputs of the notebook as HTML, and what its cells defined."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["notebook", "--", "--workspace", str(planted_night.root)])
        # Third parties' notices about their own future.
        warnings.simplefilter("ignore")
        outputs, defined = network.app.run()
    return "\n".join(getattr(output, "text", "") for output in outputs if output is not None), dict(defined)


def test_the_page_tells_communities_core_leaders_and_who_is_around_the_most_influential(
    page_here: tuple[str, dict[str, Any]],
) -> None:
    text, defined = page_here
    shown = defined["shown"]
    assert "Simulated community: who carries the community" in text
    assert f"{shown.members.height} members responded to each other in the 365 days before the night" in text
    assert defined["communities"]["Community"].to_list() == shown.communities["community"].to_list()
    # There was no night before.
    assert "Change" not in defined["communities"].columns
    assert all(one in text for one in defined["core"]["member_id"].head(network.CORE_ROWS))
    first = shown.members.sort("influence_score", "member_no", descending=[True, False], nulls_last=True)["member_id"][0]
    assert defined["listed"]["member_id"][0] == defined["around_them"]["member_id"][0] == first
    assert 10 < defined["around_them"].height <= 60
    assert REFUSER not in shown.members["member_id"]


def test_changes_are_told_once_there_was_a_night_before(page_here: tuple[str, dict[str, Any]]) -> None:
    communities = page_here[1]["shown"].communities
    before = pl.Series("members_before", [None, *(communities["members"][1:] + 2)], dtype=pl.UInt32)
    told = network.community_table(communities.with_columns(before))["Change"].to_list()
    assert told == ["new"] + ["−2"] * (communities.height - 1)


def test_a_table_escapes_what_comes_from_the_data() -> None:
    html = network.table(pl.DataFrame({"Member": ["<b>x</b>", None], "n": [1234, None]})).text
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "1,234" in html


def test_who_responds_is_told_of_direct_neighbours_alone() -> None:
    around = pl.DataFrame(
        {
            "member_id": ["m", "a", "b", "c", "d"],
            "community": [None] * 5,
            "tier": ["gold"] * 5,
            "churn_risk": ["low", None, "high", "low", "low"],
            "influence_score": [9.0, 8.4, None, 1.0, 2.0],
            "core_number": [3, 2, 2, 1, 1],
            "parent": [-1, 0, 0, 0, 1],
            "gives": [False, True, True, False, False],
            "takes": [False, True, False, True, False],
        },
        schema_overrides={"community": pl.String},
    )
    told = network.neighbour_table(around)
    assert told.columns == ["Member", "Who responds", "Tier", "Risk", "Influence score"]
    assert told.select("Member", "Who responds", "Risk").rows() == [
        ("a", "Both", None),
        ("b", "They", "High"),
        ("c", "The member", "Low"),
    ]


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_page_works_on_a_screen_and_on_a_phone_and_asks_nobody_else(planted_night: PlantedNight, tmp_path: Path) -> None:
    command = [
        Path(sys.executable).parent / "marimo", "run", "notebooks/network.py", "--headless", "--host", "127.0.0.1",
        "--port", "{port}", "--", "--workspace", planted_night.root,
    ]  # fmt: skip
    leader = planted_night.members.filter("is_opinion_leader")["member_id"][0]
    with served(command, cwd=ROOT, log=tmp_path / "log") as address, open_browser(size="1280,1000") as page:
        page.go(address)
        page.until(
            "Simulated community: who carries the community",
            "In the innermost core",
            "To nobody else of the team",
            "Who responds",
        )
        page.until_true(_FOUR_CHARTS_ARE_DRAWN)
        page.resize(390, 900)
        page.until_true(_NOTHING_IS_WIDER_THAN_THE_PAGE)
        page.evaluate("document.querySelector('marimo-text').shadowRoot.querySelector('input').focus()")
        page.type(leader)
        page.key("Enter", 13)
        text = page.until(f"\n{leader}\n", "Who responds")
        assert not any(words in text for words in _FAILED)
        assert page.errors == []
        outside = [one for one in page.requests if not one.startswith((address, address.replace("http", "ws"), "data:", "blob:"))]
        assert outside == []
