"""The figures kept in the lake are those of a count from the beginning, and those that a few lines of SQL give."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.history import DAILY_SCHEMA, TIES_SCHEMA
from lake.contracts import DAILY, TABLES, TIES
from lake.member_index import MEMBER_INDEX
from lake.roles import store_configured_roles
from lake.storage.delta import Lake
from pipeline.community.figure_members import GROUPS_OF_FIGURES, MEMBERS_OF_FIGURES
from pipeline.community.figures import FIGURES, update_figures
from pipeline.figure_rows import read_figures
from pipeline.stored_nights import SCORES
from runtime.run_context import RunContext, open_run
from tests.nights import evenfall

FIRST_DAY = date(2024, 1, 1)
NIGHTS = (date(2024, 3, 10), date(2024, 3, 11), date(2024, 3, 20))
MEMBERS = 12
SETTINGS = '[community]\nname = "Figures"\n[sources.events]\npath = "landing/*.csv"\n'
Write = Callable[[Lake], None]


def is_scored(n: int, member: int) -> bool:
    return (n * member) % 3 == 0


def score(n: int, member: int, factor: int) -> int:
    return (n + member * factor) % 11


def rows_of(days: Iterable[int], *, factor: int) -> pl.DataFrame:
    """Members with rhythms of their own: every so many days an event, every so many an order, the odd refund."""
    rows = []
    for n in days:
        day = FIRST_DAY + timedelta(days=n)
        for member in range(1, MEMBERS + 1):
            if n >= member and (n * factor + member) % (3 * member) < 2:
                rows.append((day, member, "event:post" if member % 3 else "event:view", 2, 0, 0, 2, 0, 0))
            if n >= 2 * member and (n + member) % (5 + member) == 0:
                rows += [(day, member, "order", 1, 1_250 * factor, 0, 1, 0, 0), (day, member, "contact", 2, 0, 0, 2, 0, 0)]
            if (n + member * factor) % 19 == 0:
                rows.append((day, member, "event:leave", 1, 0, 0, 1, 0, 0))
            if is_scored(n, member):
                rows.append((day, member, "feedback", 1, 100 * score(n, member, factor), 0, 1, 0, 0))
            if (n * member) % 23 == 22:
                rows += [(day, member, "refund", 1, -300, 0, 1, 0, 0), (day, member, "open", 1, 0, 0, 1, 0, 0)]
    return pl.DataFrame(rows, schema=dict(DAILY_SCHEMA), orient="row")


def write(lake: Lake, days: Iterable[int], *, factor: int = 1) -> None:
    written = {FIRST_DAY + timedelta(days=n) for n in days}
    lake.replace_days(DAILY, rows_of(days, factor=factor), days=written)
    lake.replace_days(TIES, pl.DataFrame(schema=dict(TIES_SCHEMA)), days=written)
    for table, rows in landed_of(days, factor=factor).items():
        lake.replace_days(table, rows, days=written)


def landed_of(days: Iterable[int], *, factor: int) -> dict[str, pl.DataFrame]:
    """Landed rows of what the rollups do not keep: channels, scores, pieces with their answers, and a platform's own counts."""
    events, scores, pieces, given = [], [], [], []
    for n in days:
        day = FIRST_DAY + timedelta(days=n)
        at = datetime.combine(day, time(hour=8), UTC)
        given.append({"event_date": day, "figure": "fans", "platform": "weibo", "value": float(n * factor)})
        for member in range(1, MEMBERS + 1):
            who = {"member_id": f"m{member}", "event_date": day}
            if (n + member * factor) % 4 == 0:
                channel = ("general", "help", None)[(n + member) % 3]
                kind = ("view", "post", "leave", "share", "comment")[(n * factor + member) % 5]
                events.append({**who, "event_type": kind, "channel": channel, "occurred_at": at})
            if is_scored(n, member):
                scores.append({**who, "score": float(score(n, member, factor)), "answered_at": at})
            if (n + member) % 9 == 0:
                # The first pieces ask nothing: until one does, every piece waits for an answer.
                form = "question" if n > 20 and member % 2 else "story"
                name = f"p{n}-{member}"
                pieces.append(
                    {"content_id": name, "author_id": f"m{member}", "event_date": day, "published_at": at, "format": form}
                )
        for turn, delay in enumerate((0, 1, 4)):
            for asker in (member for member in range(1, MEMBERS + 1) if (n - delay + member) % 9 == 0 and member % 4 != turn):
                # An answer of another, and one of the author's own, which is none.
                about = {
                    "content_id": f"p{n - delay}-{asker}",
                    "event_type": "answer",
                    "occurred_at": at + timedelta(hours=factor),
                }
                events += [{"member_id": f"m{by}", "event_date": day, **about} for by in (asker, asker % MEMBERS + 1)]
    rows = {"events": events, "feedback": scores, "content": pieces, "platform_figures": given}
    return {table: pl.DataFrame(found, schema=TABLES[table].landed_schema) for table, found in rows.items()}


