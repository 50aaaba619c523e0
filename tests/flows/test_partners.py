"""`evenfall partners` on the command line: what is asked wrongly ends with 2 and says what to do."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from flows.cli.main import main
from tests.pipeline.community.test_partner_exchange import KEY, SIZE, club


def ends_with(code: int, *arguments: str | Path) -> None:
    with pytest.raises(SystemExit) as end:
        main(["partners", *map(str, arguments)])
    assert end.value.code == code


def test_two_communities_are_compared_by_the_files_of_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = club(tmp_path / "club").workspace.root
    ends_with(2, "--workspace", root, "--export", tmp_path / "ours.csv")
    assert "PARTNERS_KEY is not set\n  → Set it" in capsys.readouterr().err
    monkeypatch.setenv("PARTNERS_KEY", KEY)
    ends_with(2, "--workspace", root)
    ends_with(2, "--workspace", root, "--with", tmp_path / "theirs.csv")
    ends_with(0, "--workspace", root, "--export", tmp_path / "ours.csv")
    strangers = pl.DataFrame({"member_hash": [f"{number:064x}" for number in range(30)]})
    pl.concat([pl.read_csv(tmp_path / "ours.csv").head(40), strangers]).write_csv(tmp_path / "theirs.csv")
    ends_with(0, "club-2", "--workspace", root, "--with", tmp_path / "theirs.csv")
    said = capsys.readouterr().out
    assert f"{SIZE - 2} hashes of members who agreed" in said
    assert "40 members are in both" in said
    ends_with(0, "--workspace", root, "--counts", tmp_path / "counts.csv")
    ends_with(0, "club-2", "--workspace", root, "--with", tmp_path / "counts.csv")
    assert "By topic both communities are alike by 100" in capsys.readouterr().out
    ends_with(3, "club-2", "--workspace", root, "--with", tmp_path / "nowhere.csv")
