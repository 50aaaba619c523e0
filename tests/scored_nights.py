"""Communities scored in memory, as a night scores them: simulated lives, and a real community of the examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from features.catalog import feature_catalog
from features.compute import compute_features
from features.feature import Feature
from features.history import DAILY_SCHEMA, ORDER_ACTIVITIES, TIES_SCHEMA, History
from features.panel import build_panel
from lake.simulate.commerce import order_lines
from lake.simulate.exports import events_export
from lake.simulate.life import live
from lake.simulate.population import draw_population
from lake.simulate.wording import Calendar, member_ids
from models.churn import ChurnModel, fit_churn
from models.config import PredictionSettings
from models.cutoffs import final_split
from pipeline.scoring import Predictors, add_predictions
from tests.features.builders import members_frame
from tests.paths import ROOT

RETAIL = ROOT / "examples" / "online-retail-ii" / "data"
BEER = ROOT / "examples" / "stack-exchange-beer" / "data"
_PARTS = {"night": range(6), "morning": range(6, 12), "afternoon": range(12, 18), "evening": range(18, 24)}


@dataclass(frozen=True)
class ScoredNight:
    """A night of a community.

    Args:
        scored: Features and predictions, one row per member.
        model: The churn model.
        catalog: The features.
        as_of: The night.
        currency: The currency, or None.
    """

    scored: pl.DataFrame
    model: ChurnModel
    catalog: Sequence[Feature]
    as_of: date
    currency: str | None


def simulated_night(*, members: int = 1_200, days: int = 300, seed: int = 3) -> ScoredNight:
    """Score the members of a simulated community on its last day."""
    return _scored(simulated_rows(members=members, days=days, seed=seed), horizon_days=28, currency="EUR")


def simulated_rows(*, members: int, days: int, seed: int) -> pl.DataFrame:
    """Simulate a community: one row per event and order line, with member_id, target_member_id, activity, at and minor."""
    random, first_day = np.random.default_rng(seed), date(2025, 1, 1)
    people = draw_population(random, members=members, days=days)
    life = live(people, random, first_day=first_day, days=days)
    calendar, bought_on = Calendar(first_day, "Europe/Berlin"), life.orders.columns()
    lines = order_lines(people, random, day=bought_on["day"], member=bought_on["member"], days=days)
    events = events_export(life, random, calendar).select(
        "member_id", "target_member_id", activity=pl.format("event:{}", "event_type"), at="occurred_at", minor=pl.lit(0)
    )
    bought = lines.filter(pl.col("quantity") > 0)
    orders = pl.DataFrame(
        {
            "member_id": member_ids(bought["member"].to_numpy()),
            "target_member_id": pl.Series([None] * bought.height, dtype=pl.String),
            "activity": ["order"] * bought.height,
            "at": calendar.moments(bought["day"].to_numpy(), bought["second"].to_numpy()),
            "minor": bought["quantity"] * bought["unit_minor"],
        }
    )
    return pl.concat([events, orders], how="vertical_relaxed")


def beer_night() -> ScoredNight:
    """Score the members of a Stack Exchange community on its last day."""
    return _scored(beer_rows(), horizon_days=90, currency=None)


def beer_rows() -> pl.DataFrame:
    """Read what the members of a Stack Exchange community did: one row per post, comment and badge, as `simulated_rows`."""
    posts = pl.read_parquet(BEER / "posts.parquet")
    kinds = pl.col("PostTypeId").replace_strict({1: "question", 2: "answer"}, default="wiki")
    comments = pl.read_parquet(BEER / "comments.parquet")
    owners = posts.select(PostId="Id", target=pl.col("OwnerUserId"))
    parents = posts.select(ParentId="Id", target=pl.col("OwnerUserId"))
    parts = [
        posts.join(parents, on="ParentId", how="left").select("target", member="OwnerUserId", at="CreationDate", kind=kinds),
        comments.join(owners, on="PostId", how="left").select(
            "target", member="UserId", at="CreationDate", kind=pl.lit("comment")
        ),
        pl.read_parquet(BEER / "badges.parquet").select(
            pl.lit(None, pl.Int64).alias("target"), member="UserId", at="Date", kind=pl.lit("badge")
        ),
    ]
    events = pl.concat([part.select("member", "target", "at", "kind") for part in parts], how="vertical_relaxed")
    return events.filter(pl.col("member") > 0).select(
        member_id=pl.col("member").cast(pl.String),
        target_member_id=pl.col("target").cast(pl.String),
        activity=pl.format("event:{}", "kind"),
        at=pl.col("at").dt.replace_time_zone("UTC"),
        minor=pl.lit(0),
    )


def retail_rows() -> pl.DataFrame:
    """Read the orders of the gift shop: one row per invoice, as `simulated_rows`; credit notes are refunds."""
    sheets = {
        "sheet_2009_2010": ("Invoice", "Customer ID", "Price"),
        "sheet_2010_2011": ("InvoiceNo", "CustomerID", "UnitPrice"),
    }
    lines = [
        pl.read_parquet(RETAIL / f"{sheet}.parquet").select(
            pl.lit(sheet).alias("sheet"),
            invoice=pl.col(invoice),
            member_id=pl.col(customer).cast(pl.String),
            # One sheet has the time as text.
            at=pl.col("InvoiceDate").cast(pl.String).str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S", time_zone="UTC"),
            minor=(pl.col("Quantity") * pl.col(price) * 100).round(0).cast(pl.Int64),
        )
        for sheet, (invoice, customer, price) in sheets.items()
    ]
    bought = pl.concat(lines).drop_nulls("member_id")
    # The sheets overlap: an invoice in both counts as in the later one.
    later = bought.filter(pl.col("sheet") == pl.col("sheet").max().over("invoice"))
    return (
        later.group_by("invoice", "member_id")
        .agg(pl.col("at").min(), pl.col("minor").sum())
        .select(
            "member_id",
            pl.lit(None, pl.String).alias("target_member_id"),
            pl.when(pl.col("minor") < 0).then(pl.lit("refund")).otherwise(pl.lit("order")).alias("activity"),
            "at",
            "minor",
        )
    )


def _scored(rows: pl.DataFrame, *, horizon_days: int, currency: str | None) -> ScoredNight:
    history, as_of = history_of(rows)
    cutoffs = [as_of - timedelta(days=horizon_days * back) for back in range(5, 0, -1)]
    panel = build_panel(
        history,
        cutoffs=cutoffs,
        churn_horizon_days=horizon_days,
        value_horizon_days=horizon_days,
        seen_until=as_of,
        eligible_days=365,
    )
    split = final_split(cutoffs, horizon_days=horizon_days)
    features = compute_features(history, as_of=as_of)
    model = fit_churn(panel, split, PredictionSettings(rounds=60))
    assert model.kind == "lightgbm"
    scored = add_predictions(features, Predictors(model, "churn/1", None, None), as_of=as_of, eligible_days=365)
    return ScoredNight(scored, model, feature_catalog(history.available, history.event_types), as_of, currency)


def history_of(rows: pl.DataFrame) -> tuple[History, date]:
    """Roll rows such as `simulated_rows` up to a history; returns it and its last day."""
    rows = rows.drop_nulls("member_id").with_columns(pl.col("minor").cast(pl.Int64), event_date=pl.col("at").dt.date())
    last: date = rows["event_date"].max()  # type: ignore[assignment]
    return _history(rows), last


def _history(rows: pl.DataFrame) -> History:
    ids = pl.concat([rows["member_id"], rows["target_member_id"]]).drop_nulls().unique().sort()
    number = (
        pl.DataFrame({"member_id": ids}).with_row_index("member_no", offset=1).with_columns(pl.col("member_no").cast(pl.Int32))
    )
    numbered = rows.join(number, on="member_id").join(
        number.rename({"member_id": "target_member_id", "member_no": "other_no"}), on="target_member_id", how="left"
    )
    reached = numbered.filter(pl.col("other_no").is_not_null() & (pl.col("other_no") != pl.col("member_no")))
    received = reached.with_columns(member_no="other_no", activity=pl.lit("received"), minor=pl.lit(0, pl.Int64))
    hour = pl.col("at").dt.hour()
    daily = (
        pl.concat([numbered, received])
        .group_by("event_date", "member_no", "activity")
        .agg(
            n=pl.len().cast(pl.Int32),
            amount_minor=pl.col("minor").sum().cast(pl.Int64),
            **{f"n_{part}": hour.is_in(list(hours)).sum().cast(pl.Int32) for part, hours in _PARTS.items()},
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DAILY_SCHEMA.items())
    )
    ties = reached.group_by("event_date", "member_no", "other_no").agg(n=pl.len().cast(pl.Int32))
    first = numbered.group_by("member_no", "member_id").agg(seen_from=pl.col("event_date").min())
    counted = numbered.group_by("activity").len().sort("len", "activity", descending=True)
    kinds = counted.filter(~pl.col("activity").is_in(ORDER_ACTIVITIES))
    tables = {
        *(("events", "events.target_member_id") if kinds.height else ()),
        *(("orders",) if kinds.height < counted.height else ()),
    }
    return History(
        members=members_frame(first.sort("member_no").to_dicts()),
        daily=daily.lazy(),
        ties=ties.select(TIES_SCHEMA.names()).lazy(),
        available=frozenset(tables),
        event_types=tuple(kinds["activity"].str.strip_prefix("event:").head(8)),
    )
