"""A simulated community in which everything is planted that a night must find, and one night of it for all who look."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
import pytest

from tests.features.builders import AS_OF
from tests.features.network.planted import LEADERS_IN_EACH, SIZES, Planted, planted
from tests.nights import succeed

# Every test process reads this file; few run the night.
if TYPE_CHECKING:
    from runtime.run_context import RunContext

NOW: Final = datetime.combine(AS_OF + timedelta(days=40), time(2), tzinfo=UTC)
ROOMS: Final = ("wine", "beer", "cider", "mead")
SIMULATED: Final = 160
SIMULATED_DAYS: Final = 120
STAFF: Final = "boss"
BOT: Final = "feeder"
HELPER: Final = "helper"
# Helps as well, and does not agree to be shown.
SHY_HELPER: Final = "shy"
# Newcomers whom both help, and newcomers whom nobody answers.
HELPED: Final = tuple(f"h{number}" for number in range(8))
UNANSWERED: Final = tuple(f"u{number:02d}" for number in range(12))
VIRAL: Final = "viral"
FANS: Final = 120
# A leader like the others, who refuses profiling.
REFUSER_NO: Final = sum(SIZES[:-1]) + LEADERS_IN_EACH - 1
REFUSER: Final = f"p{REFUSER_NO}"
_LONG_AGO: Final = 400


@dataclass(frozen=True)
class PlantedNight:
    """The planted community after its night, as of `AS_OF`; nobody changes it.

    Args:
        root: The workspace.
        truth: The ties that were planted, and between whom; the member of position n is called p and n.
        members: The member list of the night.
    """

    root: Path
    truth: Planted
    members: pl.DataFrame

    @property
    def lists(self) -> Path:
        """The folder of the night's lists."""
        return self.root / "lists" / str(AS_OF)

    @property
    def report(self) -> str:
        """The night's report."""
        return (self.root / "reports" / f"{AS_OF}.html").read_text(encoding="utf-8")

    def listed(self, name: str) -> pl.DataFrame:
        """A list of the night as text."""
        return pl.read_csv(self.lists / f"{name}.csv", infer_schema=False)

    def run(self, root: Path | None = None) -> RunContext:
        """The run of the night, in the workspace or in a copy of it."""
        from runtime.run_context import open_run

        return open_run(root or self.root, AS_OF, now=NOW).on(AS_OF)


