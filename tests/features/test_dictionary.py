from __future__ import annotations

import re

from features.catalog import feature_families
from features.dictionary import feature_dictionary_markdown
from tests.paths import ROOT

PAGE = ROOT / "docs" / "features.md"


def test_the_page_in_docs_is_the_one_the_features_write() -> None:
    written = feature_dictionary_markdown()
    assert PAGE.read_text(encoding="utf-8") == written, (
        'docs/features.md is out of date; run: python -c "from features.dictionary import *; '
        "print(feature_dictionary_markdown(), end='')\" > docs/features.md"
    )


def test_every_feature_is_on_the_page() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| ([\d, ]*)", feature_dictionary_markdown(), flags=re.MULTILINE)
    listed = {name.replace("<w>", days) for name, windows in rows for days in windows.strip().split(", ")}
    declared = {feature.name for family in feature_families(("any type",)).values() for feature in family}
    assert listed == {name.replace("any_type", "<event type>") for name in declared}


def test_every_feature_says_what_it_means() -> None:
    for family in feature_families(("post",)).values():
        for feature in family:
            assert feature.meaning.endswith(".")
            assert feature.unit
            assert feature.habit
