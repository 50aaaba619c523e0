"""A no stands until the same source says yes, whatever happens to a lake."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lake.member_index import scan_member_index
from lake.storage.delta import Lake
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.erasure.tables import erase_landed
from pipeline.history.consent import numbers_not_profiled
from pipeline.intake.intake import land_intake
from pipeline.replay.replay import replay
from runtime.run_context import open_run
from tests.exports import EVENTS, NIGHT, NOW, consent, source, take_in, validate, write


def test_a_member_whose_record_is_retired_is_on_no_list_and_a_no_stands(tmp_path: Path) -> None:
    toml = EVENTS + source("members", "m.csv", {"member_id": "id", "can_contact": "c", "can_profile": "p"}, 'mode = "snapshot"')
    write(tmp_path, events_csv="id,u,t\n1,a,2024-01-05\n2,b,2024-01-05\n3,c,2024-01-05\n", m_csv="id,c,p\na,no,\nb,,no\nc,,\n")
    take_in(tmp_path, toml)
    write(tmp_path, m_csv="id,c,p\nb,,\nc,,\n")
    take_in(tmp_path, toml)
    assert consent(tmp_path) == {"b": [None, False], "c": [None, None]}
    write(
        tmp_path,
        events_csv="id,u,t\n1,a,2024-01-05\n2,b,2024-01-05\n3,c,2024-01-05\n4,a,2024-01-06\n",
        m_csv="id,c,p\na,,\nb,,\nc,,\n",
    )
    take_in(tmp_path, toml)
    assert consent(tmp_path) == {"a": [False, None], "b": [None, False], "c": [None, None]}
    write(tmp_path, m_csv="id,c,p\na,yes,\nb,,\nc,,\n")
    take_in(tmp_path, toml)
    assert consent(tmp_path)["a"] == [True, None]


CELLS = st.sampled_from(["", "no", "yes", "?"])
# Of a member named twice, with values that differ, both rows are quarantined.
ROWS = st.dictionaries(st.sampled_from("xyz"), st.lists(CELLS, min_size=1, max_size=2), max_size=3)
STEPS = st.one_of(
    *[st.tuples(st.sampled_from(["a", "b"]), ROWS)] * 3,
    st.tuples(st.sampled_from(["night", "killed night", "replay", "swap", "erase z", "rename"]), st.none()),
)
MEMBERS = {"member_id": "id", "can_contact": "c", "can_profile": "c", "region": "r"}
MORE = 1 if settings.get_current_profile_name() == "repeatable" else 10


class Refusing:
    """Two sources of members, and who has refused by the rule: a no stands until the same source says yes."""

    def __init__(self, folder: Path, *, snapshot: bool) -> None:
        self.folder = folder
        self.extra = ('mode = "snapshot"', "max_retired_share = 1") if snapshot else ()
        self.paths = {"a": "a*.csv", "b": "b*.csv"}
        self.refused: dict[str, set[str]] = {"a": set(), "b": set()}
        self.erased: set[str] = set()
        self.waiting: list[tuple[str, dict[str, list[str]]]] = []
        self.names: dict[str, str] = {}
        self.files = 0
        write(folder, events_csv="id,u,t\n" + "".join(f"{n},{who},2024-01-05\n" for n, who in enumerate("qxyz")))
        for name in "ab":
            self.export(name, {who: [""] for who in "xyz"})
        self.night()

    def export(self, name: str, rows: dict[str, list[str]]) -> None:
        """Bring another export of a source; the member q keeps a snapshot from being empty."""
        self.files += 1
        cells = {"q": [""], **rows}
        lines = "".join(f"{who},{cell},{n}\n" for who in cells for n, cell in enumerate(cells[who]))
        (self.folder / f"{name}{self.files}.csv").write_text("id,c,r\n" + lines)
        self.waiting.append((name, rows))

    def toml(self) -> str:
        """What evenfall.toml says now."""
        named = {name: (f'name = "{self.names[name]}"',) if name in self.names else () for name in self.paths}
        sections = (source("members", path, MEMBERS, *self.extra, *named[name]) for name, path in self.paths.items())
        return EVENTS + "".join(sections) + "[validation.members]\nmax_bad_share = 1\n"

    def night(self) -> None:
        """Take in what waits, in the order of the sources."""
        take_in(self.folder, self.toml())
        for number, (name, rows) in enumerate(self.waiting):
            # Of a snapshot that a newer one has taken the place of the noes alone are heard.
            is_superseded = self.extra and any(name == later for later, _ in self.waiting[number + 1 :])
            for who, cells in rows.items():
                if {"no", "?"} & set(cells):
                    self.refused[name].add(who)
                elif "yes" in cells and not is_superseded:
                    self.refused[name].discard(who)
        self.waiting = []

    def do(self, step: str) -> None:
        """Do one of the other things that happen to a lake."""
        lake = Lake(self.folder / "lake")
        if step == "night":
            self.night()
        elif step == "killed night":
            with suppress(KeyboardInterrupt):
                land_intake(
                    open_run(self.folder, NIGHT, now=NOW).workspace, validate(self.folder, self.toml()), about_to_record=_dies
                )
        elif step == "replay":
            replay(self.folder)
        elif step == "swap":
            self.paths = dict(reversed(self.paths.items()))
        elif step == "rename":
            self.names["a"] = f"forum {self.files}"
        elif "z" not in self.erased:
            known = scan_member_index(lake).select("member_id").collect()["member_id"]
            erase_landed(lake, IdMatchers.of(["z"], known=known), masks={"z": "x1"})
            for refused in self.refused.values():
                refused.discard("z")
            # Who has been erased is left out of exports from here on, which the register sees to.
            self.erased.add("z")
            for file in self.folder.glob("[ab]*.csv"):
                file.unlink()
                self.waiting = []
            for name in "ab":
                self.export(name, {})

    def check(self, *, exactly: bool) -> None:
        """Whoever has refused is refused; nobody else, unless a row of theirs never landed or was replayed."""
        refused = (self.refused["a"] | self.refused["b"]) - self.erased
        lake, said = Lake(self.folder / "lake"), consent(self.folder)
        assert all(said[who] == [False, False] for who in refused & set(said)), (refused, said)
        if exactly:
            assert not {who for who, told in said.items() if False in told} - refused - self.erased, (refused, said)
        index = dict(scan_member_index(lake).select("member_no", "member_id").collect().iter_rows())
        assert refused <= {index[number] for number in numbers_not_profiled(lake)}


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


@settings(max_examples=5 * MORE, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=2, max_size=6), snapshot=st.booleans())
def test_nobody_who_said_no_is_scored_or_listed(steps: list[tuple[str, Any]], snapshot: bool) -> None:
    """Any order of sources, files, nights, erasures and replays: a no stands until the same source says yes."""
    with tempfile.TemporaryDirectory() as temporary:
        lake = Refusing(Path(temporary), snapshot=snapshot)
        for step, rows in steps:
            if rows is None:
                lake.do(step)
            else:
                lake.export(step, rows)
        lake.night()
        is_clean = all(len(cells) == 1 for _, rows in steps for cells in (rows or {}).values())
        lake.check(exactly=is_clean and ("replay", None) not in steps)
