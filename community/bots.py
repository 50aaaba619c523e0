"""Find members who look like bots: their visits follow a clock, their pauses have one length, or they never rest.

Three rules, each with a wide margin to what people do. In 90 days of three projects' git histories (1,960 members and nights with
20 visits or more), no person began more than 24 % of the visits within the same ten minutes of the day, or more than 38 % within
the same five minutes of the hour. Who is found is proposed to the operators and nothing else: only the configuration decides.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

WINDOW_DAYS: Final = 90
# Only the most active are examined: a bot that hardly acts disturbs nothing, and reading everybody's events would cost too much.
MOST_CANDIDATES: Final = 1_000
MOST_SUSPECTS: Final = 20
LEAST_VISITS: Final = 20
LEAST_DAYS: Final = 10

DAILY_CLOCK: Final = "daily_clock"
HOURLY_CLOCK: Final = "hourly_clock"
EQUAL_PAUSES: Final = "equal_pauses"
NO_REST: Final = "no_rest"
RULES: Final = (DAILY_CLOCK, HOURLY_CLOCK, EQUAL_PAUSES, NO_REST)

# A visit ends with a pause of more than half an hour.
_VISIT_SECONDS: Final = 1_800
_DAY_SECONDS: Final = 86_400
_HOUR_SECONDS: Final = 3_600
_SAME_TIME_OF_DAY_SECONDS: Final = 600
_SAME_TIME_OF_HOUR_SECONDS: Final = 300
_SHARE_BY_CLOCK: Final = 0.5
# Pauses of one length differ by at most 2 %; shorter ones than a minute are typing.
_SAME_LENGTH: Final = 0.02
_SHORTEST_PAUSE_SECONDS: Final = 60
_LEAST_PAUSES: Final = 50
_REST_SECONDS: Final = 4 * _HOUR_SECONDS
_DAYS_WITHOUT_REST: Final = 14

SUSPECTS_SCHEMA: Final = pl.Schema(
    {
        "member_no": pl.Int32(),
        "rule": pl.String(),
        "share": pl.Float64(),
        "visits": pl.Int64(),
        "days_without_rest": pl.Int64(),
        "event_count_90d": pl.Int64(),
        "times_typical": pl.Float64(),
    }
)

_Seconds = npt.NDArray[np.int64]


def most_active(daily: pl.LazyFrame) -> pl.LazyFrame:
    """Return the members worth examining: one row per member, the most active first.

    Columns member_no, event_count_90d, times_typical (events in multiples of the median member with any). At most
    `MOST_CANDIDATES` members, each active on `LEAST_DAYS` days or more.

    Args:
        daily: The days of the window, one row per event_date, member_no, activity with `n`; events only.
    """
    counted = daily.group_by("member_no").agg(
        event_count_90d=pl.col("n").cast(pl.Int64).sum(), days=pl.col("event_date").n_unique()
    )
    typical = pl.col("event_count_90d") / pl.col("event_count_90d").median()
    is_candidate = (pl.col("days") >= LEAST_DAYS) & (pl.col("event_count_90d") >= LEAST_VISITS)
    return (
        counted.with_columns(times_typical=typical)
        .filter(is_candidate)
        .sort(["event_count_90d", "member_no"], descending=[True, False])
        .head(MOST_CANDIDATES)
        .select("member_no", "event_count_90d", "times_typical")
    )


def suspect_bots(events: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Return the members who look like bots: one row per member, the most certain first, at most `MOST_SUSPECTS`.

    Args:
        events: The candidates' events in the window, in any order: member_no, occurred_at.
        candidates: As `most_active` returns them.

    Returns:
        Columns of `SUSPECTS_SCHEMA`. `rule` is the first of `RULES` that holds; `share` is the share of visits by the clock, or
        of pauses of one length, and null for `no_rest`.
    """
    moments = events.select("member_no", pl.col("occurred_at").dt.epoch("s").alias("second")).sort("member_no", "second")
    found = [
        {"member_no": member_no, **verdict}
        for (member_no,), rows in moments.group_by("member_no", maintain_order=True)
        if (verdict := _examine(rows["second"].to_numpy())) is not None
    ]
    suspects = pl.DataFrame(found, schema={n: SUSPECTS_SCHEMA[n] for n in ("member_no", *_VERDICT)})
    return (
        suspects.join(candidates, on="member_no")
        .sort(["share", "event_count_90d", "member_no"], descending=[True, True, False], nulls_last=True)
        .head(MOST_SUSPECTS)
        .select(pl.col(name).cast(dtype) for name, dtype in SUSPECTS_SCHEMA.items())
    )


_VERDICT: Final = ("rule", "share", "visits", "days_without_rest")


def _examine(seconds: _Seconds) -> dict[str, object] | None:
    """Return the first rule that holds for one member's moments, sorted; None where none does."""
    pauses = np.diff(seconds)
    visits = seconds[np.concatenate([[True], pauses > _VISIT_SECONDS])]
    restless = _days_without_rest(seconds)
    shares = {
        DAILY_CLOCK: _share_at_one_time(visits, _DAY_SECONDS, _SAME_TIME_OF_DAY_SECONDS),
        HOURLY_CLOCK: _share_at_one_time(visits, _HOUR_SECONDS, _SAME_TIME_OF_HOUR_SECONDS),
        EQUAL_PAUSES: _share_of_one_length(pauses[pauses >= _SHORTEST_PAUSE_SECONDS]),
    }
    facts = {"visits": len(visits), "days_without_rest": restless}
    for rule, share in shares.items():
        if share is not None and share >= _SHARE_BY_CLOCK:
            return {"rule": rule, "share": share, **facts}
    return {"rule": NO_REST, "share": None, **facts} if restless >= _DAYS_WITHOUT_REST else None


def _share_at_one_time(visits: _Seconds, period: int, width: int) -> float | None:
    """Return the share of visits within the busiest `width` seconds of a day or hour; None where there are too few."""
    # Days by UTC: a change to summer time splits a daily clock at most once in the window.
    if len(visits) < LEAST_VISITS:
        return None
    places = np.sort(visits % period)
    # Twice around, so that a stretch may pass midnight or the full hour.
    around = np.concatenate([places, places + period])
    within = np.searchsorted(around, places + width, side="left") - np.arange(len(places))
    return float(within.max() / len(places))


def _share_of_one_length(pauses: _Seconds) -> float | None:
    """Return the share of pauses whose lengths differ by 2 % at most; None where there are too few."""
    if len(pauses) < _LEAST_PAUSES:
        return None
    lengths = np.sort(pauses)
    within = np.searchsorted(lengths, lengths * (1 + _SAME_LENGTH), side="right") - np.arange(len(lengths))
    return float(within.max() / len(lengths))


def _days_without_rest(seconds: _Seconds) -> int:
    """Return the whole days between the first and the last moment that no pause of four hours or more touches."""
    first, last = seconds[0] // _DAY_SECONDS + 1, seconds[-1] // _DAY_SECONDS
    if last <= first:
        return 0
    is_rest = np.diff(seconds) >= _REST_SECONDS
    begins, ends = seconds[:-1][is_rest] // _DAY_SECONDS, seconds[1:][is_rest] // _DAY_SECONDS
    # Pauses as steps up and down: where their sum is above zero, a pause touches the day.
    steps = np.zeros(last - first + 2, dtype=np.int64)
    np.add.at(steps, np.clip(begins - first, 0, last - first + 1), 1)
    np.add.at(steps, np.clip(ends - first + 1, 0, last - first + 1), -1)
    return int((np.cumsum(steps)[: last - first] == 0).sum())
