"""The door as people open it: every page in a real chromium, on a phone and on a screen, MLflow and Prefect included."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import httpx
import polars as pl
import pytest

from tests.communities import LAST_DAY
from tests.door.test_serving import until, up
from tests.explored import REFUSED, Explored
from tests.live_page import LivePage, open_browser
from tests.page_checks import PHONE, SCREEN, check_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]
# MLflow asks its server who is signed in, which one without its own sign-in does not know; Prefect's first page has
# now and then been answered so, too.
_NOT_KNOWN_THERE = "404 (Not Found)"
_ASKING = ("/mlflow/", "/prefect/runs")
NIGHT = f"/lists/{LAST_DAY}"


@dataclass(frozen=True)
class Inside:
    """A browser that is in.

    Args:
        page: Its tab.
        base: The address of the door.
        client: A client that is in as well.
        root: The workspace.
    """

    page: LivePage
    base: str
    client: httpx.Client
    root: Path


@pytest.fixture(scope="module")
def inside(explored: Explored) -> Iterator[Inside]:
    """One door for all tests: MLflow and Prefect take long to start."""
    with (
        up(explored.root) as (_, address),
        open_browser() as page,
        httpx.Client(base_url=address.split("?")[0], follow_redirects=True, timeout=60) as client,
    ):
        client.get(address)
        until(lambda: client.get("/").text.count("ready</small>") == len(("notebooks", "mlflow", "prefect")))
        page.go(address)
        page.until("The last nights")
        yield Inside(page, address.split("?")[0].rstrip("/"), client, explored.root)


@pytest.mark.parametrize("width", [PHONE, SCREEN])
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "For analysts"),
        (f"{NIGHT}/contacts", "to talk to"),
        (f"{NIGHT}/members", "Strongest reason"),
        (f"{NIGHT}/members?tier=gold&order=risk", "Strongest reason"),
        (f"{NIGHT}/member/0", "Active days a week"),
        (f"{NIGHT}/changes", "Changes since the night before"),
        (f"{NIGHT}/tiers", "Diamond"),
        (f"{NIGHT}/downloads", "members.parquet"),
        ("/figures", "Members active on a day"),
        (f"/reports/{LAST_DAY}.html", "Small shop"),
    ],
)
def test_a_page_is_whole_and_readable(inside: Inside, path: str, says: str, width: int) -> None:
    check_page(inside.page, inside.base + path, width=width, says=(says,))


def test_the_door_is_readable_in_the_dark(inside: Inside) -> None:
    check_page(inside.page, f"{inside.base}/", width=SCREEN, says=("For analysts",), is_dark=True)
    check_page(inside.page, f"{inside.base}{NIGHT}/members", width=PHONE, says=("Strongest reason",), is_dark=True)


@pytest.mark.parametrize(
    ("path", "says", "width"),
    [
        ("/mlflow/", "Experiments", PHONE),
        ("/mlflow/", "Experiments", SCREEN),
        ("/prefect/runs", "Runs store the state", PHONE),
        ("/prefect/runs", "Runs store the state", SCREEN),
        # A notebook runs anew each time that it is opened; on a screen they are looked at in tests/notebooks.
        ("/notebooks/members/", "Chosen", PHONE),
        ("/notebooks/cohorts/", "Small shop", PHONE),
        pytest.param("/notebooks/members/", "Chosen", SCREEN, marks=pytest.mark.soak),
        pytest.param("/notebooks/cohorts/", "Small shop", SCREEN, marks=pytest.mark.soak),
    ],
)
def test_what_is_behind_the_door_opens_and_asks_nobody_else(inside: Inside, path: str, says: str, width: int) -> None:
    page = inside.page
    # What the page before still asks for is not this one's.
    page.go("about:blank")
    page.until_true("location.href === 'about:blank'")
    page.errors.clear()
    page.requests.clear()
    page.resize(width, 900)
    page.go(inside.base + path)
    page.until(says, absent="is not open")
    assert [error for error in page.errors if not (path in _ASKING and _NOT_KNOWN_THERE in error)] == []
    own = (f"{inside.base}/", inside.base.replace("http", "ws"), "data:", "blob:")
    assert [asked for asked in page.requests if not asked.startswith(own)] == []


def test_downloads_equal_the_lists_to_the_byte(inside: Inside) -> None:
    folder = inside.root / "lists" / str(LAST_DAY)
    names = [*json.loads((folder / "receipt.json").read_text())["lists"], "receipt.json"]
    assert len(names) > 5
    for name in names:
        answer = inside.client.get(f"{NIGHT}/files/{name}")
        assert answer.content == (folder / name).read_bytes()
        assert answer.headers["content-disposition"].startswith("attachment")
        assert f'href="{NIGHT}/files/{name}"' in inside.client.get(f"{NIGHT}/downloads").text
    for name in ("../../evenfall.toml", "..%2f..%2fevenfall.toml", "evenfall.toml"):
        assert inside.client.get(f"{NIGHT}/files/{name}").status_code == 404
        assert inside.client.get(f"/reports/{name}").status_code == 404


def test_every_link_of_a_report_opens(inside: Inside) -> None:
    report = f"/reports/{LAST_DAY}.html"
    links = set(re.findall(r'href="([^"#]+)"', inside.client.get(report).text))
    assert {f"../lists/{LAST_DAY}", f"../lists/{LAST_DAY}/contact_list.xlsx"} <= links
    for link in links:
        assert inside.client.get(urljoin(report, link)).status_code == 200, link


def test_members_are_filtered_searched_and_downloaded_as_chosen(inside: Inside) -> None:
    listed = pl.read_csv(inside.root / "lists" / str(LAST_DAY) / "members.csv", infer_schema=False)
    gold = listed.filter(pl.col("tier") == "gold")
    page = inside.page
    page.resize(SCREEN, 900)
    page.go(f"{inside.base}{NIGHT}/members")
    page.until("Strongest reason")
    page.evaluate("document.querySelector('#f-tier').value = 'gold'")
    page.press("Show", elements="button")
    page.until(f"Download {gold.height} members as CSV")
    assert page.evaluate("location.search") == "?tier=gold"
    answer = inside.client.post(f"{NIGHT}/members.csv", data={"tier": "gold"})
    assert pl.read_csv(answer.content, infer_schema=False).equals(gold)
    # A search is posted: an id never stands in an address.
    found = inside.client.post(f"{NIGHT}/members", data={"text": "C012"})
    assert "c012" not in str(found.url).lower()
    assert "<a" in found.text
    assert ">c012<" in found.text


def test_who_refuses_profiling_is_an_id_and_behind_no_figure(inside: Inside) -> None:
    found = inside.client.post(f"{NIGHT}/members", data={"text": REFUSED}).text
    assert f">{REFUSED}<" in found
    assert "May not be profiled: nothing but the id is shown." in found
    behind = inside.client.post(f"{NIGHT}/members", data={"figure": "mau", "day": str(LAST_DAY), "text": REFUSED}).text
    assert f">{REFUSED}<" not in behind


def test_a_figure_leads_to_its_members(inside: Inside) -> None:
    page = inside.page
    page.go(f"{inside.base}/figures")
    page.until("Members active within 30 days")
    value = page.evaluate("document.querySelector('a[href*=\"figure=mau\"]').textContent")
    page.go(str(inside.base) + page.evaluate("document.querySelector('a[href*=\"figure=mau\"]').getAttribute('href')"))
    text = page.until("Only members behind the figure")
    shown = inside.client.post(f"{NIGHT}/members.csv", data={"figure": "mau", "day": str(LAST_DAY)})
    rows = pl.read_csv(shown.content, infer_schema=False).height
    # One refuses profiling: counted, and not shown.
    assert f"{rows} members." in text
    assert int(value) == rows + 1
    assert "1 other member is counted in the figure and not shown" in text


def test_without_a_session_nothing_of_all_this_is_shown(inside: Inside) -> None:
    places = [
        "/",
        f"{NIGHT}/members",
        f"{NIGHT}/files/members.csv",
        "/figures",
        "/mlflow/",
        "/prefect/api/health",
        "/notebooks/",
    ]
    with httpx.Client(base_url=inside.base) as stranger:
        assert {stranger.get(place).status_code for place in places} == {403}
