"""The people of a small forum, from its exports to the lists and facts of a night."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from engagement.actions import AUDIENCE_SCHEMA
from lake.arrivals import REFUSALS
from lake.refusals import scan_consent
from lake.roles import store_configured_roles
from lake.storage.delta import Lake
from outputs.people_lists import BADGES_LIST, READY, RECOGNITION, SUSPECTED_BOTS
from pipeline.community.people import People, measure_people
from pipeline.community.thanks import BADGES
from pipeline.engagement.actions import configured_roles
from pipeline.history.recent_rollups import read_recent_rollups
from pipeline.lists import members_seen
from runtime.run_context import RunContext, open_run
from tests.forum import take_in
from wording.numbers import NO_BREAK_SPACE

FIRST_DAY = date(2025, 1, 1)
DAYS = 150
NIGHT = FIRST_DAY + timedelta(days=DAYS - 1)
NOW = datetime(2025, 7, 1, 2, 30, tzinfo=UTC)
CONFIGURATION = """\
[community]
name = "Forum"
staff = ["boss"]

[sources.members]
path = "landing/members.csv"
[sources.events]
path = "landing/events.csv"

[recognition.levels]
Member = 1
Pillar = 6

[[badges]]
name = "writer"
label = "Writer"
rule = "contributions_7d >= 1"
points = 1