def write_members(lake: Lake, *, joined: dict[int, int], refused: int = 2) -> None:
    """Members with a day of joining (days after the first), without one where it is not given; one may not be profiled."""
    ids = [f"m{number}" for number in range(1, MEMBERS + 1)]
    numbers = {"member_no": range(1, MEMBERS + 1), "member_id": ids}
    lake.replace(MEMBER_INDEX, pl.DataFrame(numbers, schema_overrides={"member_no": pl.Int32}))
    rows = [
        {
            "member_id": name,
            "joined_at": datetime.combine(FIRST_DAY + timedelta(days=joined[number]), datetime.min.time(), UTC),
            "can_profile": number != refused,
            "platform": "ios" if number % 2 else "web",
        }
        for number, name in enumerate(ids, start=1)
        if number in joined
    ]
    lake.replace("members", pl.DataFrame(rows, schema=TABLES["members"].landed_schema))


def write_tiers(lake: Lake, night: date, *, shift: int) -> None:
    tiers = [("gold", "silver", "regular")[(number + shift) % 3] for number in range(1, MEMBERS + 1)]
    listed = {"as_of": [night] * MEMBERS, "member_no": range(1, MEMBERS + 1), "tier": tiers}
    lake.replace_days(SCORES, pl.DataFrame(listed, schema_overrides={"member_no": pl.Int32}), days={night}, column="as_of")


