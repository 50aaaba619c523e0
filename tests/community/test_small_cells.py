"""No small count is shown, and none can be computed from what is shown."""

from itertools import combinations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from community.small_cells import FEWEST_IN_A_CELL, OTHER, protect

COUNTS = ("shared", "only_ours")
tables = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=0, max_size=7)


def table(rows: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(f"v{number}", *counts) for number, counts in enumerate(rows)],
        schema={"value": pl.String(), "shared": pl.Int64(), "only_ours": pl.Int64()},
        orient="row",
    )


def test_small_cells_are_put_together_and_large_ones_stay() -> None:
    shown = protect(table([(100, 50), (4, 50), (30, 6), (60, 60)]), COUNTS)
    assert shown.rows() == [("v3", 60, 60), ("v0", 100, 50), (OTHER, 4 + 30, 50 + 6)]


def test_the_smallest_of_the_large_joins_a_single_small_one() -> None:
    shown = protect(table([(100, 50), (4, 50), (60, 60), (20, 20)]), COUNTS)
    assert shown.rows() == [("v2", 60, 60), ("v0", 100, 50), (OTHER, 4 + 20, 50 + 20)]


def test_nothing_is_shown_where_only_the_total_would_be_left() -> None:
    assert protect(table([(100, 50), (4, 4)]), COUNTS).is_empty()
    assert protect(table([(100, 50)]), COUNTS).is_empty()
    assert protect(table([]), COUNTS).is_empty()


@settings(max_examples=100, deadline=None)
@given(tables)
def test_no_small_count_can_be_derived_from_rows_and_total(rows: list[tuple[int, int]]) -> None:
    """Whatever is added or taken away, rows and total give only sums of cells that may be shown, or nothing."""
    cells = table(rows)
    shown = protect(cells, COUNTS)
    for place, name in enumerate(COUNTS, start=1):
        values = [row[place] for row in shown.rows()]
        total = int(cells[name].sum())
        for size in range(len(values) + 1):
            for chosen in combinations(values, size):
                assert size == 0 or sum(chosen) >= FEWEST_IN_A_CELL
                if shown.height:
                    assert total - sum(chosen) >= FEWEST_IN_A_CELL or total == sum(chosen)
    if shown.height:
        assert shown.select(pl.col(COUNTS).sum()).row(0) == cells.select(pl.col(COUNTS).sum()).row(0)


@settings(max_examples=100, deadline=None)
@given(tables)
def test_cells_behind_the_others_can_change_places_and_nothing_shows_it(rows: list[tuple[int, int]]) -> None:
    """So that none of them can be told, however the rows are combined."""
    shown = protect(table(rows), COUNTS)
    named = set(shown["value"]) - {OTHER}
    hidden = [number for number in range(len(rows)) if f"v{number}" not in named]
    if not shown.height or not hidden:
        return
    assert len(hidden) > 1
    for one, other in combinations(hidden, 2):
        moved = list(rows)
        moved[one], moved[other] = rows[other], rows[one]
        assert protect(table(moved), COUNTS).rows() == shown.rows()