@pytest.fixture(scope="session")
def planted_night(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> PlantedNight:
    """Run the night of the planted community once."""
    root, truth = tmp_path_factory.mktemp("planted_community"), planted()
    write_planted(root, truth)
    succeed("nightly", "--workspace", root, "--as-of", AS_OF)
    return PlantedNight(root, truth, pl.read_parquet(root / "lists" / str(AS_OF) / "members.parquet"))


def write_planted(root: Path, truth: Planted) -> None:
    """Write the workspace of the planted community: its exports and its configuration."""
    from lake.simulate import simulate

    simulate(root, seed=3, members=SIMULATED, days=SIMULATED_DAYS, first_day=AS_OF - timedelta(days=SIMULATED_DAYS - 1))
    (root / "evenfall.toml").write_text(_configuration(), encoding="utf-8")
    landing = root / "landing"
    simulated = pl.read_csv(landing / "members.csv", infer_schema=False)
    pl.concat([simulated, _members(truth)], how="diagonal").write_csv(landing / "members.csv")
    _append(landing / "content.jsonl", _pieces())
    _append(landing / "events" / "app-planted.jsonl", _events(simulated["member_id"].to_list()))
    write_ties(root, "ties", truth, truth.rows)


def write_ties(root: Path, name: str, truth: Planted, ties: pl.DataFrame) -> None:
    """Write an export of ties: comments in the room of who gives them; members of rings have none."""
    # Scattered over the day: whoever comments by the clock is taken for a bot.
    random = np.random.default_rng(len(ties))
    comments = [
        _event(
            f"{name}-{day}-{one}-{other}-{number}",
            f"p{one}",
            "comment",
            _at(day, int(random.integers(25_000, 75_000))),
            to=f"p{other}",
            room=ROOMS[truth.community[one]] if truth.ring[one] < 0 else None,
        )
        for day, one, other, times in ties.iter_rows()
        for number in range(times)
    ]
    _append(root / "landing" / "events" / f"app-{name}.jsonl", comments)


def _configuration() -> str:
    from flows.scaffold import DEMO_CONFIGURATION

    named = DEMO_CONFIGURATION.replace("[community]\n", f'[community]\nstaff = ["{STAFF}"]\n')
    consent = 'can_profile = "can_profile"\n'
    shown = named.replace(consent, consent + 'can_show = "can_show"\ndisplay_name = "name"\n')
    # Learning is not what is looked at: the starting model scores.
    return shown + "\n[prediction]\nmax_cutoffs = 3\nmin_members_to_learn = 10_000\n"


def _members(truth: Planted) -> pl.DataFrame:
    """Those who are planted; two agree to be shown, one refuses, one refuses profiling."""
    shown = {HELPER: "yes", f"p{truth.leaders[0]}": "yes", SHY_HELPER: "no"}
    days_here = {**dict.fromkeys(HELPED, 10), **dict.fromkeys(UNANSWERED, 4)}
    who = [*(f"p{number}" for number in range(len(truth.community))), STAFF, BOT, HELPER, SHY_HELPER, *HELPED, *UNANSWERED]
    return pl.DataFrame(
        {
            "member_id": who,
            "joined": [str(AS_OF - timedelta(days=days_here.get(one, _LONG_AGO))) for one in who],
            "name": [f"Name of {one}" for one in who],
            "can_show": [shown.get(one) for one in who],
            "can_profile": ["false" if one == REFUSER else "true" for one in who],
        }
    )


def _pieces() -> list[dict[str, Any]]:
    asked = [*((f"of-{one}", one, 2) for one in (*UNANSWERED, REFUSER)), *((f"of-{one}", one, 5) for one in HELPED)]
    return [
        {
            "content_id": piece, "author_id": who, "published_at": _at(AS_OF - timedelta(days=ago), 43_200),
            "topic": "books", "format": "question", "title": "Who can help?",
        }
        for piece, who, ago in (*asked, (VIRAL, HELPER, 10))
    ]  # fmt: skip


def _events(simulated: list[str]) -> list[dict[str, Any]]:
    """What the planted members without ties do, and the simulated ones who comment on the viral post."""
    days = [AS_OF - timedelta(days=ago) for ago in range(SIMULATED_DAYS)]
    helped = [(HELPER, one) for one in HELPED] + [(SHY_HELPER, one) for one in HELPED[:5]]
    return [
        *(_event(f"fan-{one}", one, "comment", _at(days[9], 36_000), item=VIRAL) for one in simulated[:FANS]),
        *(
            _event(f"help-{who}-{one}", who, "comment", _at(days[4], 36_000 + 700 * n), item=f"of-{one}", to=one)
            for n, (who, one) in enumerate(helped)
        ),
        # At three in the morning, give or take a few seconds.
        *(_event(f"feed-{day}", BOT, "post", _at(day, 10_800 + n % 7)) for n, day in enumerate(days)),
        *(_event(f"staff-{day}", STAFF, "comment", _at(day, 43_000 + 61 * n), to="p1") for n, day in enumerate(days[:60:2])),
    ]


def _at(day: date, seconds: int) -> str:
    moment = datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _event(
    key: str, who: str, kind: str, at: str, *, item: str | None = None, to: str | None = None, room: str | None = None
) -> dict[str, Any]:
    return {"id": key, "user": who, "type": kind, "ts": at, "item": item, "to": to, "room": room, "device": "ios"}


def _append(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
