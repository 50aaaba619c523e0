"""The glossary has each term once, in order, and the names it gives are names of the code."""

from __future__ import annotations

import re

from runtime.run_context import ROOMS
from tests.paths import ROOT

LINES = [line for line in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines() if line.startswith("- ")]
ENTRY = re.compile(r"- \*\*(?P<term>[^*]+)\*\*(?: \(`(?P<name>\w+)`\))?: (?P<meaning>[a-zA-Z0-9].*\.)")
# Commands, keys and values as people write them.
NOT_NAMES = ("evenfall ", "[sources.", 'mode = "', "evenfall.toml", "MLFLOW_TRACKING_URI")


def entries() -> list[re.Match[str]]:
    found = [ENTRY.fullmatch(line) for line in LINES]
    assert all(found), [line for line, entry in zip(LINES, found, strict=True) if entry is None]
    return [entry for entry in found if entry is not None]


def words_of_the_code() -> frozenset[str]:
    texts = (path.read_text(encoding="utf-8") for room in (*ROOMS, "door") for path in (ROOT / room).rglob("*.py"))
    return frozenset(word for text in texts for word in re.findall(r"\w+", text))


def test_terms_are_sorted_and_each_is_there_once() -> None:
    terms = [entry["term"].casefold() for entry in entries()]
    assert terms
    assert terms == sorted(set(terms))


def test_a_meaning_is_one_to_three_sentences() -> None:
    assert [entry["term"] for entry in entries() if len(re.findall(r"[.?!](?= [A-Z0-9]|$)", entry["meaning"])) > 3] == []


def test_every_name_in_backticks_is_a_name_of_the_code() -> None:
    spans = [(line.split("**")[1], span) for line in LINES for span in re.findall(r"`([^`]+)`", line)]
    names = [(term, span) for term, span in spans if not span.startswith(NOT_NAMES)]
    known = words_of_the_code()
    assert [(term, name) for term, name in names if name not in known] == []
