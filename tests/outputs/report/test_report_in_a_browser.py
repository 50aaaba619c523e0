"""The report in a real browser, on a phone and on a screen, light and dark; and that the check finds what it looks for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from outputs.report.page import render_report
from tests.live_page import LivePage, open_browser
from tests.outputs.examples import ordinary_night
from tests.outputs.weeks import morning
from tests.page_checks import PHONE, SCREEN, check_page
from wording.language import Language, speaking

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed"),
]


@pytest.fixture(scope="module")
def tab() -> Iterator[LivePage]:
    with open_browser() as page:
        yield page


@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, SCREEN])
def test_the_report_is_readable_by_all_on_a_phone_and_on_a_screen(
    tab: LivePage, tmp_path: Path, width: int, *, is_dark: bool
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_report(replace(ordinary_night(), morning=morning(), smallest_group=5)), encoding="utf-8")
    check_page(tab, page.as_uri(), width=width, says=("Morning report",), is_dark=is_dark)


@pytest.mark.parametrize(("language", "says"), [("zh", "社群晨报"), ("zh-Hant", "社群晨報")])
@pytest.mark.parametrize("width", [PHONE, SCREEN])
def test_the_report_is_readable_in_chinese_as_well(
    tab: LivePage, tmp_path: Path, width: int, language: Language, says: str
) -> None:
    page = tmp_path / "report.html"
    with speaking(language):
        page.write_text(render_report(replace(ordinary_night(), morning=morning(), smallest_group=5)), encoding="utf-8")
    check_page(tab, page.as_uri(), width=width, says=(says,))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<p style="color:#ccc">Hardly to be seen</p>', "color-contrast"),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "image-alt"),
        ('<p style="width:2000px">wide</p>', "scrolls sideways"),
        ('<script>console.error("broken")</script>', "errors"),
        ('<img alt="" src="http://127.0.0.1:9/x.png">', "requests to elsewhere"),
    ],
)
def test_the_check_finds_what_it_looks_for(tab: LivePage, tmp_path: Path, body: str, fault: str) -> None:
    page = tmp_path / "bad.html"
    page.write_text(f'<!DOCTYPE html><html lang="en"><head><title>Bad</title></head><body><main><h1>Bad</h1>{body}</main></body>')
    with pytest.raises(AssertionError, match=fault):
        check_page(tab, page.as_uri(), width=PHONE)
