"""Fractions are added in one order, whatever else the processors are doing."""

from __future__ import annotations

import threading

import numpy as np
import polars as pl

from features.ordered import sum_in_order


def test_the_sum_is_that_from_left_to_right_to_the_bit_on_a_busy_machine() -> None:
    values = np.random.default_rng(1).random((13, 50_000))
    frame = pl.DataFrame({str(number): column for number, column in enumerate(values)})
    expected = np.zeros(values.shape[1])
    for column in values:
        expected = expected + column
    done = threading.Event()
    busy = [threading.Thread(target=_work, args=(done,)) for _ in range(4)]
    for thread in busy:
        thread.start()
    try:
        sums = [frame.select(sum_in_order(pl.col(name) for name in frame.columns)).to_series() for _ in range(50)]
    finally:
        done.set()
        for thread in busy:
            thread.join()
    assert all(np.array_equal(found.to_numpy(), expected) for found in sums)


def test_null_counts_as_nothing_and_nothing_sums_to_zero() -> None:
    frame = pl.DataFrame({"a": [1.5, None], "b": [None, None]}, schema={"a": pl.Float64, "b": pl.Float64})
    assert frame.select(s=sum_in_order([pl.col("a"), pl.col("b")]))["s"].to_list() == [1.5, 0.0]
    assert frame.select(s=sum_in_order([]))["s"].to_list() == [0.0]


def _work(done: threading.Event) -> None:
    numbers = np.random.default_rng(2).random(200_000)
    while not done.is_set():
        np.sort(numbers)
