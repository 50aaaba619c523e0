"""Figures of real communities are those that a few lines of SQL, written for each, give of the exports themselves."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest

from community.figures import WHOLE
from community.rates import AMOUNTS, COUNTS, meaningful
from pipeline.community.figures import FIGURES, update_figures
from pipeline.history.daily_rollups import update_rollups
from pipeline.intake.intake import land_intake, validate_sources
from pipeline.stored_nights import SCORES
from runtime.run_context import RunContext, open_run
from tests.paths import ROOT

# Everybody who did anything, by day: acts(member, day, kind); people(member, joined), joined null where no day is known.
EVERYBODY = """
CREATE TABLE active AS SELECT DISTINCT member, day FROM acts;
CREATE INDEX active_by_day ON active (day, member);
CREATE INDEX active_by_member ON active (member, day);
CREATE TABLE seen AS SELECT member, MIN(day) AS day FROM
  (SELECT member, day FROM acts UNION ALL SELECT member, day FROM content UNION ALL SELECT member, joined FROM people)
  GROUP BY member;
"""
# Of a day :d. Who was active in the 30 days, and so on; `ago(n)` is the day n days before.
DAY: Mapping[str, str] = {
    "dau": "SELECT COUNT(DISTINCT member) FROM active WHERE day = :d",
    "wau": "SELECT COUNT(DISTINCT member) FROM active WHERE day BETWEEN ago(6) AND :d",
    "mau": "SELECT COUNT(DISTINCT member) FROM active WHERE day BETWEEN ago(29) AND :d",
    "stickiness": "SELECT 1.0 * ({dau}) / NULLIF(({mau}), 0)",
    "members": "SELECT COUNT(*) FROM seen WHERE day <= :d",
    "new_members": "SELECT COUNT(*) FROM seen WHERE day = :d",
    "first_time_members": "SELECT COUNT(*) FROM (SELECT MIN(day) AS first FROM active GROUP BY member) WHERE first = :d",
    "returning_members": """SELECT COUNT(*) FROM active a WHERE day = :d AND EXISTS
        (SELECT 1 FROM active b WHERE b.member = a.member AND b.day BETWEEN ago(30) AND ago(1))""",
    "resurrected_members": """SELECT COUNT(*) FROM active a WHERE day = :d
        AND (SELECT MAX(b.day) FROM active b WHERE b.member = a.member AND b.day < :d) < ago(30)""",
    "lost_members": """SELECT COUNT(*) FROM active a WHERE day = ago(30)
        AND NOT EXISTS (SELECT 1 FROM active b WHERE b.member = a.member AND b.day BETWEEN ago(29) AND :d)""",
    **{
        f"retention_d{n}": f"""SELECT AVG(EXISTS (SELECT 1 FROM active a WHERE a.member = seen.member AND a.day = :d))
        FROM seen WHERE day = ago({n})"""
        for n in (1, 7, 30)
    },
    "cohort_members": "SELECT COUNT(*) FROM seen WHERE day BETWEEN ago(6) AND :d",
}
FORUM: Mapping[str, str] = {
    **DAY,
    "contributors": """SELECT COUNT(DISTINCT member) FROM
        (SELECT member, day FROM content UNION ALL SELECT member, day FROM acts WHERE kind IN ('question', 'answer', 'comment'))
        WHERE day = :d""",
    "creators": "SELECT COUNT(DISTINCT member) FROM content WHERE day = :d",
    "commenters": "SELECT COUNT(DISTINCT member) FROM acts WHERE day = :d AND kind IN ('comment', 'answer')",
    "comments": "SELECT COUNT(*) FROM acts WHERE day = :d AND kind IN ('comment', 'answer')",
    "silent_share_30d": """SELECT 1 - 1.0 * COUNT(DISTINCT member) / NULLIF(({mau}), 0) FROM
        (SELECT member, day FROM content UNION ALL SELECT member, day FROM acts WHERE kind IN ('question', 'answer', 'comment'))
        WHERE day BETWEEN ago(29) AND :d""",
    "first_answers": "SELECT COUNT(*) FROM asked WHERE day BETWEEN ago(29) AND :d AND date(answered) = :d",
    # Kaplan and Meier's estimate: a question that still waits has waited so long, and is not left out.
    "first_answer_hours_30d": """WITH
        waits AS (SELECT (julianday(CASE WHEN date(answered) <= :d THEN answered ELSE date(:d, '+1 day') END)
          - julianday(at)) * 24 AS hours, COALESCE(date(answered) <= :d, 0) AS done FROM asked WHERE day BETWEEN ago(29) AND :d),
        steps AS (SELECT hours, SUM(done) AS done, (SELECT COUNT(*) FROM waits b WHERE b.hours >= waits.hours) AS waiting
          FROM waits WHERE done GROUP BY hours),
        curve AS (SELECT hours, EXP(SUM(CASE WHEN done = waiting THEN -99 ELSE LN(1.0 - 1.0 * done / waiting) END)
          OVER (ORDER BY hours)) AS still FROM steps)
        SELECT MIN(hours) FROM curve WHERE still <= 0.5 + 1e-9""",
    "unanswered_share_30d": """SELECT AVG(date(answered) > :d OR answered IS NULL) FROM asked WHERE day BETWEEN ago(29) AND :d
        AND (date(answered) <= :d OR julianday(date(:d, '+1 day')) - julianday(at) >= 1)""",
}
SHOP: Mapping[str, str] = {
    **DAY,
    "orders": "SELECT COUNT(*) FROM orders WHERE day = :d AND amount >= 0",
    "buyers": "SELECT COUNT(DISTINCT member) FROM orders WHERE day = :d AND amount >= 0",
    "spend": "SELECT SUM(amount) FROM orders WHERE day = :d",
    "refunds": "SELECT -SUM(amount) FROM orders WHERE day = :d AND amount < 0",
    "repeat_rate": """SELECT AVG(first < :d) FROM (SELECT DISTINCT member FROM orders WHERE day = :d AND amount >= 0)
        JOIN (SELECT member, MIN(day) AS first FROM orders WHERE amount >= 0 GROUP BY member) USING (member)""",
    "conversion_rate_30d": """SELECT 1.0 * COUNT(DISTINCT member) / NULLIF(({mau}), 0) FROM orders
        WHERE day BETWEEN ago(29) AND :d AND amount >= 0""",
}
PROJECT: Mapping[str, str] = {
    **DAY,
    "contributors": "SELECT COUNT(DISTINCT member) FROM acts WHERE day = :d AND kind IN ('commit', 'co_author')",
    "silent_share_30d": """SELECT 1 - 1.0 * COUNT(DISTINCT member) / NULLIF(({mau}), 0) FROM acts
        WHERE day BETWEEN ago(29) AND :d AND kind IN ('commit', 'co_author')""",
}
FORUM_LAST, SHOP_LAST = date(2014, 5, 18), date(2010, 2, 28)
COHORT_LAST, PROJECT_LAST = date(1997, 12, 31), date(2017, 3, 31)
# Every so many days a day is compared; never by whole weeks, so that all weekdays are.
EVERY_DAYS = 5


def taken_in(folder: Path, example: str, last: date, data: Mapping[str, pl.DataFrame], *, until: str) -> RunContext:
    """The figures of an example's first sources, of the rows given of its files."""
    folder.mkdir(parents=True)
    sources, found, _ = (ROOT / "examples" / example / "evenfall.toml").read_text().partition(until)
    assert found
    (folder / "evenfall.toml").write_text(sources)
    (folder / "data").mkdir()
    for name, rows in data.items():
        write = rows.write_parquet if name.endswith(".parquet") else partial(rows.write_csv, separator=" ")
        write(folder / "data" / name)
    run = open_run(folder, last.isoformat())
    now = datetime(last.year, last.month, last.day, 23, tzinfo=UTC)
    intake = validate_sources(run.workspace, run.settings, as_of=last, now=now, progress=lambda _: None)
    land_intake(run.workspace, intake)
    update_rollups(run)
    # A list without groups: what the night adds to the sources.
    listed = pl.DataFrame({"as_of": [last], "member_no": [1]}, schema_overrides={"member_no": pl.Int32})
    run.workspace.lake.replace_days(SCORES, listed, days={last}, column="as_of")
    update_figures(run)
    return run


