"""Test the rules that choose what to show, when a training is due, and store which one is used from now on."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from community.recommendations import PIECES_SCHEMA
from community.rule_choice import FEWEST_CUT_OFFS, choose_rule, past_days
from lake.member_index import MEMBER_INDEX
from pipeline.community.showing import SAMPLED_MEMBERS, last_tested, read_pieces, read_seen, store_tests, stored_tests
from runtime.run_context import RunContext

# A year, so that a small community has members to test on; a large one has enough of them in the newest weeks.
_MOST_CUT_OFFS: Final = 26


def try_show_rules(run: RunContext) -> bool:
    """Test the rules on the community's past where a training is due; return whether it was.

    A community without content that has a title or a topic is shown nothing, so that nothing is tested.

    Args:
        run: The run.
    """
    lake, policy = run.workspace.lake, run.settings.show
    tested = last_tested(lake, run.as_of)
    if not policy.pieces or (tested is not None and tested > run.as_of - timedelta(days=run.settings.training.every_days)):
        return False
    if read_pieces(lake, since=policy.first_day(run.as_of), until=run.as_of).is_empty():
        return False
    with run.step("testing what to show") as counted:
        cut_offs = FEWEST_CUT_OFFS if lake.row_count(MEMBER_INDEX) > SAMPLED_MEMBERS else _MOST_CUT_OFFS
        since = run.as_of - timedelta(days=past_days(policy, cut_offs=cut_offs) - 1)
        tests = choose_rule(
            read_seen(lake, pl.Series([], dtype=pl.Int32), since=since, until=run.as_of),
            read_pieces(lake, since=since, until=run.as_of).select(list(PIECES_SCHEMA)),
            as_of=run.as_of,
            policy=policy,
            cut_offs=cut_offs,
        )
        store_tests(lake, tests, run.as_of)
        counted["members"] = tests[0].members
    return True


def show_metrics(run: RunContext) -> dict[str, float]:
    """Return the metrics that a night logs of the newest test: of each rule hit rate, nDCG and the bounds of its gain."""
    measures = ("hit_rate", "ndcg", "gain", "low", "high")
    return {
        f"show.{test.rule}.{measure}": value
        for test in stored_tests(run.workspace.lake, run.as_of)
        for measure in measures
        if (value := getattr(test, measure)) is not None
    }
