"""Standing refusals: who said no to being contacted or profiled, by source.

A "no" stands until the same source says yes. It stands apart from the members table, because a row may be lost, a source taken
away and a record retired, and none of that is a yes. An empty cell says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake.arrivals import REFUSALS, knows_who_refused
from lake.contracts import MEMBERS, TIMESTAMP
from lake.landing import SEQUENCE
from lake.quarantine import OPEN, read_quarantine
from lake.sources.casting import YES
from lake.storage.delta import Lake

IS_NEW: Final = "is_new"
CONSENTS: Final = ("can_contact", "can_profile")
_REFUSES: Final[Mapping[str, str]] = {"can_contact": "refuses_contact", "can_profile": "refuses_profile"}
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "source": pl.String(),
    "member_id": pl.String(),
    "refuses_contact": pl.Boolean(),
    "refuses_profile": pl.Boolean(),
    "arrival_id": pl.String(),
    "said_at": TIMESTAMP,
}
STATEMENTS: Final[Mapping[str, pl.DataType]] = {"member_id": pl.String(), **dict.fromkeys(CONSENTS, pl.Boolean())}


def statements(rows: pl.DataFrame, *, only_refusals: bool = False) -> pl.DataFrame:
    """What one export of members says of consent; of a member named twice, a no counts.

    Args:
        rows: Mapped rows, cast: `member_id` and, where they are mapped, `can_contact` and `can_profile`.
        only_refusals: Hear the noes alone, as of an export that a newer one has taken the place of.

    Returns:
        One row per member of whom anything is said: `member_id`, `can_contact`, `can_profile`; null where nothing is said.
    """
    said = [column for column in CONSENTS if column in rows.columns]
    if not said or "member_id" not in rows.columns:
        return pl.DataFrame(schema=dict(STATEMENTS))
    told = rows.filter(pl.col("member_id").is_not_null()).group_by("member_id").agg(pl.col(said).min())
    if only_refusals:
        told = told.with_columns(pl.when(~pl.col(column)).then(pl.col(column)).alias(column) for column in said)
    whole = told.with_columns(pl.lit(None, dtype=pl.Boolean).alias(column) for column in CONSENTS if column not in said)
    return whole.filter(pl.any_horizontal(pl.col(CONSENTS).is_not_null())).select(list(STATEMENTS)).sort("member_id")


def read_refusals(lake: Lake, ledger: pl.DataFrame) -> pl.DataFrame:
    """One row per source and member with a standing refusal; `source` is what the ledger calls it today.

    In a lake of an earlier release the refusals stand in the rows of members alone, good and quarantined ones, each said by
    the arrival of its row.
    """
    held = [lake.scan_or_empty(REFUSALS, SCHEMA).collect()]
    if not knows_who_refused(lake):
        held += [_in_rows_of_members(lake), _in_quarantined_rows(lake)]
    named = pl.concat(held).join(ledger.select("arrival_id", today="source"), on="arrival_id", how="left", maintain_order="left")
    stands = named.with_columns(source=pl.coalesce("today", "source")).group_by("source", "member_id", maintain_order=True)
    return stands.agg(pl.col(list(_REFUSES.values())).any(), pl.col("arrival_id", "said_at").last()).select(list(SCHEMA))


def _in_rows_of_members(lake: Lake) -> pl.DataFrame:
    members = lake.scan_or_empty("members", MEMBERS.landed_schema).rename({"ingested_at": "said_at"})
    return _refusing(members, {column: pl.col(column).eq(other=False) for column in CONSENTS}).collect()


def _in_quarantined_rows(lake: Lake) -> pl.DataFrame:
    """What rows that never landed say, in the words of the first release; what is none of them is a no."""
    said = pl.Struct({"member_id": pl.String, **dict.fromkeys(CONSENTS, pl.String)})
    rows = read_quarantine(lake).lazy().filter(pl.col("table") == MEMBERS.name, pl.col("status") == OPEN)
    written = rows.select("source", "arrival_id", pl.col("values").str.json_decode(said), said_at="quarantined_at")
    words = {column: pl.col(column).str.strip_chars().str.to_lowercase() for column in CONSENTS}
    refuses = {column: (word != "") & ~word.is_in(YES) for column, word in words.items()}
    return _refusing(written.unnest("values"), refuses).filter(pl.col("member_id").is_not_null()).collect()


def _refusing(rows: pl.LazyFrame, refuses: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    noted = rows.with_columns(refuses[column].fill_null(value=False).alias(name) for column, name in _REFUSES.items())
    return noted.filter(pl.any_horizontal(list(_REFUSES.values()))).select(pl.col(n).cast(dtype) for n, dtype in SCHEMA.items())


def hear(lake: Lake, said: pl.DataFrame, *, held: pl.DataFrame) -> None:
    """Keep what exports said of consent.

    Args:
        lake: The lake.
        said: One row per statement: `member_id`, `can_contact`, `can_profile`, `source`, `arrival_id`, `said_at`, `sequence`,
            `is_new`. A yes that is not new, of a file that is read once more, leaves what the source said since as it is.
        held: The refusals that stood before, as `read_refusals` has them.
    """
    last = (
        said.sort(SEQUENCE)
        .group_by("source", "member_id", maintain_order=True)
        .agg(
            pl.col(CONSENTS).drop_nulls().last(),
            *(pl.col(column).filter(IS_NEW).drop_nulls().last().alias(_newly(column)) for column in CONSENTS),
            pl.col("arrival_id", "said_at").last(),
        )
    )
    both = held.join(last, on=["source", "member_id"], how="full", suffix="_tonight", coalesce=True)
    # A statement takes the place of what the source said before; where it says nothing, that stands.
    stands = {
        name: pl.col(column).eq_missing(other=False)
        | (pl.col(name).eq_missing(other=True) & pl.col(_newly(column)).ne_missing(other=True))
        for column, name in _REFUSES.items()
    }
    after = (
        both.with_columns(**stands)
        .filter(pl.any_horizontal(list(_REFUSES.values())))
        .with_columns(
            arrival_id=pl.coalesce("arrival_id_tonight", "arrival_id"), said_at=pl.coalesce("said_at_tonight", "said_at")
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
        .sort("source", "member_id")
    )
    if not lake.exists(REFUSALS) or not after.equals(lake.scan(REFUSALS).collect()):
        lake.replace(REFUSALS, after)


def _newly(column: str) -> str:
    return f"{column}_newly"


def scan_consent(lake: Lake) -> pl.LazyFrame:
    """One row per member who refuses anything: `member_id`, `can_contact`, `can_profile`; false where refused, else null."""
    members = lake.scan_or_empty("members", MEMBERS.landed_schema).select(list(STATEMENTS))
    refusals = lake.scan_or_empty(REFUSALS, SCHEMA).select(
        "member_id", *(pl.when(name).then(pl.lit(value=False)).alias(column) for column, name in _REFUSES.items())
    )
    said = pl.concat([members, refusals]).filter(pl.any_horizontal(~pl.col(column) for column in CONSENTS))
    refused = [pl.when(~pl.col(column).min()).then(pl.lit(value=False)).alias(column) for column in CONSENTS]
    return said.group_by("member_id").agg(refused)
