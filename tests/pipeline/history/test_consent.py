"""Members who said no to being profiled are counted and listed, and move nobody's features."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from features.panel import build_panel
from lake.storage.delta import Lake
from pipeline.history import daily_rollups
from pipeline.history.daily_rollups import load_history, members_known
from tests.forum import DAYS, FIRST_DAY, NIGHT, WHO, take_in, write_forum

REFUSED = [WHO[0], "carl"]


def test_what_members_who_may_not_be_profiled_do_moves_nobodys_features(tmp_path: Path) -> None:
    panels = []
    for name, silent in (("with", False), ("without", True)):
        folder = tmp_path / name
        write_forum(folder)
        members = pl.read_csv(folder / "landing/members.csv")
        no = pl.col("member_id").is_in(REFUSED)
        members.with_columns(can_profile=pl.when(no).then(pl.lit("no"))).write_csv(folder / "landing/members.csv")
        if silent:
            for export, owner in (("events.csv", "member_id"), ("content.csv", "author_id"), ("feedback.csv", "member_id")):
                rows = pl.read_csv(folder / "landing" / export)
                kept = rows.filter(~pl.col(owner).is_in(REFUSED))
                if "content_id" in rows.columns and owner == "member_id":
                    theirs = [f"piece{number}" for number in range(DAYS) if WHO[number % 6] in REFUSED]
                    kept = kept.with_columns(content_id=pl.when(~pl.col("content_id").is_in(theirs)).then("content_id"))
                kept.write_csv(folder / "landing" / export)
        take_in(folder)
        history = load_history(Lake(folder / "lake"), timezone="UTC", as_of=NIGHT)
        panel = build_panel(
            history,
            cutoffs=[FIRST_DAY + timedelta(days=days) for days in (8, 12)],
            churn_horizon_days=5,
            value_horizon_days=5,
            seen_until=NIGHT,
            eligible_days=10,
        )
        panels.append((panel.drop("member_no"), history.available, history.event_types))
    assert panels[0][1:] == panels[1][1:]
    assert panels[0][0]["member_id"].n_unique() == len(WHO) - 2
    assert panels[0][0].equals(panels[1][0])
    listed = members_known(Lake(tmp_path / "with" / "lake"), timezone="UTC", as_of=NIGHT).collect()
    assert set(listed["member_id"]) == set(WHO)


@pytest.mark.parametrize("first_rows", [1, 10_000])
def test_a_column_that_one_late_row_fills_is_there_and_one_that_only_who_refuses_fills_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_rows: int
) -> None:
    monkeypatch.setattr(daily_rollups, "_FIRST_ROWS", first_rows)
    write_forum(tmp_path)
    members = pl.read_csv(tmp_path / "landing/members.csv")
    refuses = pl.col("member_id") == WHO[0]
    members.with_columns(
        can_profile=pl.when(refuses).then(pl.lit("no")),
        region=pl.when(refuses).then(pl.lit("here")),
        platform=pl.when(pl.col("member_id") == WHO[4]).then(pl.lit("web")),
        referrer_id=pl.when(pl.col("member_id") == WHO[2]).then(pl.lit(WHO[3])),
    ).write_csv(tmp_path / "landing/members.csv")
    take_in(tmp_path)
    available = load_history(Lake(tmp_path / "lake"), timezone="UTC", as_of=NIGHT).available
    assert {"members", "members.platform", "members.referrer_id"} <= available
    assert "members.region" not in available
