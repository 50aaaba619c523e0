"""Score members and find reasons; the score of a member does not depend on which others are scored with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from engagement.actions import AUDIENCE_SCHEMA, POSTS_DAYS
from features.eligibility import is_eligible
from features.feature import Feature, undeclared
from lake.contracts import MINOR_UNITS_PER_UNIT
from models.churn import ChurnModel
from models.peers import describe_peers
from models.reasons import reasons
from models.value import ValueModel
from outputs.lists import MEMBERS_SCHEMA, list_reasons
from pipeline.learning.champions import Champions
from runtime.run_context import RunContext
from segments.habits import AMOUNTS, TYPICAL_SHARES, kind_of
from segments.lifecycle import OPTIONAL as READ_BY_LIFECYCLE
from segments.scores import READ_BY_SCORES
from wording.columns import SentenceContext
from wording.reasons.tell import add_text


@dataclass(frozen=True)
class Predictors:
    """The models of a night, and their names in the lists.

    Args:
        churn: The churn model.
        churn_label: Its name in the lists.
        value: The value model; None in a community without orders.
        value_label: Its name in the lists.
    """

    churn: ChurnModel
    churn_label: str
    value: ValueModel | None
    value_label: str | None

    @classmethod
    def of(cls, champions: Champions) -> Predictors:
        """Return the models and names of champions."""
        value = champions.value
        return cls(
            champions.churn.model,
            champions.churn.label,
            None if value is None else value.model,
            None if value is None else value.label,
        )


def add_predictions(features: pl.DataFrame, models: Predictors, *, as_of: date, eligible_days: int) -> pl.DataFrame:
    """Add predictions to the features of any members.

    One row per row of `features`, in its order: `is_eligible`, `churn_probability` (null when not eligible) and
    `expected_value` in currency units over the value horizon (null in a community without orders), `expected_value_low` and
    `expected_value_high` around it (null until a night's outcomes have been measured).

    Args:
        features: One row per member, as of `as_of`.
        models: The models.
        as_of: The night.
        eligible_days: As `[churn] eligible_days` says.
    """
    scored = features.with_columns(
        as_of=pl.lit(as_of),
        is_eligible=is_eligible(eligible_days),
        churn_model=pl.lit(models.churn_label),
    )
    probability = models.churn.predict(features)
    scored = scored.with_columns(pl.when("is_eligible").then(probability).alias("churn_probability"))
    if models.value is None:
        unknown = pl.lit(None, dtype=pl.Float64)
        return scored.with_columns(
            expected_value=unknown,
            expected_value_low=unknown,
            expected_value_high=unknown,
            value_model=pl.lit(None, dtype=pl.String),
        )
    minor = models.value.predict(features)
    low, high = models.value.predict_range(minor)
    return scored.with_columns(
        (minor * (1 / MINOR_UNITS_PER_UNIT)).alias("expected_value"),
        (low * (1 / MINOR_UNITS_PER_UNIT)).alias("expected_value_low"),
        (high * (1 / MINOR_UNITS_PER_UNIT)).alias("expected_value_high"),
        value_model=pl.lit(models.value_label),
    )


def add_reasons(
    scored: pl.DataFrame,
    model: ChurnModel,
    catalog: Sequence[Feature],
    *,
    as_of: date,
    currency: str | None,
    peers: pl.DataFrame | None = None,
    threads: int = 1,
) -> pl.DataFrame:
    """Add the column `reasons`: the reasons of every eligible member, the strongest first; null for the others.

    One row per row of `scored`, in its order. Every eligible member has one or more.

    Args:
        scored: Features and predictions, one row per member.
        model: The churn model.
        catalog: The features, which have the templates of sentences.
        as_of: The night.
        currency: The currency of amounts in sentences, or None.
        peers: Typical members of the whole community, as `describe_peers` has them, when `scored` has only some of the members.
        threads: Threads to use.
    """
    eligible = scored.filter("is_eligible")
    if peers is None:
        peers = describe_peers(eligible, probability=eligible["churn_probability"])
    reason_rows = reasons(model, eligible, catalog, peers=peers, threads=threads)
    declared = {feature.name: feature for feature in catalog}
    with_sentences = add_text(
        reason_rows,
        eligible,
        {name: declared.get(name) or undeclared(name, eligible.schema.get(name)) for name in reason_rows["feature"].unique()},
        SentenceContext(frozenset(eligible.columns), currency, as_of),
    )
    explained = eligible.select("member_no").with_columns(list_reasons(with_sentences, rows=eligible.height))
    return scored.join(explained, on="member_no", how="left", maintain_order="left", validate="1:1")


def columns_for_segments(names: Iterable[str], run: RunContext) -> list[str]:
    """Return the columns of scored members that risk, scores, tiers, lifecycle, groups and lists read."""
    scores = run.settings.scores
    read = {"member_no", *MEMBERS_SCHEMA, *READ_BY_LIFECYCLE, *READ_BY_SCORES, *AUDIENCE_SCHEMA, *AMOUNTS, *TYPICAL_SHARES}
    posting = ("content", *run.settings.community.posting_events)
    read |= {f"{kind}_count_{days}d" for kind in posting for days in POSTS_DAYS}
    read |= {*scores.activity_weights, *scores.contribution_weights, *(scores.commercial_weights or ())}
    return [name for name in names if name in read or kind_of(name) is not None]


def posts(columns: Sequence[str], posting_events: Sequence[str], *, days: int) -> pl.Expr:
    """Return the pieces a member posted in so many days: content or events that count as posting, whichever are more.

    A piece of content often arrives as an event, too; their sum would count it twice.

    Args:
        columns: The columns of the members.
        posting_events: The event types that count as posting.
        days: The window.
    """
    own, content = [f"{kind}_count_{days}d" for kind in posting_events], f"content_count_{days}d"
    events = [pl.col(name).fill_null(0).cast(pl.Int64) for name in own if name in columns]
    counted = [sum(events[1:], start=events[0])] if events else []
    counted += [pl.col(content).fill_null(0).cast(pl.Int64)] if content in columns else []
    # Null where nothing can be posted: a shop's customers are no lurkers.
    return pl.max_horizontal(counted) if counted else pl.lit(None, pl.Int64)
