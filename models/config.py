"""What may be set about prediction: the `[prediction]` section of `evenfall.toml`."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

LifetimeKind = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
ValueStart = Literal["mean", "lifetime", "past_rate", "recency_weighted", "none"]
LevelKind = Literal["tonight", "matured"]


class PredictionSettings(BaseModel):
    """How the churn and value models look back and learn.

    The defaults were chosen on past nights of several communities: small trees and few of them, because the same member at
    neighbouring cut-offs is nearly the same row, and larger models learn members by heart. From there each community's own past
    chooses (`models.search`); a key that the file sets is never changed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    step_days: int = Field(default=28, ge=1, description="Days between one past cut-off and the next.")
    max_cutoffs: int = Field(default=13, ge=1, description="Most past cut-offs to learn from; 13 of 28 days are a year.")
    min_history_days: int = Field(default=90, ge=0, description="Days of history a cut-off needs behind it.")
    seed: int = Field(default=20261, ge=0, description="Seed of everything random; the same seed and data give the same model.")
    num_leaves: int = Field(default=7, ge=2, description="Leaves of one tree.")
    learning_rate: float = Field(default=0.03, gt=0, le=1, description="How far one tree moves the prediction.")
    rounds: int = Field(default=150, ge=1, description="Trees of a model.")
    min_rows_per_leaf: int = Field(default=100, ge=1, description="Fewest rows in one leaf.")
    feature_share: float = Field(default=0.3, gt=0, le=1, description="Share of the features each tree may use.")
    row_share: float = Field(default=0.7, gt=0, le=1, description="Share of the rows each tree learns from.")
    leaf_penalty: float = Field(default=5.0, ge=0, description="L2 penalty on the values of the leaves.")
    half_life_days: int = Field(
        default=180, ge=1, description="Days by which a cut-off must be older than the newest for its rows to count half."
    )
    max_training_rows: int = Field(
        default=1_000_000, ge=1_000, description="More training rows than this are thinned evenly over members and cut-offs."
    )
    learning_members: int = Field(
        default=100_000, ge=1, description="Of a larger community, so many members are learnt from, every so-many-th by number."
    )
    max_categories: int = Field(
        default=64, ge=1, description="Values of a text feature told apart, the most frequent first; the rest count as missing."
    )
    min_members_to_learn: int = Field(
        default=200,
        ge=2,
        description="Fewest different members to train LightGBM on; a quarter where the starting model helps.",
    )
    min_outcomes_to_learn: int = Field(
        default=50,
        ge=1,
        description="Fewest members who left, as many who stayed, or who spent, to train LightGBM; likewise.",
    )
    min_outcomes_for_recency: int = Field(
        default=10, ge=1, description="Fewest members who left, and who stayed, for a probability by recency alone."
    )
    calibration_folds: int = Field(
        default=5, ge=2, description="Groups of members to calibrate by when history is too short for a cut-off apart."
    )
    spend_cap_quantile: float = Field(
        default=0.999, gt=0.5, le=1, description="Spend above this quantile of what spenders spend next counts as that quantile."
    )
    anchor_weight: int = Field(
        default=1_000, ge=1, description="Outcomes with spend that move the predicted total half of the way to theirs."
    )
    lifetime_model: LifetimeKind = Field(
        default="pareto_nbd", description="Buy-till-you-die model used where there are orders: bg_nbd, mbg_nbd or pareto_nbd."
    )
    lifetime_share: float = Field(
        default=0.4,
        ge=0,
        lt=1,
        description="Weight of the buy-till-you-die model in the log-odds of churn where members do nothing but buy.",
    )
    value_start: ValueStart = Field(
        default="mean",
        description="Where the trees of expected spend start: from what the buy-till-you-die model expects (lifetime), from the "
        "past_rate, the recency_weighted rate, none, or the mean of trees from lifetime and of trees from none.",
    )
    tweedie_power: float = Field(
        default=1.3, gt=1, lt=2, description="Variance power of the Tweedie loss of spend, between counts (1) and sums (2)."
    )
    starting_model: bool = Field(
        default=True,
        description="Whether the shipped model of other communities stands in while there is too little to learn from, and helps "
        "while there is little.",
    )
    search_budget: int = Field(
        default=12,
        ge=0,
        description="Most settings tried per model when it is trained, on the community's own past; 0 keeps today's.",
    )
    search_rows: int = Field(default=20_000, ge=1_000, description="Most rows that a setting on trial learns from.")
    level: LevelKind = Field(
        default="tonight",
        description="Level of all predictions: tonight, by a year of outcomes and recent returns; matured, as the model has it.",
    )
    leak_limit: float = Field(
        default=0.98,
        gt=0.5,
        le=1,
        description="A feature that alone tells the outcome better than this (AUC, nGini) stops the training; 1 never does.",
    )
    num_threads: int = Field(
        default=1,
        ge=0,
        description="Threads; 0 uses every core, which pays only on an idle machine. Results do not depend on it.",
    )
