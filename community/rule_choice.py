"""Decide by a community's own past which rule chooses the pieces to show, and how well each rule did.

At past cut-offs each rule names pieces by what was known then; a piece is a hit if the member came to it in the days after.
This says what members come to by themselves. Whether showing a piece helps is another question: the effect of the action tells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from community.recommendations import RULES, Rule, make_board, rank
from community.show_policy import ShowPolicy

OUTCOME_DAYS: Final = 14
# With fewer members the interval would say nothing; with so many it is narrow enough, and earlier cut-offs are left alone.
FEWEST_MEMBERS: Final = 50
_ENOUGH_MEMBERS: Final = 1_000
# Few cut-offs would judge a rule by one season.
FEWEST_CUT_OFFS: Final = 6
_MOST_MEMBERS: Final = 500
_PLACES: Final = 3
_DRAWS: Final = 1_000
_SEED: Final = 59
_INTERVAL: Final = (2.5, 97.5)


@dataclass(frozen=True)
class RuleTest:
    """How a rule did on the community's past.

    Args:
        rule: The rule.
        is_chosen: Whether it is the one to use.
        members: Members it was tested on: those who came to a piece that could have been shown.
        hit_rate: Share of them to whom it named one of these pieces among its first three; a mean over their cut-offs. None where
            members were too few.
        ndcg: Normalised discounted cumulative gain of the first three: 1 if they are all hits, and an early hit counts more.
        gain: Its `ndcg` less that of the simpler rule it beats least surely; None for the simplest.
        low: Lower bound of `gain`, 95 %.
        high: Upper bound.
    """

    rule: Rule
    is_chosen: bool
    members: int
    hit_rate: float | None = None
    ndcg: float | None = None
    gain: float | None = None
    low: float | None = None
    high: float | None = None


def past_days(policy: ShowPolicy, *, cut_offs: int) -> int:
    """Return how many days, the night included, a test with so many cut-offs reads."""
    return policy.window_days + cut_offs * OUTCOME_DAYS


def choose_rule(
    seen: pl.DataFrame, pieces: pl.DataFrame, *, as_of: date, policy: ShowPolicy, cut_offs: int
) -> tuple[RuleTest, ...]:
    """Test every rule, and choose the simplest that none surely beats: one result per rule, in the order of `RULES`.

    Args:
        seen: One row per member, piece and day they did anything with it, as for `recommend`; of `past_days`.
        pieces: One row per piece that can be shown, of the same days.
        as_of: The night; the newest outcome ends with it.
        policy: The window of a night. The test is on three places whatever the policy shows.
        cut_offs: Cut-offs at most, one every 14 days; the newest with members enough are used.
    """
    results: list[pl.DataFrame] = []
    for back in range(1, cut_offs + 1):
        results.append(_results(seen, pieces, as_of - timedelta(days=OUTCOME_DAYS * back), policy))
        if back >= FEWEST_CUT_OFFS and pl.concat(results)["member_no"].n_unique() >= _ENOUGH_MEMBERS:
            break
    # A member of several cut-offs counts once; sorted, so that the sum of fractions has one order.
    columns = [f"{measure}_{rule}" for measure in ("hit", "ndcg") for rule in RULES]
    by_member = (
        pl.concat(results)
        .sort("member_no", "cut_off")
        .group_by("member_no", maintain_order=True)
        .agg(pl.col(columns))
        .with_columns(pl.col(columns).list.mean())
    )
    if by_member.height < FEWEST_MEMBERS:
        return tuple(RuleTest(rule, rule == RULES[0], by_member.height) for rule in RULES)
    return _judge({rule: by_member[f"ndcg_{rule}"].to_numpy() for rule in RULES}, by_member)


def _judge(ndcg: Mapping[Rule, npt.NDArray[np.float64]], by_member: pl.DataFrame) -> tuple[RuleTest, ...]:
    chosen: Rule = RULES[0]
    gains: dict[Rule, tuple[float, float, float]] = {}
    for place, rule in enumerate(RULES[1:], start=1):
        # The least sure of its gains: a rule has to beat every simpler one.
        gains[rule] = min((_gain(ndcg[rule] - ndcg[simpler]) for simpler in RULES[:place]), key=lambda gain: gain[1])
        chosen = rule if gains[rule][1] > 0 else chosen
    return tuple(
        RuleTest(
            rule,
            rule == chosen,
            by_member.height,
            float(np.mean(by_member[f"hit_{rule}"].to_numpy())),
            float(np.mean(ndcg[rule])),
            *gains.get(rule, (None, None, None)),
        )
        for rule in RULES
    )


def _gain(difference: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean of a paired difference and its interval by a bootstrap of members."""
    rng, members = np.random.default_rng(_SEED), len(difference)
    means = [difference[rng.integers(0, members, members)].mean() for _ in range(_DRAWS)]
    low, high = np.percentile(means, _INTERVAL)
    return float(difference.mean()), float(low), float(high)