def night_of(workspace: Path, night: date) -> RunContext:
    return open_run(workspace, night.isoformat())


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A community of 70 days after its first two nights, of which the second changed some tiers; tests only read it."""
    folder = tmp_path_factory.mktemp("figures") / "community"
    (folder / "landing").mkdir(parents=True)
    (folder / "evenfall.toml").write_text(SETTINGS, encoding="utf-8")
    lake = night_of(folder, NIGHTS[0]).workspace.lake
    write(lake, range((NIGHTS[0] - FIRST_DAY).days + 1))
    write_members(lake, joined={number: 4 * number for number in range(1, MEMBERS - 1)})
    for shift, night in enumerate(NIGHTS[:2]):
        write_tiers(lake, night, shift=shift)
        update_figures(night_of(folder, night))
    return folder


@pytest.fixture
def workspace(counted: Path, tmp_path: Path) -> Path:
    """The same, to change."""
    shutil.copytree(counted, tmp_path / "community")
    return tmp_path / "community"


def counted_again(workspace: Path, night: date) -> pl.DataFrame:
    """The figures of a lake without figures, whose members were in the groups that nights have found."""
    again = workspace.parent / "again"
    shutil.copytree(workspace, again)
    for table in (FIGURES, MEMBERS_OF_FIGURES):
        shutil.rmtree(again / "lake" / table)
    run = night_of(again, night)
    update_figures(run)
    return run.workspace.lake.scan(FIGURES).collect()


def ask_earlier(lake: Lake) -> None:
    """A question of an earlier day arrives late: from it on, other pieces wait for an answer."""
    row = {"content_id": "late", "author_id": "m1", "published_at": datetime(2024, 1, 9, tzinfo=UTC), "format": "Question"}
    content = pl.DataFrame([{**row, "event_date": date(2024, 1, 9)}], schema=TABLES["content"].landed_schema)
    lake.replace_days("content", content, days={date(2024, 1, 9)})
    lake.replace_days(DAILY, rows_of([8], factor=1), days={date(2024, 1, 9)})


def share_differently(lake: Lake) -> None:
    settings = '[community]\nname = "Figures"\nsharing_events = ["post"]\nleaving_events = ["share"]\n'
    Path(str(lake.root)).parent.joinpath("evenfall.toml").write_text(settings + SETTINGS.partition("\n")[2].partition("\n")[2])


CHANGES: dict[str, Write] = {
    "a question that arrives late": ask_earlier,
    "other settings": share_differently,
    "a usual night": lambda lake: write(lake, range(70, 80)),
    "late rows": lambda lake: write(lake, [5, 40, *range(70, 80)], factor=3),
    "rows taken back": lambda lake: lake.replace_days(DAILY, rows_of([], factor=1), days={FIRST_DAY + timedelta(days=40)}),
    "another day of joining": lambda lake: write_members(lake, joined={number: 3 * number for number in range(1, MEMBERS + 1)}),
    "a member who is a bot": lambda lake: store_configured_roles(lake, {"m3": "bot"}),
    "another who refuses": lambda lake: write_members(lake, joined={n: 4 * n for n in range(1, MEMBERS - 1)}, refused=5),
}


@pytest.mark.parametrize("change", CHANGES)
def test_figures_carried_from_night_to_night_are_those_counted_from_the_beginning(workspace: Path, change: str) -> None:
    CHANGES[change](night_of(workspace, NIGHTS[2]).workspace.lake)
    run = night_of(workspace, NIGHTS[2])
    write_tiers(run.workspace.lake, NIGHTS[2], shift=0)
    computed = update_figures(run)
    figures = run.workspace.lake.scan(FIGURES).collect()
    assert_frame_equal(figures, counted_again(workspace, NIGHTS[2]), check_exact=True)
    assert set(figures["figure"]) >= {"nps_30d", "leave_rate_30d", "first_answer_hours_30d", "cohort_retention"}
    assert any(dimension.startswith("channel=") for dimension in figures["dimension"].unique())
    if change == "a usual night":
        assert computed < 60


def test_a_night_that_is_run_again_changes_nothing(workspace: Path) -> None:
    lake = night_of(workspace, NIGHTS[1]).workspace.lake
    tables = (FIGURES, MEMBERS_OF_FIGURES, GROUPS_OF_FIGURES)
    before = [lake.version(table) for table in tables]
    update_figures(night_of(workspace, NIGHTS[1]))
    # A past night does not take groups back that later nights found.
    update_figures(night_of(workspace, NIGHTS[0]))
    assert [lake.version(table) for table in tables] == before


SQL = """
WITH active AS (SELECT DISTINCT member_no, day FROM daily WHERE activity LIKE 'event:%' OR activity IN ('order', 'refund'))
SELECT days.day,
  (SELECT COUNT(DISTINCT member_no) FROM active a WHERE a.day = days.day) AS dau,
  (SELECT COUNT(DISTINCT member_no) FROM active a WHERE a.day BETWEEN date(days.day, '-6 days') AND days.day) AS wau,
  (SELECT COUNT(DISTINCT member_no) FROM active a WHERE a.day BETWEEN date(days.day, '-29 days') AND days.day) AS mau,
  (SELECT SUM(n) FROM daily d WHERE d.day = days.day AND activity = 'order') AS orders,
  (SELECT SUM(amount_minor) / 100.0 FROM daily d WHERE d.day = days.day AND activity IN ('order', 'refund')) AS spend,
  (SELECT COUNT(DISTINCT member_no) FROM daily d WHERE d.day = days.day AND activity = 'event:post') AS contributors,
  (SELECT COUNT(DISTINCT member_no) FROM active a WHERE date(a.day, '+30 days') = days.day
     AND NOT EXISTS (SELECT 1 FROM active b WHERE b.member_no = a.member_no AND b.day > a.day AND b.day <= days.day))
    AS lost_members,
  (SELECT COUNT(DISTINCT member_no) FROM daily d WHERE d.day = days.day AND activity = 'event:leave') AS leaves,
  (SELECT COUNT(DISTINCT member_no) FROM daily d WHERE activity = 'event:leave' AND d.day BETWEEN date(days.day, '-29 days')
     AND days.day) * 1.0 / (SELECT COUNT(DISTINCT member_no) FROM active a WHERE a.day BETWEEN date(days.day, '-29 days')
     AND days.day) AS leave_rate_30d,
  (SELECT 100.0 * (SUM(score >= 9) - SUM(score < 7)) / COUNT(*) FROM scores WHERE scores.day BETWEEN date(days.day, '-29 days')
     AND days.day HAVING COUNT(*) >= 30) AS nps_30d
