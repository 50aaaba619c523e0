"""`evenfall partners`: what leaves is hashed or counted, and only of members who agreed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from community.partners import Overlap, member_hashes
from lake.errors import ConfigurationError, DataError
from lake.member_index import scan_member_index
from pipeline.community.partner_exchange import compare, export_counts, export_hashes, newest_night
from pipeline.stored_nights import NIGHT, SCORES, store_night
from runtime.run_context import RunContext, open_run
from tests.forum import FIRST_DAY, NOW, take_in

TONIGHT = date(2025, 3, 20)
KEY = "k" * 32
CONFIGURATION = """\
[sources.members]
path = "landing/members.csv"
[sources.content]
path = "landing/content.csv"
[sources.events]
path = "landing/events.csv"
[partners]
salt = "spring"
"""
SIZE = 60


def club(folder: Path) -> RunContext:
    """Sixty members, the last two of whom refuse profiling; even ones come to wine, odd ones to beer."""
    (folder / "landing").mkdir(parents=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION)
    ids = [f"m{number}" for number in range(SIZE)]
    columns = {
        "member_id": ids,
        "region": ["north" if number < 40 else "south" for number in range(SIZE)],
        "can_profile": [number < SIZE - 2 for number in range(SIZE)],
        "handle": [f"{one}@example.org" if number else None for number, one in enumerate(ids)],
    }
    pl.DataFrame(columns).write_csv(folder / "landing/members.csv")
    pl.DataFrame(
        {
            "content_id": ["w", "b"],
            "author_id": ["m0", "m1"],
            "published_at": [f"{FIRST_DAY} 09:00:00"] * 2,
            "topic": ["wine", "beer"],
        }
    ).write_csv(folder / "landing/content.csv")
    pl.DataFrame(
        {
            "member_id": ids,
            "event_type": ["read"] * SIZE,
            "occurred_at": [f"{TONIGHT} 10:00:00"] * SIZE,
            "content_id": ["b" if number % 2 else "w" for number in range(SIZE)],
        }
    ).write_csv(folder / "landing/events.csv")
    take_in(folder, night=TONIGHT)
    run = replace(open_run(folder, TONIGHT.isoformat()), now=NOW)
    index = scan_member_index(run.workspace.lake).collect()
    tiers = index.select(pl.lit(TONIGHT).alias(NIGHT), "member_no", tier=pl.lit("gold"))
    store_night(run.workspace.lake, SCORES, tiers, TONIGHT)
    return run


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> RunContext:
    return club(tmp_path_factory.mktemp("partners") / "club")


@pytest.fixture
def run(taken_in: RunContext, monkeypatch: pytest.MonkeyPatch) -> RunContext:
    """The club with its key; nobody changes more of it than the reports."""
    monkeypatch.setenv("PARTNERS_KEY", KEY)
    return taken_in


def hashes_of(ids: list[str]) -> pl.Series:
    return member_hashes(pl.Series(ids), key=KEY.encode(), salt="spring")


def test_the_export_has_hashes_of_those_who_agreed_in_their_own_order_and_nothing_else(run: RunContext, tmp_path: Path) -> None:
    assert export_hashes(newest_night(run), tmp_path / "h.csv") == SIZE - 2
    written = pl.read_csv(tmp_path / "h.csv")
    assert written.columns == ["member_hash"]
    assert written["member_hash"].to_list() == sorted(hashes_of([f"m{number}" for number in range(SIZE - 2)]))


def test_handles_can_be_hashed_instead(run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARTNERS_KEY")
    monkeypatch.setenv("OTHER_KEY", KEY)
    other = run.settings.partners.model_copy(update={"by": "handle", "key_variable": "OTHER_KEY"})
    by_handle = replace(run, settings=run.settings.model_copy(update={"partners": other}))
    assert export_hashes(by_handle, tmp_path / "h.csv") == SIZE - 3
    assert hashes_of(["M1@example.org"])[0] in pl.read_csv(tmp_path / "h.csv")["member_hash"].to_list()


def test_without_key_or_salt_nothing_is_hashed(run: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTNERS_KEY", "short")
    with pytest.raises(ConfigurationError, match="fewer than 16"):
        export_hashes(run, tmp_path / "h.csv")
    monkeypatch.delenv("PARTNERS_KEY")
    with pytest.raises(ConfigurationError, match="PARTNERS_KEY is not set"):
        export_hashes(run, tmp_path / "h.csv")
    assert not (tmp_path / "h.csv").exists()
    monkeypatch.setenv("PARTNERS_KEY", KEY)
    unsalted = run.settings.partners.model_copy(update={"salt": None})
    with pytest.raises(ConfigurationError, match="salt"):
        export_hashes(replace(run, settings=run.settings.model_copy(update={"partners": unsalted})), tmp_path / "h.csv")


def test_counts_are_written_of_what_members_have(run: RunContext, tmp_path: Path) -> None:
    assert export_counts(run, tmp_path / "c.csv") == 4
    rows = pl.read_csv(tmp_path / "c.csv").rows()
    assert rows == [("region", "north", 40), ("region", "south", 18), ("topic", "wine", 29), ("topic", "beer", 29)]


def test_their_hashes_are_compared_with_ours_and_the_file_has_counts_alone(run: RunContext, tmp_path: Path) -> None:
    theirs = pl.concat([hashes_of([f"m{number}" for number in range(20, SIZE)]), pl.Series([f"{n:064x}" for n in range(30)])])
    pl.DataFrame({"member_hash": theirs.str.to_uppercase()}).write_csv(tmp_path / "theirs.csv")
    result, written = compare(run, "garden-club", tmp_path / "theirs.csv")
    assert isinstance(result, Overlap)
    # Two of ours who refuse profiling are on their list, and count as new to us.
    assert (result.ours, result.theirs, result.shared) == (58, 70, 38)
    assert written == run.workspace.root / f"reports/partners-garden-club-{TONIGHT}.csv"
    rows = pl.read_csv(written)
    assert rows.filter(pl.col("dimension") == "topic").select("value", "ours", "shared").rows() == [
        ("wine", 29, 19),
        ("beer", 29, 19),
    ]
    # All of the south are shared: it is not told, and so neither is the north.
    assert "region" not in rows["dimension"].to_list()
    assert not set(theirs) & set(written.read_text().replace(",", " ").split())


def test_their_counts_are_compared_with_ours(run: RunContext, tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("dimension,value,members\ntopic,wine,300\ntopic,cars,100\n")
    result, written = compare(run, "cellar", tmp_path / "theirs.csv")
    assert isinstance(result, pl.DataFrame)
    assert pl.read_csv(written).select("value", "ours", "theirs").rows() == [
        ("wine", 29, 300),
        ("beer", 29, None),
        ("cars", None, 100),
    ]


@pytest.mark.parametrize(
    "content",
    ["", "member_hash\nm1\n", "member_hash\n", "dimension,value\ntopic,wine\n", "dimension,value,members\ntopic,wine,many\n",
     "dimension,value,members\ntopic,wine,10\ntopic,wine,20\n"],
)  # fmt: skip
def test_a_file_of_another_form_is_refused(run: RunContext, tmp_path: Path, content: str) -> None:
    (tmp_path / "theirs.csv").write_text(content)
    with pytest.raises(DataError):
        compare(run, "cellar", tmp_path / "theirs.csv")
    with pytest.raises(ConfigurationError, match="part of a file's name"):
        compare(run, "../cellar", tmp_path / "theirs.csv")
