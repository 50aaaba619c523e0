"""A page in Chinese holds no English but names of products and measures, and says in which language it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from opencc import OpenCC

from outputs.report.backtest_page import render_backtest
from outputs.report.page import render_report
from outputs.report.validation_page import render_validation
from tests.outputs.examples import night_with_checks, ordinary_night
from tests.outputs.report.test_language import (
    Words,
    answered_night,
    backtested,
    checked_night,
    first_night,
    matured_night,
    mute,
    quiet_night,
)
from wording.language import speaking

# Names of products, measures and methods, and keys of the configuration that a reader is told to change.
KEPT = {
    "Evenfall",
    "AUC",
    "Brier",
    "nGini",
    "RMSE",
    "ECE",
    "p",
    "TA",
    "Qini",
    "sources",
    "validation",
    "max",
    "bad",
    "share",
    "age",
    "days",
    "evenfall",
    "toml",
}
NIGHTS: list[tuple[Callable[[Any], str], Callable[[], Any]]] = [
    (render_report, ordinary_night),
    (render_report, matured_night),
    (render_report, first_night),
    (render_report, quiet_night),
    (render_report, answered_night),
    (render_validation, night_with_checks),
    (render_validation, checked_night),
    (render_backtest, backtested),
]


@pytest.mark.parametrize(("render", "facts"), NIGHTS)
def test_a_page_in_chinese_holds_no_english(render: Callable[[Any], str], facts: Callable[[], Any]) -> None:
    with speaking("zh"):
        html = render(mute(facts()))
    assert '<html lang="zh-Hans">' in html
    assert Words(html).found - KEPT == set()


def test_a_page_in_traditional_chinese_holds_no_simplified_characters() -> None:
    with speaking("zh-Hant"):
        html = render_report(mute(ordinary_night()))
    assert '<html lang="zh-Hant">' in html
    lines = html.splitlines()
    converts = [OpenCC(way).convert for way in ("s2t", "s2twp")]
    # One of them alone may prefer another form of a character that is traditional already.
    assert [line for line in lines if all(convert(line) != line for convert in converts)] == []
