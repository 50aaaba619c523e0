"""The judgement of a night tells no group and no topic of fewer members than the community shows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from community.bursts import TEXTS_SCHEMA
from community.figures import FIGURES_SCHEMA
from community.judging import judge
from community.watched import WATCHED
from tests.community import test_alarms, test_bursts
from tests.community.test_anomalies import DAYS, LAST, figures_of


@pytest.mark.parametrize(("smallest_group", "drivers"), [(1_000, ["platform=ios"]), (1_001, [])])
def test_a_group_below_the_smallest_is_no_driver(smallest_group: int, drivers: list[str]) -> None:
    figures = figures_of(test_alarms.community(ios=0.4, rest=1.0))
    nothing = pl.DataFrame(schema=TEXTS_SCHEMA)
    (fall,) = judge(figures, nothing, WATCHED, as_of=LAST, smallest_group=smallest_group)
    assert [driver.dimension for driver in fall.drivers] == drivers


@pytest.mark.parametrize(("smallest_group", "told"), [(1, True), (12, True), (13, False)])
def test_a_topic_of_fewer_members_than_the_smallest_group_is_not_told(smallest_group: int, *, told: bool) -> None:
    texts, nothing = test_bursts.crisis(12), pl.DataFrame(schema=FIGURES_SCHEMA)
    assert bool(judge(nothing, texts, WATCHED, as_of=test_bursts.LAST, smallest_group=smallest_group)) is told


@pytest.mark.parametrize(("smallest_group", "words"), [(1, {"mouldy"}), (5, {"mouldy"}), (6, set())])
def test_nor_is_a_word_of_fewer_members_in_a_burst_of_bad_answers(smallest_group: int, words: set[str]) -> None:
    answers, bad = np.full(DAYS, 40.0), np.where(np.arange(DAYS) % 7 < 3, 0.25, 0.2)
    bad[-2:] = 0.8
    figures = figures_of({("bad_answers", ""): bad, ("judged_answers", ""): answers})
    rows = [(who, LAST, "mouldy", True, 2.0, None) for who in range(5)]
    texts = pl.DataFrame(rows, schema=TEXTS_SCHEMA, orient="row")
    (burst,) = judge(figures, texts, WATCHED, as_of=LAST, smallest_group=smallest_group)
    assert (burst.subject, set(burst.words)) == ("feedback", words)
