"""Purchases of the simulated members: order lines and refunds."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from lake.simulate.population import ORDER_VALUE_SHAPE, Ints, Population

KINDS: Final = ("shop", "ticket", "membership", "donation")
KIND_SHARES: Final = (0.70, 0.15, 0.10, 0.05)
PRODUCTS: Final = (
    ("seed box", "lantern", "field notebook", "apron", "mug"),
    ("workshop ticket", "evening concert", "guided walk"),
    ("membership, one month", "membership, one year"),
    ("donation",),
)
MORE_LINES_PER_ORDER: Final = 1.3
REFUND_SHARE: Final = 0.05
FULL_REFUND_SHARE: Final = 0.6
REFUND_WITHIN_DAYS: Final = 14

_PRODUCT_COUNTS: Final = np.array([len(names) for names in PRODUCTS])


def order_lines(people: Population, rng: np.random.Generator, *, day: Ints, member: Ints, days: int) -> pl.DataFrame:
    """Return the lines of all orders and refunds.

    One row per order line: order (Int64, unique per order or refund), line, member (row in the population),
    day, second (local second of the day, between 7:00 and 23:59), kind, product, quantity, unit_minor.
    Refunds are orders of their own with negative quantities, later than the orders they refund.

    Args:
        people: The population.
        rng: Source of randomness.
        day: Day of each order.
        member: Member of each order.
        days: Length of the simulation; refunds that would come later are left out.
    """
    lines = _purchases(people, rng, day=day, member=member)
    return pl.concat([lines, _refunds(lines, rng, orders=len(day), days=days)])


def _purchases(people: Population, rng: np.random.Generator, *, day: Ints, member: Ints) -> pl.DataFrame:
    count = 1 + rng.poisson(MORE_LINES_PER_ORDER, len(day))
    value = rng.gamma(ORDER_VALUE_SHAPE, people.mean_order_value[member] / ORDER_VALUE_SHAPE)
    order = np.repeat(np.arange(len(day)), count)
    share = rng.gamma(2.0, 1.0, len(order))
    # Gamma variates over their sum are a Dirichlet distribution: a random division of the order's value among its lines.
    share /= np.bincount(order, weights=share, minlength=len(day))[order]
    quantity = 1 + rng.poisson(0.4, len(order))
    kind = rng.choice(len(KINDS), size=len(day), p=KIND_SHARES)[order]
    first_line = np.concatenate([[0], np.cumsum(count)[:-1]]) if len(day) else np.zeros(0, dtype=np.int64)
    second = rng.integers(7 * 3600, 23 * 3600 + 3540, len(day))
    return pl.DataFrame(
        {
            "order": order,
            "line": 1 + np.arange(len(order)) - first_line[order],
            "member": member[order],
            "day": day[order],
            "second": second[order],
            "kind": kind,
            "product": np.floor(rng.random(len(order)) * _PRODUCT_COUNTS[kind]).astype(np.int64),
            "quantity": quantity,
            "unit_minor": np.maximum(np.round(100 * value[order] * share / quantity), 1).astype(np.int64),
        },
        schema_overrides=dict.fromkeys(("order", "line", "member", "day", "second", "quantity"), pl.Int64),
    )


def _refunds(lines: pl.DataFrame, rng: np.random.Generator, *, orders: int, days: int) -> pl.DataFrame:
    """Return refunds of some orders, complete or of the first line only, at the same time of a later day."""
    is_refunded = rng.random(orders) < REFUND_SHARE
    # Drawn for all orders, refunded or not, so that the number of random numbers does not depend on the outcome.
    is_full = rng.random(orders) < FULL_REFUND_SHARE
    waiting_days = rng.integers(1, REFUND_WITHIN_DAYS + 1, orders)
    order = lines["order"].to_numpy()
    return (
        lines.with_columns(
            pl.Series("is_back", is_refunded[order] & (is_full[order] | (lines["line"].to_numpy() == 1))),
            pl.col("day") + pl.Series(waiting_days[order]),
            pl.col("order") + orders,
            -pl.col("quantity"),
        )
        .filter(pl.col("is_back") & (pl.col("day") < days))
        .drop("is_back")
    )