FROM (SELECT DISTINCT day FROM daily) days
"""
CHANNELS = """
SELECT days.day, 'channel=' || channel AS dimension,
  COUNT(DISTINCT CASE WHEN e.day = days.day THEN member END) AS dau,
  COUNT(DISTINCT CASE WHEN e.day > date(days.day, '-7 days') THEN member END) AS wau,
  COUNT(DISTINCT member) AS mau,
  COUNT(DISTINCT CASE WHEN e.day = days.day AND kind = 'leave' THEN member END) AS leaves,
  COUNT(DISTINCT CASE WHEN kind = 'leave' THEN member END) * 1.0 / COUNT(DISTINCT member) AS leave_rate_30d,
  COUNT(CASE WHEN e.day = days.day AND kind = 'share' THEN 1 END) AS shares,
  COUNT(CASE WHEN kind = 'share' THEN 1 END) * 1.0 / NULLIF(COUNT(CASE WHEN kind = 'view' THEN 1 END), 0) AS share_rate_30d
FROM (SELECT DISTINCT day FROM events) days
JOIN events e ON channel IS NOT NULL AND e.day BETWEEN date(days.day, '-29 days') AND days.day
GROUP BY days.day, channel
"""


def test_figures_are_those_of_a_few_lines_of_sql(counted: Path) -> None:
    lake = night_of(counted, NIGHTS[1]).workspace.lake
    daily = lake.scan(DAILY).with_columns(day=pl.col("event_date").cast(pl.String))
    rows = daily.select("day", "member_no", "activity", "n", "amount_minor").collect()
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE daily (day, member_no, activity, n, amount_minor)")
        database.executemany("INSERT INTO daily VALUES (?, ?, ?, ?, ?)", rows.iter_rows())
        scores = lake.scan("feedback").select(pl.col("event_date").cast(pl.String), "score").collect()
        database.execute("CREATE TABLE scores (day, score)")
        database.executemany("INSERT INTO scores VALUES (?, ?)", scores.iter_rows())
        found = database.execute(SQL)
        names = [column[0] for column in found.description][1:]
        slow = {(day, name): value or 0 for day, *values in found for name, value in zip(names, values, strict=True)}
    shown = read_figures(lake, first=None, last=None).filter(pl.col("dimension") == "", pl.col("figure").is_in(names))
    fast = {(str(day), figure): value for day, figure, value in shown.select("day", "figure", "value").iter_rows()}
    assert {key: value for key, value in slow.items() if value} == {
        key: pytest.approx(value) for key, value in fast.items() if value and key in slow
    }


def test_figures_of_channels_are_those_of_a_few_lines_of_sql(counted: Path) -> None:
    lake = night_of(counted, NIGHTS[1]).workspace.lake
    rows = lake.scan("events").select(pl.col("event_date").cast(pl.String), "member_id", "event_type", "channel").collect()
    with sqlite3.connect(":memory:") as database:
        database.execute("CREATE TABLE events (day, member, kind, channel)")
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows.iter_rows())
        found = database.execute(CHANNELS)
        names = [column[0] for column in found.description][2:]
        slow = {(day, dim, name): n for day, dim, *values in found for name, n in zip(names, values, strict=True) if n}
    in_channels = pl.col("dimension").str.starts_with("channel=") & pl.col("figure").is_in(names) & (pl.col("value") != 0)
    # The second night brought no day of its own.
    shown = read_figures(lake, first=None, last=NIGHTS[0]).filter(in_channels)
    fast = {(str(day), dim, figure): value for day, figure, dim, value in shown.iter_rows()}
    assert {dim for _, dim, _ in slow} == {"channel=general", "channel=help"}
    assert fast.keys() == slow.keys()
    assert fast == pytest.approx(slow)


def test_groups_add_up_to_the_community_and_members_keep_the_tier_of_each_night(counted: Path) -> None:
    figures = read_figures(night_of(counted, NIGHTS[1]).workspace.lake, first=None, last=None)
    mau = figures.filter(pl.col("figure") == "mau")
    by_tier = mau.filter(pl.col("dimension").str.starts_with("tier=")).group_by("day").agg(pl.col("value").sum())
    whole = mau.filter(pl.col("dimension") == "").select("day", "value")
    assert_frame_equal(by_tier.sort("day"), whole.filter(pl.col("value") > 0), check_exact=True)
    # Who was gold until the second night was found silver by it.
    by_group = {(day, dimension): value for day, dimension, value in mau.select("day", "dimension", "value").iter_rows()}
    active = set(rows_of(range(45, 71), factor=1)["member_no"])
    for night, shift in zip(NIGHTS[:2], (0, 1), strict=True):
        assert by_group[night, "tier=gold"] == sum((number + shift) % 3 == 0 for number in active)


def test_the_command_shows_a_week_and_writes_the_rows_of_the_days_asked(counted: Path, tmp_path: Path) -> None:
    command = ("figures", "--workspace", counted)
    shown = evenfall(*command)
    assert shown.code == 0, shown.err
    head, *lines = shown.out.splitlines()
    assert head.split() == [str(NIGHTS[1] - timedelta(days=ago)) for ago in range(6, -1, -1)]
    rows = read_figures(night_of(counted, NIGHTS[1]).workspace.lake, first=NIGHTS[0], last=NIGHTS[0])
    (dau,) = rows.filter(pl.col("figure") == "dau", pl.col("dimension") == "")["value"]
    assert next(line for line in lines if line.startswith("dau ")).split()[-2] == f"{dau:.0f}"
    written = evenfall(*command, "--from", NIGHTS[0], "--to", NIGHTS[0], "--json", "-")
    assert json.loads(written.out) == rows.with_columns(pl.col("day").cast(pl.String)).to_dicts()
    evenfall(*command, "--from", NIGHTS[0], "--to", NIGHTS[0], "--csv", tmp_path / "figures.csv")
    assert_frame_equal(pl.read_csv(tmp_path / "figures.csv", try_parse_dates=True, schema_overrides=rows.schema), rows)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--from", "March"), "--from 'March' is not a day"),
        (("--from", "2031-01-01"), "there are no figures from 2031-01-01"),
        (("--csv", "nowhere/figures.csv"), "Name another file for --csv."),
        (("--csv", "-", "--json", "-"), "not both"),
    ],
)
def test_what_cannot_be_answered_is_said(counted: Path, options: tuple[str, ...], says: str) -> None:
    done = evenfall("figures", "--workspace", counted, *options)
    assert (done.code, says in done.err) == (2, True)
