"""The feature dictionary: the page of docs with the meaning of every feature, generated from the catalog."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from features.catalog import feature_families
from features.feature import Feature

_ANY_TYPE: Final = "any_type"
_INTRODUCTION: Final = """\
# Feature dictionary

Every night each member seen so far gets one row of features, computed from days up to and including the night's day
`as_of`. This page is generated from the code; do not edit it by hand.

- A count is 0 when the member did nothing in the window. A feature about something that never happened is empty.
- A feature whose needs the community does not bring is left out. `interactions` stands for events with a
  `target_member_id`, or with a `content_id` beside a content table.
- *Activity* is any event, order or refund of the member's own. Windows end with `as_of` and include it.
- `<event type>` stands for each of the most frequent event types (at most 24), in lower case with everything but letters
  and digits replaced by `_`; a type named like a feature of ours gets the suffix `_event`. `<w>` stands for a window.
- A *habit* groups the features that look at the same thing, so that reasons name it once.
"""


def feature_dictionary_markdown() -> str:
    """Return the feature dictionary as Markdown: one row per feature, the windows of one habit in one row."""
    sections = [_section(title, family) for title, family in feature_families((_ANY_TYPE,)).items()]
    return "\n".join([_INTRODUCTION, *sections])


def _section(title: str, family: list[Feature]) -> str:
    # Windows of one habit follow each other in the catalog, which `groupby` needs.
    rows = [_row(list(group)) for _, group in groupby(family, key=_pattern)]
    header = "| feature | windows in days | meaning | unit | needs | habit |\n|---|---|---|---|---|---|"
    return "\n".join([f"## {title}", "", header, *rows, ""])


def _pattern(feature: Feature) -> tuple[str, str, str]:
    name = re.sub(r"_\d+d$", "_<w>d", feature.name)
    return (
        name,
        re.sub(r"on the last day|in the last \d+ days|within the last \d+ days", _any_window, feature.meaning),
        feature.habit,
    )


def _any_window(phrase: re.Match[str]) -> str:
    return re.sub(r"\d+ days", "<w> days", phrase[0].replace("on the last day", "in the last 1 days"))


def _row(features: list[Feature]) -> str:
    first = features[0]
    name, meaning, habit = _pattern(first) if len(features) > 1 else (first.name, first.meaning, first.habit)
    windows = ", ".join(re.sub(r".*_(\d+)d$", r"\1", feature.name) for feature in features) if len(features) > 1 else ""
    needs = ", ".join(f"`{need}`" for need in sorted(first.needs))
    cells = (f"`{name}`", windows, meaning, first.unit, needs, f"`{habit}`")
    return f"| {' | '.join(cells)} |".replace(_ANY_TYPE, "<event type>").replace("  |", " |")
