"""A lake remembers the zone in which it counts its days."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lake.errors import ConfigurationError
from lake.storage.release_format import FORMAT, mark_format, read_format, refuse_other_zone


def test_a_lake_keeps_the_zone_of_its_first_night(tmp_path: Path) -> None:
    mark_format(tmp_path, timezone="Europe/London")
    mark_format(tmp_path, timezone="America/New_York")
    assert json.loads((tmp_path / "format.json").read_text()) == {"lake_format": FORMAT, "timezone": "Europe/London"}
    refuse_other_zone(tmp_path, timezone="Europe/London")
    with pytest.raises(ConfigurationError, match=r"days in Europe/London, and .* now says America/New_York") as refused:
        refuse_other_zone(tmp_path, timezone="America/New_York")
    assert (refused.value.exit_code, 'timezone = "Europe/London"' in str(refused.value)) == (2, True)


def test_a_lake_that_does_not_say_its_zone_yet_takes_the_one_of_the_next_night(tmp_path: Path) -> None:
    refuse_other_zone(tmp_path / "none", timezone="Asia/Tokyo")
    (tmp_path / "format.json").write_text(json.dumps({"lake_format": 1}))
    refuse_other_zone(tmp_path, timezone="Asia/Tokyo")
    mark_format(tmp_path, timezone="Asia/Tokyo")
    assert read_format(tmp_path) == 1
    with pytest.raises(ConfigurationError, match="days in Asia/Tokyo"):
        refuse_other_zone(tmp_path, timezone="UTC")
