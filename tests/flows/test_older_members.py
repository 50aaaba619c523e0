"""A lake in which one source of members overwrote the other: who had refused is found again, and nothing lands twice."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import read_arrivals
from lake.errors import ConfigurationError
from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from pipeline.history.consent import numbers_not_profiled
from pipeline.history.daily_rollups import members_known
from pipeline.intake.intake import Intake, land_intake, validate_sources
from pipeline.replay.replay import replay
from runtime.run_context import open_run
from tests.paths import ROOT

ARCHIVE = ROOT / "tests" / "workspaces" / "members-overwritten.tar.xz"
NIGHT = date(2024, 3, 3)
NOW = datetime(2024, 3, 4, 3, tzinfo=UTC)
# Contact and profiling. Of m6 only a quarantined row is left.
SAID = {
    "m1": (False, None),
    "m2": (True, None),
    "m3": (None, None),
    "m4": (None, False),
    "m5": (None, False),
    "m7": (None, None),
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The workspace as the earlier release left it."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path


def validate(folder: Path) -> Intake:
    """Read and judge what is new."""
    run = open_run(folder, NIGHT, now=NOW)
    intake = validate_sources(run.workspace, run.settings, as_of=NIGHT, now=NOW, progress=lambda _: None)
    assert not intake.stops
    return intake


def land(folder: Path, intake: Intake, *, about_to_record: Callable[..., None] | None = None) -> None:
    """Land it."""
    land_intake(open_run(folder, NIGHT, now=NOW).workspace, intake, about_to_record=about_to_record)


def said(folder: Path) -> dict[str, tuple[bool | None, bool | None]]:
    """Member → whether they may be contacted and profiled."""
    known = members_known(Lake(folder / "lake"), timezone="UTC", as_of=NIGHT).collect()
    return {
        member: (contact, profile) for member, contact, profile in known.select("member_id", "can_contact", "can_profile").rows()
    }


def not_profiled(folder: Path) -> set[str]:
    """The members who are in no feature."""
    lake = Lake(folder / "lake")
    numbers = numbers_not_profiled(lake)
    index = scan_member_index(lake).filter(pl.col("member_no").is_in(numbers.implode())).collect()
    return set(index["member_id"])


def dies(*_: object) -> None:
    """End a run before what it landed is recorded."""
    raise KeyboardInterrupt


def test_an_old_lake_finds_again_who_refused_and_lands_nothing_twice(old: Path) -> None:
    assert said(old)["m1"] == (None, None)
    land(old, validate(old))
    assert said(old) == SAID
    assert not_profiled(old) == {"m4", "m5"}
    lake = Lake(old / "lake")
    assert (lake.row_count("events"), lake.row_count("orders"), lake.row_count("members")) == (9, 2, 6)
    ledger = read_arrivals(lake)
    assert ledger["source"].unique().sort().to_list() == [
        f"landing/{name}" for name in ("newsletter.csv", "orders.csv", "posts*.csv", "reads*.csv", "users*.csv")
    ]
    assert validate(old).arrivals == ()
    # The member of whom only a quarantined row is left comes again: what could not be read is a no.
    (old / "landing" / "reads-3.csv").write_text("u,t\nm6,2024-03-03\n")
    (old / "landing" / "users-3.csv").write_text("id,created,profile\nm6,2023-12-05,\n")
    land(old, validate(old))
    assert said(old) == {**SAID, "m6": (None, False)}


def test_a_first_night_that_was_killed_reads_the_members_once_more(old: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        land(old, validate(old), about_to_record=dies)
    land(old, validate(old))
    assert said(old) == SAID


def test_the_quarantine_of_an_old_lake_waits_for_the_first_night(old: Path) -> None:
    with pytest.raises(ConfigurationError, match="did not keep who had refused by source"):
        replay(old)
    land(old, validate(old))
    assert replay(old) == "1 rows re-admitted, 0 still break a rule. The next night sees them."
    assert said(old) == {**SAID, "m6": (None, False)}


def test_a_new_export_of_an_old_lake_may_say_yes(old: Path) -> None:
    (old / "landing" / "users-3.csv").write_text("id,created,profile\nm4,2023-12-03,yes\nm5,,no\n")
    land(old, validate(old))
    assert said(old) == {**SAID, "m4": (None, True)}


def test_sources_of_an_old_lake_are_known_by_their_files_however_the_path_is_written(old: Path) -> None:
    toml = old / "evenfall.toml"
    written = toml.read_text().replace("landing/reads*", "./landing/reads*").replace("landing/posts*", f"{old}/landing/posts*")
    toml.write_text(written)
    land(old, validate(old))
    assert Lake(old / "lake").row_count("events") == 9


def test_a_source_that_was_taken_away_with_the_upgrade_is_not_taken_for_the_one_that_is_left(old: Path) -> None:
    toml = old / "evenfall.toml"
    newsletter, users = toml.read_text().index("[[sources.members]]"), toml.read_text().rindex("[[sources.members]]")
    events = toml.read_text().index("[[sources.events]]")
    assert newsletter < users < events
    toml.write_text(toml.read_text()[:users] + toml.read_text()[events:])
    (old / "landing" / "newsletter.csv").write_text("id,ok\nm1,no\nm2,yes\nm3,\nm4,yes\n")
    written = toml.read_text().replace('can_contact = "ok"', 'can_contact = "ok"\ncan_profile = "ok"')
    toml.write_text(written)
    land(old, validate(old))
    assert said(old)["m4"] == (True, False)
