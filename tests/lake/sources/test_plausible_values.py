"""What examples and the simulated community map to has the variety it must have: no constant, no `$1`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.scaffold import DEMO_CONFIGURATION
from lake.contracts import TABLES
from lake.simulate import simulate
from lake.sources.discovery import discover
from lake.sources.mapping import map_export
from lake.sources.source_settings import SourceSettings
from tests.paths import ROOT

EXAMPLES = ROOT / "examples"
CONSTANT_ON_PURPOSE = {("orders", "currency")}


def mapped(configuration: dict[str, Any], root: Path) -> dict[str, pl.DataFrame]:
    """Every table's mapped rows, all sources one behind the other."""
    frames: dict[str, list[pl.DataFrame]] = {}
    for name, sources in configuration["sources"].items():
        settings = [SourceSettings.model_validate(source) for source in (sources if isinstance(sources, list) else [sources])]
        for export in discover(TABLES[name], settings, root=root):
            rows, _ = export.read()
            found = map_export(rows, table=TABLES[name], settings=export.settings, name=export.name, timezone="UTC")
            frames.setdefault(name, []).append(found.rows)
    return {name: pl.concat(parts, how="diagonal") for name, parts in frames.items()}


def assert_plausible(tables: dict[str, pl.DataFrame]) -> None:
    for name, rows in tables.items():
        for column in rows.iter_columns():
            if (name, column.name) not in CONSTANT_ON_PURPOSE:
                assert column.drop_nulls().n_unique() >= 2, f"{name}.{column.name} is the same everywhere"
            if column.dtype == pl.String and column.name not in ("text", "title"):
                assert not column.str.contains(r"\$\{?\d|\\\d").any(), f"{name}.{column.name} holds a pattern's group"


def distinct(rows: pl.DataFrame, column: str) -> set[object]:
    return set(rows[column].drop_nulls().unique())


@pytest.mark.parametrize(
    ("example", "numbers"),
    [
        ("cdnow", {"orders": {"member_id": 23_570, "ordered_at": 546}}),
        ("online-retail-ii", {"orders": {"member_id": 5_942, "order_id": 44_876}}),
        (
            "stack-exchange-beer",
            {
                "content": {"topic": 110, "format": 3},
                "events": {"event_type": 7, "member_id": 4_256},
                "members": {"member_id": 6_862},
            },
        ),
    ],
)
def test_an_examples_columns_have_as_many_values_as_they_must(example: str, numbers: dict[str, dict[str, int]]) -> None:
    folder = EXAMPLES / example
    tables = mapped(tomllib.loads((folder / "evenfall.toml").read_text()), folder)
    assert_plausible(tables)
    counted = {name: {column: len(distinct(tables[name], column)) for column in columns} for name, columns in numbers.items()}
    assert counted == numbers


def test_topics_of_the_stack_exchange_community_are_first_tags() -> None:
    folder = EXAMPLES / "stack-exchange-beer"
    content = mapped(tomllib.loads((folder / "evenfall.toml").read_text()), folder)["content"]
    tags = pl.read_parquet(folder / "data" / "posts.parquet").filter(pl.col("OwnerUserId") > 0)["Tags"]
    assert content["topic"].to_list() == [None if text is None else text.split(">")[0].removeprefix("<") for text in tags]
    assert {"wine", "brewing", "taste", "health"} <= distinct(content, "topic")


def test_the_simulated_communitys_columns_have_the_values_they_must(tmp_path: Path) -> None:
    folder = simulate(tmp_path, seed=7, members=400, days=90).folder
    tables = mapped(tomllib.loads(DEMO_CONFIGURATION), folder)
    assert_plausible(tables)
    assert distinct(tables["members"], "can_contact") == {True, False}
    assert 400 <= len(distinct(tables["members"], "member_id")) <= 410
    assert len(distinct(tables["events"], "event_type")) >= 8
    assert len(distinct(tables["content"], "topic")) >= 5
    assert len(distinct(tables["orders"], "amount")) >= 50
    assert distinct(tables["contacts"], "arm") >= {"treatment", "control"}