[[badges]]
name = "neighbour"
label = "Good neighbour"
rule = "newcomers_helped_28d >= 2"
points = 5
"""
OLD = [f"old{number}" for number in range(6)]
# 12 joined in the newest cohort that can be told, two in the last week; a helper answers half of them.
NEW = [f"new{number}" for number in range(14)]
JOINED = {who: DAYS - 1 - (70 if number < 12 else 5) for number, who in enumerate(NEW)}


def moment(day: int, second: int) -> str:
    return (datetime.combine(FIRST_DAY, datetime.min.time()) + timedelta(days=day, seconds=second)).isoformat(sep=" ")


def events() -> list[tuple[str, str, str, str | None]]:
    rows: list[tuple[str, str, str, str | None]] = []
    for number, who in enumerate(OLD):
        rows += [
            (who, "post", moment(day, 30_000 + 7_919 * (day * day + number) % 40_000), None) for day in range(number, DAYS, 5)
        ]
    for number, who in enumerate(NEW):
        joined = JOINED[who]
        rows.append((who, "read", moment(joined, 36_000 + number), None))
        if number % 2 == 0:
            rows.append((who, "post", moment(joined + 1, 36_000 + number), None))
            rows.append(("old0", "comment", moment(joined + 2, 40_000 + 600 * number), who))
        if number % 4 == 0 and joined + 40 < DAYS:
            rows.append((who, "read", moment(joined + 40, 36_000 + number), None))
    rows += [("feeder", "post", moment(day, 10_800 + day % 7), None) for day in range(DAYS)]
    rows += [("boss", "post", moment(day, 43_000 + 61 * day), "old1") for day in range(0, DAYS, 2)]
    # Two people respond to old0 in the last week.
    rows += [(who, "comment", moment(DAYS - 2, 30_000 + 500 * number), "old0") for number, who in enumerate(("old4", "old5"))]
    # A burst of one-word posts that nobody responds to, on the last day.
    rows += [("flood", "post", moment(DAYS - 1, 50_000 + 5 * n), None) for n in range(60)]
    return rows


def write_people(folder: Path) -> None:
    """Write the forum; two agree to be shown, one refuses, one says what nobody can read, the others say nothing."""
    (folder / "landing").mkdir(parents=True)
    (folder / "evenfall.toml").write_text(CONFIGURATION, encoding="utf-8")
    agrees = {"old0": "yes", "flood": "yes", "old2": "no", "old3": "perhaps"}
    others = (*OLD, "flood", "feeder", "boss")
    known: list[tuple[str | None, ...]] = [
        (who, moment(0, 0), f"Name of {who}", agrees.get(who, ""), None, None) for who in others
    ]
    known += [
        (who, moment(JOINED[who], 1), f"Name of {who}", "no", "search" if number % 2 else "event", "old0" if number < 6 else None)
        for number, who in enumerate(NEW)
    ]
    schema = dict.fromkeys(["member_id", "joined_at", "display_name", "can_show", "join_source", "referrer_id"], pl.String)
    pl.DataFrame(known, schema=schema, orient="row").write_csv(folder / "landing" / "members.csv")
    columns = dict.fromkeys(["member_id", "event_type", "occurred_at", "target_member_id"], pl.String)
    pl.DataFrame(events(), schema=columns, orient="row").write_csv(folder / "landing" / "events.csv")


def segmented(seen: pl.DataFrame) -> pl.DataFrame:
    """Members as segmenting leaves them, as far as the people of a night read them; old1 is near to silver."""
    is_near = pl.col("member_id") == "old1"
    scored = seen.filter(pl.col("can_profile").fill_null(value=True)).with_columns(
        tier=pl.lit("regular"),
        tier_since=pl.lit(NIGHT),
        member_value_score=pl.when(is_near).then(69.0).otherwise(10.0),
        commercial_score=pl.lit(None, pl.Float64),
        is_eligible=pl.lit(value=True),
        active_days_28d=pl.lit(3),
        active_days_365d=pl.lit(30),
        posts_365d=pl.when(pl.col("member_id").str.starts_with("old")).then(30).otherwise(0),
    )
    return scored.sort("member_id")


def known(seen: pl.DataFrame) -> pl.DataFrame:
    absent = {name: dtype for name, dtype in AUDIENCE_SCHEMA.items() if name not in seen.columns}
    return seen.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in absent.items())


def measured(folder: Path, night: date = NIGHT) -> tuple[RunContext, People]:
    run = open_run(folder, night, now=NOW)
    store_configured_roles(run.workspace.lake, configured_roles(run.settings))
    seen = members_seen(run)
    return run, measure_people(run, segmented(seen), seen, known(seen), read_recent_rollups(run))


@pytest.fixture(scope="module")
def forum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    write_people(folder)
    take_in(folder, night=NIGHT, now=NOW)
    return folder


@pytest.fixture(scope="module")
def night(forum: Path, tmp_path_factory: pytest.TempPathFactory) -> People:
    return measured(copy_of(forum, tmp_path_factory.mktemp("night")))[1]


def copy_of(forum: Path, folder: Path) -> Path:
    shutil.copytree(forum, folder, dirs_exist_ok=True)
    return folder


def test_the_bot_is_proposed_with_its_line_and_staff_is_counted_apart(night: People) -> None:
    suspects = night.lists[SUSPECTED_BOTS]
    assert suspects.select("member_id", "setting").rows() == [("feeder", '"feeder",')]
    by_clock = f"100{NO_BREAK_SPACE}% of 90 visits began within the same ten minutes of the day."
    assert suspects["reason"][0].startswith(f"{by_clock} 90 actions in 90 days")
    roles = night.facts.roles
    assert roles is not None
    assert (roles.staff, roles.bots, roles.suspected) == (1, 0, 1)
    assert roles.path == f"../lists/{NIGHT}/suspected_bots.xlsx"
    assert 0 < (roles.staff_share or 0) < 0.2


def test_the_way_of_newcomers_is_told_with_where_they_came_from(night: People) -> None:
    newcomers = night.facts.newcomers
    assert newcomers is not None
    assert newcomers.funnel is not None
    counts = {stage.name: stage.members for stage in newcomers.funnel.stages}
    assert counts == {"joined": 12, "read": 12, "posted": 6, "answered": 6, "stayed": 3}
    assert [(one.name, one.members) for one in newcomers.by_source] == [("event", 6), ("search", 6)]
    assert newcomers.invited is not None
    assert (newcomers.invited.members, newcomers.invited.stayed) == (6, 2 / 6)
    # Nobody wrote of the fourteen newcomers, of flood and of feeder, as `segmented` has it.
    assert (newcomers.active, newcomers.silent) == (22, 16)


def test_thanks_go_to_helpers_and_not_to_floods_and_only_who_agreed_is_shown(night: People) -> None:
    rows = night.lists[RECOGNITION]
    by_kind = {kind: rows.filter(pl.col("kind") == kind)["member_id"].to_list() for kind in rows["kind"].unique()}
    # Sixty contributions in five minutes count as one, and of one that nobody responds to nothing is posted.
    assert "old0" in by_kind["contributor"]
    assert "flood" not in by_kind["contributor"]
    # A single newcomer was helped this week.
    assert "helper" not in by_kind
    assert "boss" not in rows["member_id"]
    assert rows.filter("on_board")["member_id"].unique().to_list() == ["old0"]
    recognition = night.facts.recognition
    assert recognition is not None
    assert recognition.not_counted == 59
    assert recognition.on_board == 1


def test_a_refusal_to_be_shown_by_any_source_stands_against_a_yes(forum: Path, tmp_path: Path) -> None:
    lake = Lake(copy_of(forum, tmp_path) / "lake")
    refusals = lake.scan(REFUSALS).collect()
    assert set(refusals.filter("refuses_show")["member_id"]) == {"old2", "old3", *NEW}
    of_old0 = refusals.head(1).with_columns(member_id=pl.lit("old0"), source=pl.lit("another"))
    lake.replace(REFUSALS, pl.concat([refusals, of_old0]))
    named = measured(tmp_path)[1].lists[RECOGNITION]
    assert "old0" in named["member_id"]
    assert not named["on_board"].any()


def test_a_lake_of_an_earlier_release_knows_no_refusal_to_be_shown(forum: Path, tmp_path: Path) -> None:
    lake = Lake(copy_of(forum, tmp_path) / "lake")
    lake.replace(REFUSALS, lake.scan(REFUSALS).collect().drop("refuses_show"))
    assert scan_consent(lake).filter(pl.col("member_id") == "flood").collect().is_empty()
    # What the members' own rows say stands all the same.
    assert scan_consent(lake).filter(pl.col("member_id") == "old2").collect()["can_show"].to_list() == [False]


def test_who_is_ready_to_rise_is_listed_with_what_is_missing(night: People) -> None:
    assert night.lists[READY].select("member_id", "next_tier", "reason").rows() == [
        ("old1", "silver", "1.0 points below silver in the value score.")
    ]


def test_a_badge_stays_and_a_night_that_is_run_again_changes_nothing(forum: Path, tmp_path: Path) -> None:
    copy_of(forum, tmp_path)
    earlier = NIGHT - timedelta(days=62)
    first = measured(tmp_path, earlier)[1].lists[BADGES_LIST]
    helper = first.filter(pl.col("member_id") == "old0").row(0, named=True)
    assert (helper["points"], helper["level"], helper["badges"]) == (6, "Pillar", "Writer, Good neighbour")
    run, people = measured(tmp_path)
    version = run.workspace.lake.version(BADGES)
    # Two months later old0 has helped one newcomer in four weeks, and keeps the badge.
    later = people.lists[BADGES_LIST]
    assert later.filter(pl.col("member_id") == "old0")["badges"].to_list() == ["Writer, Good neighbour"]
    assert "flood" in later["member_id"]
    recognition = people.facts.recognition
    assert recognition is not None
    assert recognition.flow is not None
    # Badges of the first night are no news; all others were earned tonight, two months later.
    risen = later.filter(pl.col("level").is_not_null()).height - first.filter(pl.col("level").is_not_null()).height
    assert recognition.flow.moves == ((None, "Member", risen),)
    assert recognition.flow.weeks == ((NIGHT, risen), *((NIGHT - timedelta(days=7 * ago), 0) for ago in (1, 2, 3)))
    assert recognition.flow.days_in_level == (("Member", 0),)
    assert measured(tmp_path)[1].lists[BADGES_LIST].equals(later)
    assert run.workspace.lake.version(BADGES) == version
    fresh = people.lists[RECOGNITION].filter(pl.col("kind") == "badge")
    assert "flood" in fresh["member_id"]
    assert "old0" not in fresh["member_id"]
    assert Lake(tmp_path / "lake").scan(BADGES).select(pl.struct("member_no", "badge").is_unique().all()).collect().item()


def test_what_a_member_cleared_of_being_a_bot_does_is_suspected_no_more(forum: Path, tmp_path: Path) -> None:
    copy_of(forum, tmp_path)
    text = CONFIGURATION.replace('staff = ["boss"]', 'staff = ["boss"]\nnot_bots = ["feeder"]')
    (tmp_path / "evenfall.toml").write_text(text, encoding="utf-8")
    assert measured(tmp_path)[1].lists[SUSPECTED_BOTS].is_empty()