def _results(seen: pl.DataFrame, pieces: pl.DataFrame, cut_off: date, policy: ShowPolicy) -> pl.DataFrame:
    """Return one row per member tested at a cut-off: member_no, cut_off, and hit and ndcg of each rule."""
    truth = _came_afterwards(seen, pieces, cut_off, policy)
    members = _sampled(truth["member_no"].unique().sort())
    wanted = truth.filter(pl.col("member_no").is_in(members.implode()))
    counted = wanted.group_by("member_no").agg(wanted=pl.len()).sort("member_no").with_columns(cut_off=pl.lit(cut_off))
    board = make_board(seen, pieces, members, as_of=cut_off, policy=policy)
    for rule in RULES:
        shown = rank(board, members, rule=rule, pieces=_PLACES)
        places = shown.join(wanted, on=["member_no", "content_id"], how="semi").group_by("member_no").agg(pl.col("place").sort())
        counted = counted.join(places, on="member_no", how="left", maintain_order="left").rename({"place": f"hit_{rule}"})
    return _measured(counted)


def _measured(counted: pl.DataFrame) -> pl.DataFrame:
    """Turn the places of the hits into the measures."""
    discounts = 1 / np.log2(np.arange(2, _PLACES + 2))
    ideal = np.cumsum(discounts)[np.minimum(counted["wanted"].to_numpy(), _PLACES) - 1]
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for rule in RULES:
        places: Sequence[list[int] | None] = counted[f"hit_{rule}"].to_list()
        gained = np.array([sum(discounts[place - 1] for place in hits or ()) for hits in places], dtype=np.float64)
        columns |= {f"hit_{rule}": (gained > 0).astype(np.float64), f"ndcg_{rule}": gained / ideal}
    return counted.select("member_no", "cut_off").with_columns(**{name: pl.Series(values) for name, values in columns.items()})


def _came_afterwards(seen: pl.DataFrame, pieces: pl.DataFrame, cut_off: date, policy: ShowPolicy) -> pl.DataFrame:
    """Return one row per member and piece that could have been shown, and that the member came to after the cut-off only."""
    first = policy.first_day(cut_off)
    could_be_shown = pieces.filter(pl.col("event_date").is_between(first, cut_off))
    before = seen.filter(pl.col("event_date").is_between(first, cut_off))
    after = seen.filter(pl.col("event_date").is_between(cut_off + timedelta(days=1), cut_off + timedelta(days=OUTCOME_DAYS)))
    return (
        after.select("member_no", "content_id")
        .unique()
        .join(could_be_shown.select("content_id", "author_no").unique("content_id"), on="content_id")
        .filter(pl.col("author_no").ne_missing(pl.col("member_no")))
        .join(before, on=["member_no", "content_id"], how="anti")
        # The night knows those who did something before it.
        .join(before, on="member_no", how="semi")
        .select("member_no", "content_id")
        .sort("member_no", "content_id")
    )


def _sampled(members: pl.Series) -> pl.Series:
    every = -(-len(members) // _MOST_MEMBERS)
    return members.gather_every(max(every, 1))
