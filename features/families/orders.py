"""Features of purchases: spend, orders and refunds, and the purchase history for value models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from features.feature import Feature, Saying, currency_units, days_until_as_of, share, window_phrase, windowed
from features.incremental.window_sums import amount, count
from features.windows import LONG_WINDOWS_DAYS
from lake.contracts import MINOR_UNITS_PER_UNIT

_ORDERS: Final = frozenset({"orders"})
_MONEY: Final = "currency units"


def spend_minor(days: int | None) -> pl.Expr:
    """Return orders less refunds in minor units."""
    return amount("order", days) + amount("refund", days)


def order_features() -> list[Feature]:
    """Declare spend, orders and refunds over every window and the lifetime."""
    return [
        *_over_windows_and_lifetime(
            "spend", "Money spent, orders less refunds", _MONEY, lambda w: currency_units(spend_minor(w))
        ),
        *_over_windows_and_lifetime("order_count", "Orders", "orders", lambda w: count("order", w)),
        *_over_windows_and_lifetime("refund_count", "Refunds", "refunds", lambda w: count("refund", w)),
        *_over_windows_and_lifetime("refund_spend", "Money refunded, as a positive sum", _MONEY, _refunded),
        *(_average_order_value(days) for days in (*LONG_WINDOWS_DAYS, None)),
    ]


def purchase_features() -> list[Feature]:
    """Declare repeat purchases, recency, age and value for buy-till-you-die models; see `features.purchases`."""
    days, first, last = pl.col("purchase.days"), pl.col("purchase.first_date"), pl.col("purchase.last_date")
    repeat_days = pl.max_horizontal(days - 1, pl.lit(0, dtype=pl.Int32))
    order_day = "An order day is a day whose orders exceed its refunds."
    return [
        _purchase("repeat_order_days", f"Order days after the first one (x). {order_day}", "days", repeat_days),
        _purchase(
            "first_to_last_order_days",
            "Days from the first order day to the last (t_x); 0 with a single one, empty without any.",
            "days",
            (last - first).dt.total_days().cast(pl.Int32),
        ),
        _purchase(
            "first_order_age_days",
            "Days since the first order day (T); empty without any.",
            "days",
            days_until_as_of(first),
        ),
        _purchase(
            "mean_repeat_order_value",
            "Mean net spend of the order days after the first one; empty without any.",
            _MONEY,
            share(pl.col("purchase.repeat_minor"), repeat_days * MINOR_UNITS_PER_UNIT),
        ),
    ]


def _over_windows_and_lifetime(habit: str, meaning: str, unit: str, over: Callable[[int | None], pl.Expr]) -> list[Feature]:
    lifetime = Feature(
        name=f"{habit}_lifetime",
        meaning=f"{meaning}, ever.",
        unit=unit,
        expression=over(None),
        needs=_ORDERS,
        habit=habit,
        saying=Saying("amount", habit),
    )
    return [*windowed(habit, meaning, unit, over, saying="amount", needs=_ORDERS), lifetime]


def _average_order_value(days: int | None) -> Feature:
    return Feature(
        name="average_order_value" + ("_lifetime" if days is None else f"_{days}d"),
        meaning=f"Mean amount of an order {'ever' if days is None else window_phrase(days)}, refunds aside; empty without any.",
        unit=_MONEY,
        expression=share(amount("order", days), count("order", days) * MINOR_UNITS_PER_UNIT),
        needs=_ORDERS,
        habit="average_order_value",
        saying=Saying("average_order_value", days=days),
    )


def _purchase(name: str, meaning: str, unit: str, expression: pl.Expr) -> Feature:
    return Feature(name=name, meaning=meaning, unit=unit, expression=expression, needs=_ORDERS, habit=name)


def _refunded(days: int | None) -> pl.Expr:
    # 0 - x rather than -x: a member without refunds gets 0.0, not -0.0.
    return currency_units(0 - amount("refund", days))