def fill(database: sqlite3.Connection, table: str, columns: str, rows: pl.DataFrame) -> None:
    database.execute(f"CREATE TABLE {table} ({columns})")
    marks = ", ".join("?" * rows.width)
    texts = rows.with_columns(pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S%.3f"), pl.col(pl.Date).dt.to_string())
    database.executemany(f"INSERT INTO {table} VALUES ({marks})", texts.iter_rows())


def by_sql(database: sqlite3.Connection, queries: Mapping[str, str], days: Iterator[date]) -> dict[tuple[date, str], float]:
    found = {}
    for day in days:
        for figure, query in queries.items():
            text = query.format_map(queries)
            for ago in (1, 6, 7, 29, 30):
                text = text.replace(f"ago({ago})", f"date(:d, '-{ago} days')")
            (value,) = database.execute(text, {"d": day.isoformat()}).fetchone()
            if value is not None:
                found[day, figure] = value
    return found


def compare(run: RunContext, slow: Mapping[tuple[date, str], float], queries: Mapping[str, str]) -> None:
    """The figures of the days asked are the same, to a billionth; a count of none may be no row or zero."""
    figures = meaningful(run.workspace.lake.scan(FIGURES).collect())
    days = {day for day, _ in slow}
    whole = figures.filter(pl.col("dimension") == WHOLE, pl.col("day").is_in(days))
    fast = {(day, figure): value for day, figure, _, value in whole.iter_rows()}
    assert {name for _, name in fast} <= {*queries}
    may_be_none = {*COUNTS, *AMOUNTS}
    for values, others in ((slow, fast), (fast, slow)):
        for (day, figure), value in values.items():
            if figure != "cohort_members" and (value or figure not in may_be_none):
                assert others.get((day, figure)) == pytest.approx(value, abs=1e-9, rel=1e-6), (day, figure)


def compare_cohorts(run: RunContext, database: sqlite3.Connection) -> None:
    figures = run.workspace.lake.scan(FIGURES).filter(pl.col("figure") == "cohort_retention").collect()
    query = """WITH RECURSIVE
        first AS (SELECT date(MIN(day), '-1 day', 'weekday 0', '+1 day') AS monday
          FROM (SELECT day FROM active UNION ALL SELECT day FROM content)),
        weeks AS (SELECT date(monday, '+6 days') AS sunday FROM first
          UNION ALL SELECT date(sunday, '+7 days') FROM weeks WHERE sunday < date(?, '-6 days')),
        cohorts AS (SELECT member, date(day, 'weekday 0') AS joined FROM seen, first WHERE day >= monday)
        SELECT sunday, joined, AVG(EXISTS (SELECT 1 FROM active a
          WHERE a.member = cohorts.member AND a.day BETWEEN date(sunday, '-6 days') AND sunday))
        FROM weeks JOIN cohorts ON sunday BETWEEN joined AND date(joined, '+364 days') GROUP BY sunday, joined"""
    slow = {(sunday, week_of(joined)): share for sunday, joined, share in database.execute(query, [str(run.as_of)])}
    fast = {(str(day), dimension): value for day, _, dimension, value in figures.iter_rows()}
    assert len(fast) > 40
    assert fast.keys() == slow.keys()
    assert fast == pytest.approx(slow)


def week_of(day: str) -> str:
    year, week, _ = date.fromisoformat(day).isocalendar()
    return f"cohort={year}-W{week:02}"


def asked(last: date, days: int) -> Iterator[date]:
    return (last - timedelta(days=n) for n in range(0, days, EVERY_DAYS))


def test_figures_of_a_forum_are_those_of_sql_on_its_dump(tmp_path: Path) -> None:
    files = {path.name: pl.read_parquet(path) for path in (ROOT / "examples/stack-exchange-beer/data").glob("*.parquet")}
    dates = {name: "Date" if name == "badges.parquet" else "CreationDate" for name in files}
    files = {name: rows.filter(pl.col(dates[name]).dt.date() <= FORUM_LAST) for name, rows in files.items()}
    posts, comments, votes, badges, users = (
        files[f"{name}.parquet"] for name in ("posts", "comments", "votes", "badges", "users")
    )
    run = taken_in(tmp_path / "forum", "stack-exchange-beer", FORUM_LAST, files, until="# What operators may do")
    kind = pl.col("PostTypeId").replace_strict({1: "question", 2: "answer"}, default="wiki")
    own = posts.filter(pl.col("OwnerUserId") > 0)
    acts = [
        own.select(member="OwnerUserId", at="CreationDate", kind=kind, about="ParentId"),
        comments.filter(pl.col("UserId") > 0).select(member="UserId", at="CreationDate", kind=pl.lit("comment"), about="PostId"),
        votes.filter(pl.col("UserId") > 0).select(member="UserId", at="CreationDate", kind=pl.lit("vote"), about="PostId"),
        badges.filter(pl.col("UserId") > 0).select(
            member="UserId", at="Date", kind=pl.lit("badge"), about=pl.lit(None, pl.Int64)
        ),
    ]
    with closing(sqlite3.connect(":memory:")) as database:
        did = pl.concat(acts)
        fill(
            database,
            "acts",
            "member, day, at, kind, about",
            did.select("member", pl.col("at").dt.date().alias("day"), "at", "kind", "about"),
        )
        joined = users.filter(pl.col("Id") > 0).select("Id", pl.col("CreationDate").dt.date())
        fill(database, "people", "member, joined", joined)
        pieces = own.select("OwnerUserId", pl.col("CreationDate").dt.date().alias("day"), "CreationDate", "Id", kind=kind)
        fill(database, "content", "member, day, at, id, kind", pieces)
        # Moved here from another site: who wrote it joined later than it was written, and after the last day. Such rows are
        # quarantined, as a member who is not there cannot have written.
        for table in ("acts", "content"):
            database.execute(f"DELETE FROM {table} WHERE member NOT IN (SELECT member FROM people)")
        database.executescript(EVERYBODY)
        database.execute("""CREATE TABLE asked AS SELECT id, day, at, (SELECT MIN(at) FROM acts WHERE about = id
            AND kind IN ('answer', 'comment') AND acts.member <> content.member AND acts.at >= content.at) AS answered
            FROM content WHERE kind = 'question'""")
        compare(run, by_sql(database, FORUM, asked(FORUM_LAST, 110)), FORUM)
        compare_cohorts(run, database)


def test_figures_of_a_shop_are_those_of_sql_on_its_sheet(tmp_path: Path) -> None:
    folder = ROOT / "examples/online-retail-ii/data"
    sheet = pl.read_parquet(folder / "sheet_2009_2010.parquet").filter(pl.col("InvoiceDate").str.slice(0, 10) <= str(SHOP_LAST))
    until = '[[sources.orders]]\npath = "data/sheet_2010_2011.parquet"'
    run = taken_in(tmp_path / "shop", "online-retail-ii", SHOP_LAST, {"sheet_2009_2010.parquet": sheet}, until=until)
    lines = sheet.filter(pl.col("Customer ID").is_not_null())
    with closing(sqlite3.connect(":memory:")) as database:
        cents = (pl.col("Quantity") * pl.col("Price") * 100).round()
        fill(
            database,
            "lines",
            "id, member, day, cents",
            lines.select("Invoice", "Customer ID", pl.col("InvoiceDate").str.slice(0, 10), cents),
        )
        database.executescript(
            """CREATE TABLE orders AS SELECT id, member, MIN(day) AS day, SUM(cents) / 100.0 AS amount
              FROM lines GROUP BY id, member;
            CREATE TABLE acts AS SELECT member, day, 'order' AS kind FROM orders;
            CREATE TABLE people (member, joined); CREATE TABLE content (member, day);"""
            + EVERYBODY
        )
        compare(run, by_sql(database, SHOP, asked(SHOP_LAST, 80)), SHOP)
        compare_cohorts(run, database)


def test_figures_of_a_cohort_of_buyers_are_those_of_sql_on_its_file(tmp_path: Path) -> None:
    text = (ROOT / "examples/cdnow/data/CDNOW_master.txt").read_text().splitlines()
    header, *records = [line.split() for line in text]
    lines = pl.DataFrame(records, schema=header, orient="row").filter(pl.col("date") <= f"{COHORT_LAST:%Y%m%d}")
    run = taken_in(tmp_path / "cohort", "cdnow", COHORT_LAST, {"CDNOW_master.txt": lines}, until="# What operators may do")
    with closing(sqlite3.connect(":memory:")) as database:
        day = pl.col("date").str.to_date("%Y%m%d")
        # Every line is an order of its own: the file has no number of an order.
        fill(database, "orders", "member, day, amount", lines.select("customer_id", day, pl.col("dollar_value").cast(pl.Float64)))
        database.executescript(
            """CREATE TABLE acts AS SELECT member, day, 'order' AS kind FROM orders;
            CREATE TABLE people (member, joined); CREATE TABLE content (member, day);"""
            + EVERYBODY
        )
        compare(run, by_sql(database, SHOP, asked(COHORT_LAST, 60)), SHOP)
        compare_cohorts(run, database)


def test_figures_of_a_project_are_those_of_sql_on_its_history(tmp_path: Path) -> None:
    folder = ROOT / "examples/git-communities/fastlane/data"
    until = pl.col("committed_at").dt.date() <= PROJECT_LAST
    files = {f"{name}.parquet": pl.read_parquet(folder / f"{name}.parquet").filter(until) for name in ("commits", "trailers")}
    run = taken_in(tmp_path / "project", "git-communities/fastlane", PROJECT_LAST, files, until="# What operators may do")
    commits, trailers = files.values()
    is_timely = pl.col("authored_at") >= pl.col("committed_at") - pl.duration(days=30)
    day = pl.col("committed_at").dt.date()
    work = commits.filter(~pl.col("is_bot"))
    taken = work.filter(pl.col("committer") != pl.col("author"), pl.col("committer") != "66c1cede74755f49")
    named = trailers.filter(~pl.col("is_bot"), pl.col("person") != pl.col("author"), is_timely)
    own = pl.when("is_merge").then(pl.lit("merge")).otherwise(pl.lit("commit"))
    helped = pl.when(pl.col("kind") == "co-authored-by").then(pl.lit("co_author")).otherwise(pl.lit("other"))
    with closing(sqlite3.connect(":memory:")) as database:
        acts = [
            work.filter(is_timely).select(member="author", day=day, kind=own),
            taken.select(member="committer", day=day, kind=pl.lit("take_in")),
            named.select(member="person", day=day, kind=helped),
        ]
        fill(database, "acts", "member, day, kind", pl.concat(acts))
        # Whoever's work was taken in is a member from then on, though not active by it.
        fill(database, "people", "member, joined", taken.select("author", day))
        database.execute("CREATE TABLE content (member, day)")
        database.executescript(EVERYBODY)
        compare(run, by_sql(database, PROJECT, asked(PROJECT_LAST, 120)), PROJECT)
        compare_cohorts(run, database)
