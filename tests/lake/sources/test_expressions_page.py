"""The page on expressions lists what the code allows, and every recipe on it gives what it says."""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from lake.sources.expressions import Wanted, evaluate
from lake.sources.sql_names import FUNCTIONS, TYPES
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "expressions.md").read_text(encoding="utf-8")
RECIPE = re.compile(r"### (.+) \((text|time|number|condition)\)\n\n```sql\n(.+)\n```\n\n((?:- `.*` gives `.*`\n)+)")
RECIPES = RECIPE.findall(PAGE)
WANTED: dict[str, Wanted] = {"text": "text", "time": "text", "number": "number", "condition": "condition"}


def as_written(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else value


def test_the_page_has_recipes_and_all_of_them_are_read() -> None:
    assert len(RECIPES) == PAGE.count("\n### ") >= 30


@pytest.mark.parametrize(("kind", "sql", "lines"), [recipe[1:] for recipe in RECIPES], ids=[recipe[0] for recipe in RECIPES])
def test_a_recipe_gives_what_the_page_says(kind: str, sql: str, lines: str) -> None:
    said = [tuple(map(json.loads, pair)) for pair in re.findall(r"- `(.*)` gives `(.*)`\n", lines)]
    rows = pl.DataFrame([row for row, _ in said])
    rows = rows.with_columns(pl.col(pl.Null).cast(pl.String))
    found = evaluate(rows, sql, wanted=WANTED[kind], label="recipe").values.to_list()
    assert [as_written(value) for value in found] == [value for _, value in said]


@pytest.mark.parametrize("listed", [FUNCTIONS, TYPES])
def test_the_page_lists_what_the_code_allows(listed: dict[str, tuple[str, ...]]) -> None:
    for about, names in listed.items():
        assert f"| {about} | {', '.join(f'`{name}`' for name in names)} |\n" in PAGE
