"""The configuration: what it accepts, what it refuses, and how it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.errors import ConfigurationError
from runtime.settings import load_settings

MINIMAL = """\
[sources.events]
path = "events.csv"
"""


def write(folder: Path, text: str) -> Path:
    (folder / "evenfall.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_source_is_all_that_is_needed(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, MINIMAL))
    assert (settings.churn.horizon_days, settings.churn.eligible_days, settings.value.horizon_days) == (28, 90, 90)
    assert (settings.community.timezone, settings.community.currency) == ("UTC", None)
    assert settings.lists.contact_capacity == 200


def test_repeated_sections_are_several_sources_in_their_order(tmp_path: Path) -> None:
    text = '[[sources.orders]]\npath = "a.csv"\n[[sources.orders]]\npath = ["b.csv", "c.csv"]\n'
    sources = load_settings(write(tmp_path, text)).table_sources("orders")
    assert [source.paths for source in sources] == [("a.csv",), ("b.csv", "c.csv")]


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, MINIMAL + '[community]\ntimezone = "Europe/London"\nname = "From the file"\n')
    monkeypatch.setenv("EVENFALL_COMMUNITY__TIMEZONE", "Asia/Tokyo")
    settings = load_settings(tmp_path)
    assert (settings.community.timezone, settings.community.name) == ("Asia/Tokyo", "From the file")


def test_silences_follow_the_churn_horizon_unless_they_are_set(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, MINIMAL + "[churn]\nhorizon_days = 10\n"))
    assert settings.lifecycle_policy.dormant_after_days == 2 * 10
    settings = load_settings(write(tmp_path, MINIMAL + "[churn]\nhorizon_days = 10\n[lifecycle]\ndormant_after_days = 33\n"))
    assert settings.lifecycle_policy.dormant_after_days == 33


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["sources"]),
        ('[sources.members]\npath = "m.csv"\n', ["events", "orders"]),
        ('[sources.evnets]\npath = "e.csv"\n', ["evnets", "events"]),
        (MINIMAL + "[chrun]\nhorizon_days = 3\n", ["unknown key `chrun`", "churn"]),
        (MINIMAL + "[churn]\nhorizon = 3\n", ["unknown key `churn.horizon`", "horizon_days"]),
        (MINIMAL + "[churn]\nhorizon_days = 0\n", ["churn.horizon_days", "0"]),
        (MINIMAL + '[community]\ntimezone = "Mars/Olympus"\n', ["community.timezone", "Mars/Olympus", "Europe/London"]),
        ('[sources.events]\npth = "e.csv"\n', ["sources.events", "pth", "path"]),
        ('[sources.events]\nquery = "SELECT 1"\n', ["sources.events", "path", "uri"]),
        ('[sources.events]\npath = "e.csv"\nencoding = "utf-7777"\n', ["encoding", "utf-7777", "latin-1"]),
        ('[sources.events]\npath = "e.csv"\nseparator = "ab"\n', ["separator", "ab"]),
        (MINIMAL + "[tiers.gold]\nenter = 10\nleave = 20\n", ["tiers.gold", "10"]),
        ("[sources.events\n", ["not valid TOML"]),
        (MINIMAL + '[run]\nas_of = "soon"\n', ["run.as_of", "soon"]),
    ],
)
def test_a_mistake_is_named_with_its_place_its_value_and_a_remedy(tmp_path: Path, text: str, told: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(write(tmp_path, text))
    for words in told:
        assert words in caught.value.what
    assert caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"evenfall\.toml") as caught:
        load_settings(tmp_path)
    assert "evenfall init" in caught.value.remedy
