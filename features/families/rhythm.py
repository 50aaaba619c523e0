"""Features of the regularity of activity: tenure, gaps, streaks and active weeks."""

from __future__ import annotations

import polars as pl

from features.feature import NOTHING_NEEDED, Feature, days_until_as_of, share, windowed
from features.incremental.active_day_rhythm import WEEKS_WINDOWS_DAYS
from features.incremental.window_sums import first_date, last_date


def tenure_features() -> list[Feature]:
    """Declare the days since joining and since the first activity."""
    return [
        Feature(
            name="tenure_days",
            meaning="Days since the member joined or was first seen, whichever came first; empty when neither is known.",
            unit="days",
            expression=days_until_as_of(pl.coalesce("seen_from", first_date("activity"))),
            needs=NOTHING_NEEDED,
            habit="tenure",
        ),
        Feature(
            name="days_since_first_activity",
            meaning="Days since the member's first event, order or refund; empty when never.",
            unit="days",
            expression=days_until_as_of(first_date("activity")),
            needs=NOTHING_NEEDED,
            habit="tenure",
        ),
    ]


def gap_features() -> list[Feature]:
    """Declare statistics of the gaps between consecutive active days of the last 365 days."""
    gaps, total = pl.col("gap.n"), pl.col("gap.sum_days")
    mean = share(total, gaps)
    # The sample variance from sums, (n Σx² − (Σx)²) / (n (n − 1)), because the totals have sums and no single gaps. All sums are
    # integers, so the numerator is exact.
    variance = (pl.col("gap.sum_squared_days") * gaps - total * total) / (gaps * (gaps - 1))
    silence = days_until_as_of(last_date("activity"))
    few = "empty with fewer than two active days"
    return [
        _gap("gap_mean_days_365d", f"Mean gap between active days in the last 365 days; {few}.", "days", mean),
        _gap(
            "gap_median_days_365d",
            f"Median gap between active days in the last 365 days; {few}.",
            "days",
            pl.col("gap.median_days"),
        ),
        _gap(
            "gap_longest_days_365d",
            f"Longest gap between active days in the last 365 days; {few}.",
            "days",
            pl.when(gaps > 0).then(pl.col("gap.longest_days")),
        ),
        _gap(
            "gap_deviation_days_365d",
            "Standard deviation of the gaps between active days in the last 365 days; empty with fewer than three active days.",
            "days",
            pl.when(gaps > 1).then(variance).sqrt(),
        ),
        _gap(
            "gap_now_to_mean_365d",
            f"Days since the last activity, in mean gaps of the last 365 days; {few}.",
            "ratio",
            silence / mean,
        ),
    ]


def streak_features() -> list[Feature]:
    """Declare the runs of consecutive active days, and active weeks."""
    return [
        Feature(
            name="longest_streak_days_90d",
            meaning="Longest run of consecutive active days in the last 90 days.",
            unit="days",
            expression=pl.col("streak.longest_days_90d"),
            needs=NOTHING_NEEDED,
            habit="streak",
        ),
        Feature(
            name="latest_streak_days",
            meaning="Length of the run of active days that ends with the last active day, within 365 days.",
            unit="days",
            expression=pl.col("streak.latest_days"),
            needs=NOTHING_NEEDED,
            habit="streak",
        ),
        *windowed(
            "active_weeks",
            "Blocks of seven days, counted back from the last day, with any activity",
            "weeks",
            lambda days: pl.col(f"active.weeks_{days}d"),
            windows_days=WEEKS_WINDOWS_DAYS,
        ),
    ]


def _gap(name: str, meaning: str, unit: str, expression: pl.Expr) -> Feature:
    return Feature(name=name, meaning=meaning, unit=unit, expression=expression, needs=NOTHING_NEEDED, habit="gap")
