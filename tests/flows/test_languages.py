"""A night in Chinese: everything that people read is Chinese, and what programs read is what it always was."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from lake.contracts import TABLES
from outputs.lists import MEMBERS_SCHEMA
from pipeline.community.stored_network import COMMUNITY_NAMES, NETWORK
from runtime.run_context import open_run
from segments.lifecycle import STAGES
from segments.tiers import TIERS
from tests.features.builders import AS_OF
from tests.nights import evenfall, succeed
from tests.outputs.report.test_chinese import KEPT
from tests.outputs.report.test_language import Words
from tests.planted_community import ROOMS, PlantedNight
from wording.language import speak

EDITIONS = '\n[[reports]]\nlanguage = "en"\n\n[[reports]]\nlanguage = "zh-Hant"\n'
HAN = re.compile(r"[\u4e00-\u9fff]")
# Words of the data, of models' labels and of ids: names of events, topics, platforms, regions, rooms and members.
OF_THE_DATA = re.compile(r"[“\"][^“”\"]*[”\"]|\b(?:churn|value)/\d+(?: \([a-z ]+\))?|\b[a-z]{1,4}\d+\b|of-\w+|Name of \w+|m-?\d+")


@dataclass(frozen=True)
class ChineseNight:
    """The planted community after a night in Chinese, with editions in English and traditional Chinese."""

    root: Path

    @property
    def lists(self) -> Path:
        return self.root / "lists" / AS_OF.isoformat()

    @property
    def landed(self) -> list[Path]:
        return [path.relative_to(self.root) for path in (self.root / "landing").rglob("*.*")]

    def page(self, name: str) -> str:
        return (self.root / "reports" / f"{AS_OF}{name}.html").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    speak("en")


@pytest.fixture(scope="module")
def night(planted_night: PlantedNight, tmp_path_factory: pytest.TempPathFactory) -> ChineseNight:
    # What has landed is the same in every language; the lists and pages are written again, and the circles are named again.
    root = tmp_path_factory.mktemp("chinese_night") / "community"
    shutil.copytree(planted_night.root, root, ignore=shutil.ignore_patterns("lists", "reports"))
    for table in (NETWORK, COMMUNITY_NAMES):
        shutil.rmtree(root / "lake" / table)
    settings = root / "evenfall.toml"
    text = settings.read_text(encoding="utf-8").replace("[community]\n", '[community]\nlanguage = "zh"\n', 1)
    settings.write_text(text + EDITIONS, encoding="utf-8")
    succeed("nightly", "--workspace", root, "--as-of", AS_OF)
    return ChineseNight(root)


def english_in(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", OF_THE_DATA.sub(" ", text)))


def data_words(night: ChineseNight) -> set[str]:
    """Give the words that the data brought: regions, platforms, topics, types of events, names."""
    members = pl.read_csv(night.root / "landing" / "members.csv", infer_schema=False)
    found = {"Simulated", "community", "UTC", *ROOMS}
    found |= {word for column in members for text in column.drop_nulls() for word in re.findall(r"[A-Za-z]+", text)}
    # Columns that a rule is about, and files.
    contract = [*(column for table in TABLES.values() for column in table.columns), *(str(one) for one in night.landed)]
    found |= {word for name in contract for word in re.findall(r"[A-Za-z]+", name)}
    for line in (night.root / "landing" / "content.jsonl").read_text(encoding="utf-8").splitlines():
        found |= set(re.findall(r"[A-Za-z]+", line))
    # A topic begins the name of a circle with a capital letter.
    return found | {word.capitalize() for word in found}


def test_the_report_and_the_pages_beside_it_are_chinese(night: ChineseNight) -> None:
    # Labels of models, the folder of the lists, a key that a reader is told to set, and a command.
    kept = KEPT | {"LightGBM", "churn", "value", "lists", "bots", "alerts"}
    for page in ("", "-validation"):
        html = night.page(page)
        assert '<html lang="zh-Hans">' in html
        assert Words(html).found - kept - data_words(night) == set(), page


def test_further_editions_are_in_their_own_language(night: ChineseNight) -> None:
    assert '<html lang="en">' in night.page(".en")
    assert "Morning report" in night.page(".en")
    # Circles have the names of the lists, which are in the community's language.
    html = night.page(".en")
    for name in pl.read_parquet(night.lists / "members.parquet")["community"].drop_nulls().unique():
        html = html.replace(name, "")
    assert HAN.findall(html) == []
    assert '<html lang="zh-Hant">' in night.page(".zh-Hant")
    assert "社群晨報" in night.page(".zh-Hant")


def test_lists_for_programs_keep_the_names_and_codes_of_the_contract(night: ChineseNight) -> None:
    members = pl.read_csv(night.lists / "members.csv")
    assert set(MEMBERS_SCHEMA) <= set(members.columns)
    assert set(members["tier"].drop_nulls()) <= set(TIERS)
    assert set(members["lifecycle"].drop_nulls()) <= set(STAGES)


def test_reasons_messages_and_groups_are_chinese(night: ChineseNight) -> None:
    members = pl.read_parquet(night.lists / "members.parquet")
    reasons = members["reasons"].explode().struct.field("text").drop_nulls()
    contacts = pl.read_csv(night.lists / "contact_list.csv")
    sentences = [
        *reasons,
        *contacts["reason"].drop_nulls(),
        *contacts["background"].drop_nulls(),
        *contacts["message"].drop_nulls(),
    ]
    assert len(sentences) > 100
    assert [one for one in sentences if not HAN.search(one)] == []
    left = {word for one in sentences for word in english_in(one)}
    assert left - KEPT - data_words(night) == set()
    assert [name for name in members["segment"].drop_nulls().unique() if not HAN.search(name)] == []


def test_excel_is_chinese_from_the_sheets_to_the_codes(night: ChineseNight) -> None:
    left = set()
    for file in night.lists.glob("*.xlsx"):
        book = openpyxl.load_workbook(file, read_only=True)
        for sheet in book:
            assert HAN.search(sheet.title), (file.name, sheet.title)
            rows = list(sheet.iter_rows(values_only=True))
            assert [cell for cell in rows[0] if not HAN.search(str(cell))] == [], file.name
            left |= {(file.name, word) for row in rows for cell in row if isinstance(cell, str) for word in english_in(cell)}
    of_models = {"churn", "value", "lightgbm", "recency", "staff", "bots", "not", "community", "evenfall", "toml", "can", "show"}
    assert {(name, word) for name, word in left if word not in KEPT | of_models | data_words(night)} == set()


def test_a_members_card_is_chinese(night: ChineseNight) -> None:
    members = pl.read_parquet(night.lists / "members.parquet").filter(pl.col("is_eligible"))
    card = evenfall("explain", members["member_id"][0], "--workspace", night.root).out
    assert HAN.search(card)
    assert english_in(card) - KEPT - data_words(night) - {"churn", "value", members["member_id"][0]} == set()


def test_the_language_is_the_communitys_from_the_opening_of_a_run_on(night: ChineseNight) -> None:
    assert open_run(night.root, AS_OF).settings.community.language == "zh"
