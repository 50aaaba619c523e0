"""Features of the member's profile, from the members table."""

from __future__ import annotations

import polars as pl

from features.feature import Feature


def profile_features() -> list[Feature]:
    """Declare categories as text, and age and referrals as numbers; null where the member's row has no value."""
    return [
        _profile("platform", "Where the member mostly comes from.", "category", pl.col("platform")),
        _profile("region", "Country or region.", "category", pl.col("region")),
        _profile("gender", "Gender as the member states it.", "category", pl.col("gender")),
        _profile(
            "age_years",
            "Age the member reaches in the year of the night.",
            "years",
            pl.col("as_of").dt.year() - pl.col("birth_year"),
            column="birth_year",
        ),
        _profile(
            "was_referred",
            "Whether another member brought this one: 1 or 0.",
            "flag",
            pl.col("referrer_no").is_not_null().cast(pl.Int32),
            column="referrer_id",
        ),
        _profile(
            "members_referred",
            "How many members seen so far were brought by this one.",
            "members",
            pl.col("referred.members"),
            column="referrer_id",
        ),
    ]


def _profile(name: str, meaning: str, unit: str, expression: pl.Expr, *, column: str | None = None) -> Feature:
    needs = frozenset({f"members.{column or name}"})
    return Feature(name=name, meaning=meaning, unit=unit, expression=expression, needs=needs, habit=name)
