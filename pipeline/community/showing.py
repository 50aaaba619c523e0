"""What to show to the members of a contact list: read what happened in the window, and name the pieces the chosen rule ranks.

Only a sample of the members is read beside those on the list, so that the cost of a night does not grow with the community.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from community.recommendations import PIECES_SCHEMA, RULES, SEEN_SCHEMA, Rule, recommend
from community.rule_choice import RuleTest
from lake.contracts import CONTENT, EVENTS
from lake.member_index import MEMBER_INDEX, scan_member_index
from lake.storage.delta import DAY, Lake
from pipeline.history.consent import of_profiled
from pipeline.stored_nights import NIGHT, store_night
from runtime.run_context import RunContext
from wording.columns import SentenceContext
from wording.showing import piece_label
from wording.texts import between

SHOW_RULES: Final = "show_rules"
SAMPLED_MEMBERS: Final = 20_000
# Titles are read inside a sentence.
_SCHEMA: Final = pl.Schema(
    {
        NIGHT: pl.Date(),
        "rule": pl.String(),
        "is_chosen": pl.Boolean(),
        "members": pl.Int64(),
        "hit_rate": pl.Float64(),
        "ndcg": pl.Float64(),
        "gain": pl.Float64(),
        "low": pl.Float64(),
        "high": pl.Float64(),
    }
)


def pieces_to_show(run: RunContext, members: pl.Series) -> pl.DataFrame | None:
    """Name the pieces to show to each member: one row per member with at least one, member_no, show.

    None for a community without content that has a title or a topic.

    Args:
        run: The run.
        members: `member_no` of the members on the contact list.
    """
    policy, lake = run.settings.show, run.workspace.lake
    if members.is_empty() or not policy.pieces:
        return None
    pieces = read_pieces(lake, since=policy.first_day(run.as_of), until=run.as_of)
    if pieces.is_empty():
        return None
    seen = read_seen(lake, members, since=policy.first_day(run.as_of), until=run.as_of)
    rule = chosen_rule(stored_tests(lake, run.as_of))
    chosen = recommend(seen, pieces.select(list(PIECES_SCHEMA)), members, rule=rule, as_of=run.as_of, policy=policy)
    context = SentenceContext(frozenset(pieces.columns), None, run.as_of)
    labels = pieces.select("content_id", label=piece_label(context))
    named = chosen.join(labels, on="content_id").sort("member_no", "place")
    shown = named.group_by("member_no", maintain_order=True).agg(show=pl.col("label").str.join(between("show.between")))
    return shown if shown.height else None


def read_pieces(lake: Lake, *, since: date, until: date) -> pl.DataFrame:
    """Read the pieces that can be shown: those with a title or a topic, by members who may be profiled, published on these days.

    One row per piece, sorted by content_id: `PIECES_SCHEMA`, title, is_repeated (another piece has the same title).
    """
    if not lake.exists(CONTENT.name):
        return pl.DataFrame(schema={**PIECES_SCHEMA, "title": pl.String(), "is_repeated": pl.Boolean()})
    title, topic = (_trimmed(name) for name in ("title", "topic"))
    return (
        of_profiled(lake, CONTENT)
        .filter(pl.col(DAY).is_between(since, until))
        .with_columns(title, topic)
        .filter(pl.col("title").is_not_null() | pl.col("topic").is_not_null())
        .join(scan_member_index(lake), left_on="author_id", right_on="member_id")
        .select("content_id", pl.col("member_no").alias("author_no"), DAY, "topic", "title")
        .collect(engine="streaming")
        .sort("content_id")
        .unique("content_id", keep="first", maintain_order=True)
        .with_columns(is_repeated=pl.col("title").is_duplicated() & pl.col("title").is_not_null())
    )


def read_seen(lake: Lake, members: pl.Series, *, since: date, until: date) -> pl.DataFrame:
    """Read what members did with pieces on these days: one row per member, piece and day, `SEEN_SCHEMA`, in any order.

    Args:
        lake: The lake.
        members: `member_no` of the members who are read in any case, beside the sample.
        since: The first day.
        until: The last day.
    """
    if not lake.exists(EVENTS.name):
        return pl.DataFrame(schema=SEEN_SCHEMA)
    every = -(-lake.row_count(MEMBER_INDEX) // SAMPLED_MEMBERS)
    is_read = (pl.col("member_no") % max(every, 1) == 0) | pl.col("member_no").is_in(members.implode())
    return (
        of_profiled(lake, EVENTS)
        .filter(pl.col(DAY).is_between(since, until), pl.col("content_id").is_not_null())
        .join(scan_member_index(lake).filter(is_read), on="member_id")
        .select(list(SEEN_SCHEMA))
        .unique()
        .collect(engine="streaming")
    )


def stored_tests(lake: Lake, as_of: date) -> tuple[RuleTest, ...]:
    """Return the newest test of the rules up to the night, in the order of `RULES`; empty when there was none."""
    stored = lake.scan_or_empty(SHOW_RULES, _SCHEMA).filter(pl.col(NIGHT) <= as_of).collect()
    newest = stored.filter(pl.col(NIGHT) == pl.col(NIGHT).max()).drop(NIGHT)
    tests = {row["rule"]: RuleTest(**row) for row in newest.iter_rows(named=True)}
    return tuple(tests[rule] for rule in RULES if rule in tests)


def last_tested(lake: Lake, as_of: date) -> date | None:
    """Return the newest night up to this one that tested the rules."""
    return max((day for day in lake.days(SHOW_RULES, column=NIGHT) if day <= as_of), default=None)


def store_tests(lake: Lake, tests: Sequence[RuleTest], as_of: date) -> None:
    """Store what a night has tested; storing it again changes nothing."""
    rows = [{NIGHT: as_of, **vars(test)} for test in tests]
    store_night(lake, SHOW_RULES, pl.DataFrame(rows, schema=_SCHEMA), as_of)


def chosen_rule(tests: Sequence[RuleTest]) -> Rule:
    """Return the rule that the newest test has chosen; the simplest without a test."""
    return next((test.rule for test in tests if test.is_chosen), RULES[0])


def _trimmed(name: str) -> pl.Expr:
    """Put a text on one line; null where nothing is left."""
    text = pl.col(name).str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(text.str.len_bytes() > 0).then(text).alias(name)
