"""The notebooks as an analyst opens them, in a real chromium."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pytest

from tests.communities import LAST_DAY
from tests.explored import REFUSED, Explored
from tests.live_page import WALK_ALL, LivePage, open_browser
from tests.paths import ROOT
from tests.serving import served

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]
# What marimo writes where a cell failed.
_FAILED = ("Traceback", "This cell raised", "ancestor", "An internal error occurred")
_TYPE_INTO_TEXT = "document.querySelector('marimo-text').shadowRoot.querySelector('input').focus()"

_TWO_CHARTS_ARE_DRAWN = (
    f"[...({WALK_ALL})()].filter(node => ['CANVAS', 'svg'].includes(node.tagName) && node.clientWidth > 500).length > 1"
)


# All notebooks on one port, as the door has them on a socket file.
_SERVE = "import sys, uvicorn; from notebooks.behind_door import make_app; uvicorn.run(make_app(''), port=int(sys.argv[1]))"
Show = Callable[[str], LivePage]


@pytest.fixture(scope="module")
def show(explored: Explored, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Show]:
    """Open a notebook on the community: one server and one browser for all, which take seconds to start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVENFALL_WORKSPACE", str(explored.root))
        log = tmp_path_factory.mktemp("notebooks") / "log"
        with served([sys.executable, "-c", _SERVE, "{port}"], cwd=ROOT, log=log) as address, open_browser() as page:

            def go(notebook: str) -> LivePage:
                page.go("about:blank")
                page.until_true("location.href === 'about:blank'")
                page.go(f"{address}/{notebook}/")
                return page

            yield go


@contextmanager
def opened(notebook: str, workspace: Path, log: Path) -> Iterator[LivePage]:
    marimo = Path(sys.executable).parent / "marimo"
    command = [
        marimo, "run", f"notebooks/{notebook}.py", "--headless", "--host", "127.0.0.1", "--port", "{port}",
        "--", "--workspace", workspace,
    ]  # fmt: skip
    with served(command, cwd=ROOT, log=log) as address, open_browser() as page:
        page.go(address)
        yield page


def assert_no_cell_failed(text: str) -> None:
    for words in _FAILED:
        assert words not in text


def test_an_operator_finds_a_member_and_opens_the_card(show: Show, explored: Explored) -> None:
    listed = pl.read_parquet(explored.root / "lists" / str(LAST_DAY) / "members.parquet")
    member = listed.filter(pl.col("reasons").list.len() > 0, pl.col("member_id").str.starts_with("c")).row(0, named=True)
    page = show("members")
    text = page.until("Small shop: members", f"Download {listed.height} members as CSV", "Strongest reason")
    assert_no_cell_failed(text)
    page.evaluate(_TYPE_INTO_TEXT)
    page.type(member["member_id"])
    page.key("Enter", 13)
    text = page.until(f"Member {member['member_id']}", "Download 1 member as CSV", "Active days a week over a year")
    text = page.until("History with us")
    for reason in member["reasons"]:
        assert reason["text"] in text
    assert member["segment"] in text
    assert_no_cell_failed(text)


@pytest.mark.soak
def test_a_member_who_refuses_profiling_has_an_empty_card(show: Show) -> None:
    page = show("members")
    page.until("Small shop: members", "Strongest reason")
    page.evaluate(_TYPE_INTO_TEXT)
    page.type(REFUSED)
    page.key("Enter", 13)
    text = page.until(f"Member {REFUSED}", "may not be profiled: nothing but the id is shown")
    assert "raises the risk" not in text
    assert_no_cell_failed(text)


def test_an_analyst_sees_who_stays(show: Show) -> None:
    page = show("cohorts")
    text = page.until("Small shop: who stays", "Month by month", "Each thin line is a cohort", "After 3 months", "still active")
    page.until_true(_TWO_CHARTS_ARE_DRAWN)
    assert_no_cell_failed(text)


def test_an_analyst_sees_whether_talking_worked(show: Show) -> None:
    page = show("effects")
    # Of the first night's few contacts nothing can be told.
    text = page.until("Small shop: Did talking work?", "There is no answer yet")
    assert_no_cell_failed(text)


def test_an_analyst_compares_models_over_cut_offs(show: Show) -> None:
    page = show("experiments")
    text = page.until("Small shop: experiments", "Past cut-offs", "Over all cut-offs", "Trainings", "past rate", "recency")
    assert f"backtest {LAST_DAY}" in text
    assert_no_cell_failed(text)
    page.press("Value")
    text = page.until("nGini", "mbg nbd", absent="Average precision")
    assert_no_cell_failed(text)


@pytest.mark.soak
def test_a_missing_workspace_is_told_in_the_page(tmp_path: Path) -> None:
    with opened("members", tmp_path / "nowhere", tmp_path / "log") as page:
        text = page.until("Nothing to show: there is no evenfall.toml in", "evenfall init")
        assert_no_cell_failed(text)
