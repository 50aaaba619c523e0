"""Every feature of a community with events, targets, orders and members, as one SQL statement for DuckDB.

Written as a careful user would: sums per member and activity first, pivoted afterwards, which DuckDB does faster than one
filtered sum of the raw rows per kind and window.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_WINDOWS: Final = (1, 7, 28, 90, 365)
_LONG: Final = (90, 365)
_PEOPLE: Final = (28, 90, 365)
_PARTS: Final = ("night", "morning", "afternoon", "evening")
_OWN: Final = "(activity LIKE 'event:%' OR activity IN ('order', 'refund'))"


def features_sql(as_of: str, event_types: Sequence[str]) -> str:
    """One row per member seen by `as_of`: member_no and the features under the names of our dictionary.

    Args:
        as_of: The night as YYYY-MM-DD.
        event_types: The types with features of their own; plain lower-case words.
    """
    return f"""
        WITH d AS (SELECT *, (DATE '{as_of}' - event_date)::INTEGER AS age FROM daily WHERE event_date <= DATE '{as_of}'),
        {_totals_sql(event_types)},
        {_rhythm_sql()},
        {_people_sql(as_of)},
        purchases AS (
            SELECT member_no, count(*) AS order_days, min(event_date) AS first_day, max(event_date) AS last_day,
                sum(minor) - arg_min(minor, event_date) AS repeat_minor
            FROM (SELECT member_no, event_date, sum(amount_minor) AS minor FROM d WHERE activity IN ('order', 'refund')
                  GROUP BY member_no, event_date HAVING sum(amount_minor) > 0)
            GROUP BY member_no
        )
        SELECT m.member_no, {", ".join(f"{sql} AS {name}" for name, sql in _columns(as_of, event_types).items())}
        FROM members m
        LEFT JOIN totals t USING (member_no) LEFT JOIN rhythm r USING (member_no) LEFT JOIN runs USING (member_no)
        LEFT JOIN given USING (member_no) LEFT JOIN received USING (member_no) LEFT JOIN mutual USING (member_no)
        LEFT JOIN purchases p USING (member_no)
        WHERE m.seen_from IS NULL OR m.seen_from <= DATE '{as_of}'"""


def _kinds(event_types: Iterable[str]) -> dict[str, str]:
    """Kind → condition on the activity."""
    kinds = {kind: f"activity = 'event:{kind}'" for kind in event_types}
    return {
        **kinds,
        "event": "activity LIKE 'event:%'",
        "activity": _OWN,
        **{kind: f"activity = '{kind}'" for kind in ("order", "refund", "received")},
    }


def _totals_sql(event_types: Iterable[str]) -> str:
    windows = {f"{days}d": f"age < {days}" for days in _WINDOWS} | {"lifetime": "true"}
    banded = ", ".join(
        f"coalesce(sum({column}) FILTER ({condition}), 0) AS {column}_{window}"
        for column in ("n", "amount_minor")
        for window, condition in windows.items()
    )
    wide = []
    for kind, condition in _kinds(event_types).items():
        wide += [f"sum(n_{window}) FILTER ({condition}) AS {kind}_n_{window}" for window in windows]
        wide += [f"min(first_day) FILTER ({condition}) AS {kind}_first", f"max(last_day) FILTER ({condition}) AS {kind}_last"]
        if kind in ("order", "refund"):
            wide += [f"sum(amount_minor_{window}) FILTER ({condition}) AS {kind}_minor_{window}" for window in windows]
    wide += [f"count(*) FILTER (activity LIKE 'event:%' AND n_{days}d > 0) AS types_{days}d" for days in _PEOPLE]
    return f"""
        by_activity AS (
            SELECT member_no, activity, min(event_date) AS first_day, max(event_date) AS last_day, {banded}
            FROM d GROUP BY member_no, activity
        ),
        totals AS (SELECT member_no, {", ".join(wide)} FROM by_activity GROUP BY member_no)"""


def _rhythm_sql() -> str:
    counts = [f"count(*) FILTER (age < {days}) AS days_{days}d" for days in _WINDOWS]
    counts += [f"count(*) FILTER (age < {days} AND isodow(event_date) >= 6) AS weekend_days_{days}d" for days in _LONG]
    counts += [f"count(*) FILTER (opens_week AND age < {days}) AS weeks_{days}d" for days in (28, 91, 364)]
    counts += [f"sum(n_{part}) FILTER (age < {days}) AS {part}_n_{days}d" for part in _PARTS for days in _LONG]
    most_used = ", ".join(f"count(*) FILTER (isodow(event_date) = {day})" for day in range(1, 8))
    return f"""
        active AS (
            SELECT member_no, event_date, age, {", ".join(f"sum(n_{part}) AS n_{part}" for part in _PARTS)}
            FROM d WHERE age < 365 AND {_OWN} GROUP BY member_no, event_date, age
        ),
        gaps AS (
            SELECT *, lag(age) OVER w - age AS gap, age + row_number() OVER w AS run,
                (lag(age) OVER w) IS NULL OR (lag(age) OVER w) // 7 <> age // 7 AS opens_week
            FROM active WINDOW w AS (PARTITION BY member_no ORDER BY event_date)
        ),
        rhythm AS (
            SELECT member_no, {", ".join(counts)}, greatest({most_used}) AS most_used_weekday_days,
                count(gap) AS gaps, sum(gap) AS gap_days, sum(gap * gap) AS gap_squares, max(gap) AS longest_gap,
                median(gap) AS median_gap
            FROM gaps GROUP BY member_no
        ),
        runs AS (
            SELECT member_no, max(least(first_age, 89) - last_age + 1) FILTER (last_age < 90) AS longest_run,
                arg_min(first_age - last_age + 1, last_age) AS latest_run
            FROM (SELECT member_no, max(age) AS first_age, min(age) AS last_age FROM gaps GROUP BY member_no, run)
            GROUP BY member_no
        )"""


def _people_sql(as_of: str) -> str:
    sums = ", ".join(f"coalesce(sum(n) FILTER (age < {days}), 0) AS n_{days}d" for days in _WINDOWS)
    given = ", ".join(f"sum(n_{days}d) AS given_n_{days}d" for days in _WINDOWS)
    people = {
        way: ", ".join(f"count(*) FILTER (last_age < {d}) AS {way}_people_{d}d" for d in _PEOPLE) for way in ("given", "received")
    }
    return f"""
        pairs AS (
            SELECT member_no, other_no, min(age) AS last_age, {sums}
            FROM (SELECT *, (DATE '{as_of}' - event_date)::INTEGER AS age FROM ties WHERE event_date <= DATE '{as_of}')
            WHERE age < 365 GROUP BY member_no, other_no
        ),
        given AS (SELECT member_no, {given}, {people["given"]} FROM pairs GROUP BY member_no),
        received AS (SELECT other_no AS member_no, {people["received"]} FROM pairs GROUP BY other_no),
        mutual AS (
            SELECT a.member_no, count(*) AS mutual_people
            FROM pairs a SEMI JOIN pairs b ON a.member_no = b.other_no AND a.other_no = b.member_no GROUP BY a.member_no
        )"""


def _columns(as_of: str, event_types: Sequence[str]) -> dict[str, str]:
    """Feature → expression, in no particular order."""
    return {
        **_activity_columns(as_of, event_types),
        **_rhythm_columns(as_of),
        **_trend_columns(as_of),
        **_people_columns(),
        **_diversity_columns(event_types),
        **_order_columns(as_of),
        **{name: f"m.{name}" for name in ("platform", "region", "gender")},
        "age_years": f"year(DATE '{as_of}') - m.birth_year",
    }


def _zero(column: str) -> str:
    return f"coalesce({column}, 0)"


def _share(part: str, whole: str) -> str:
    return f"CASE WHEN {whole} > 0 THEN ({part}) / ({whole})::DOUBLE END"


def _since(day: str, as_of: str) -> str:
    return f"(DATE '{as_of}' - {day})::INTEGER"


def _activity_columns(as_of: str, event_types: Sequence[str]) -> dict[str, str]:
    counted = (*event_types, "event", "activity", "received")
    last = (*event_types, "activity", "order", "refund", "received")
    return {
        **{f"{kind}_count_{days}d": _zero(f"{kind}_n_{days}d") for kind in counted for days in _WINDOWS},
        **{f"other_event_count_{days}d": "0" for days in _WINDOWS},
        "event_count_lifetime": _zero("event_n_lifetime"),
        **{f"active_days_{days}d": _zero(f"days_{days}d") for days in _WINDOWS},
        **{f"days_since_last_{kind}": _since(f"{kind}_last", as_of) for kind in last},
        "tenure_days": _since("coalesce(m.seen_from, activity_first)", as_of),
        "days_since_first_activity": _since("activity_first", as_of),
    }


def _rhythm_columns(as_of: str) -> dict[str, str]:
    mean = "CASE WHEN gaps > 0 THEN gap_days / gaps::DOUBLE END"
    hours = {
        f"{part}_share_{days}d": _share(f"{part}_n_{days}d", " + ".join(f"{each}_n_{days}d" for each in _PARTS))
        for part in _PARTS
        for days in _LONG
    }
    return {
        "gap_mean_days_365d": mean,
        "gap_median_days_365d": "median_gap",
        "gap_longest_days_365d": "CASE WHEN gaps > 0 THEN longest_gap END",
        "gap_deviation_days_365d": "CASE WHEN gaps > 1 THEN "
        "sqrt((gap_squares * gaps - gap_days * gap_days) / (gaps * (gaps - 1))::DOUBLE) END",
        "gap_now_to_mean_365d": f"{_since('activity_last', as_of)} / ({mean})",
        "longest_streak_days_90d": _zero("longest_run"),
        "latest_streak_days": _zero("latest_run"),
        **{f"active_weeks_{days}d": _zero(f"weeks_{days}d") for days in (28, 91, 364)},
        **hours,
        **{f"weekend_share_{days}d": _share(f"weekend_days_{days}d", f"days_{days}d") for days in _LONG},
        "most_used_weekday_share_365d": _share("most_used_weekday_days", "days_365d"),
    }


def _trend_columns(as_of: str) -> dict[str, str]:
    habits = {
        "active_days": ("days_{}d", "activity"),
        "event_count": ("event_n_{}d", "event"),
        "order_count": ("order_n_{}d", "order"),
        "received_count": ("received_n_{}d", "received"),
    }
    trends = {}
    for days in _LONG:
        scale = f"(28.0::DOUBLE / {days - 28})"
        for habit, (column, kind) in habits.items():
            recent, whole = _zero(column.format(28)), _zero(column.format(days))
            trends[f"{habit}_trend_28d_vs_{days}d"] = (
                f"CASE WHEN {kind}_first <= DATE '{as_of}' - 28 AND {whole} > 0 "
                f"THEN ({recent} + 1) / (({whole} - {recent}) * {scale} + 1) END"
            )
        own = f"({_spend('365d')} * (28.0::DOUBLE / 365))"
        earlier = f"greatest(({_spend(f'{days}d')} - {_spend('28d')}) * {scale}, 0)"
        trends[f"spend_trend_28d_vs_{days}d"] = (
            f"CASE WHEN {own} > 0 THEN (greatest({_spend('28d')}, 0) + {own}) / ({earlier} + {own}) END"
        )
    return trends


def _people_columns() -> dict[str, str]:
    ways = ("given", "received")
    return {
        **{f"given_count_{days}d": _zero(f"given_n_{days}d") for days in _WINDOWS},
        **{f"distinct_people_{way}_{days}d": _zero(f"{way}_people_{days}d") for way in ways for days in _PEOPLE},
        **{
            f"received_share_{days}d": _share(
                _zero(f"received_n_{days}d"), f"{_zero(f'received_n_{days}d')} + {_zero(f'given_n_{days}d')}"
            )
            for days in _LONG
        },
        "reciprocity_share_365d": _share(_zero("mutual_people"), _zero("given_people_365d")),
    }


def _diversity_columns(event_types: Sequence[str]) -> dict[str, str]:
    shares = [f"{_zero(f'{kind}_n_365d')} / event_n_365d::DOUBLE" for kind in event_types]
    surprise = " + ".join(f"CASE WHEN {share} > 0 THEN -({share}) * ln({share}) ELSE 0 END" for share in shares)
    return {
        **{f"distinct_event_types_{days}d": _zero(f"types_{days}d") for days in _PEOPLE},
        "event_type_entropy_365d": f"CASE WHEN event_n_365d > 0 THEN {surprise or '0'} END",
    }


def _spend(window: str) -> str:
    return f"({_zero(f'order_minor_{window}')} + {_zero(f'refund_minor_{window}')})"


def _order_columns(as_of: str) -> dict[str, str]:
    windows = [*(f"{days}d" for days in _WINDOWS), "lifetime"]
    repeat_days = f"greatest({_zero('order_days')} - 1, 0)"
    return {
        **{f"spend_{window}": f"round({_spend(window)} / 100.0::DOUBLE, 2)" for window in windows},
        **{f"{kind}_count_{window}": _zero(f"{kind}_n_{window}") for kind in ("order", "refund") for window in windows},
        **{f"refund_spend_{window}": f"round((0 - {_zero(f'refund_minor_{window}')}) / 100.0::DOUBLE, 2)" for window in windows},
        **{
            f"average_order_value_{window}": _share(f"order_minor_{window}", f"order_n_{window} * 100")
            for window in ("90d", "365d", "lifetime")
        },
        "repeat_order_days": repeat_days,
        "first_to_last_order_days": "(p.last_day - p.first_day)::INTEGER",
        "first_order_age_days": _since("p.first_day", as_of),
        "mean_repeat_order_value": _share("repeat_minor", f"{repeat_days} * 100"),
    }
