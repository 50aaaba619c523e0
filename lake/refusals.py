"""Standing refusals: members who refused to be contacted, profiled or shown, by source.

A "no" stands until the same source says yes. It is stored separately from the members table, because a lost row, a removed source
or a retired record is not a yes. An empty cell is no statement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from lake.arrivals import REFUSALS, has_refusals_by_source
from lake.contracts import CONSENT, MEMBERS, TIMESTAMP
from lake.landing import SEQUENCE
from lake.quarantine import OPEN, read_quarantine
from lake.sources.casting import YES
from lake.storage.delta import Lake

IS_NEW: Final = "is_new"
CONSENTS: Final = CONSENT
_REFUSES: Final[Mapping[str, str]] = {
    "can_contact": "refuses_contact",
    "can_profile": "refuses_profile",
    "can_show": "refuses_show",
}
SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "source": pl.String(),
    "member_id": pl.String(),
    "refuses_contact": pl.Boolean(),
    "refuses_profile": pl.Boolean(),
    "refuses_show": pl.Boolean(),
    "arrival_id": pl.String(),
    "said_at": TIMESTAMP,
}
STATEMENTS: Final[Mapping[str, pl.DataType]] = {"member_id": pl.String(), **dict.fromkeys(CONSENTS, pl.Boolean())}


def statements(rows: pl.DataFrame, *, only_refusals: bool = False) -> pl.DataFrame:
    """Return the consent statements of one export of members; of a member that occurs twice, a "no" counts.

    Args:
        rows: Mapped rows, cast: `member_id` and, where they are mapped, the columns of `CONSENTS`.
        only_refusals: Return only the refusals, as for an export that a newer one has superseded.

    Returns:
        One row per member with any statement, sorted: `member_id` and `CONSENTS`; null where there is none.
    """
    mapped = [column for column in CONSENTS if column in rows.columns]
    if not mapped or "member_id" not in rows.columns:
        return pl.DataFrame(schema=dict(STATEMENTS))
    # The minimum of booleans: false, a refusal, wins over true, and nulls are ignored.
    by_member = rows.filter(pl.col("member_id").is_not_null()).group_by("member_id").agg(pl.col(mapped).min())
    if only_refusals:
        by_member = by_member.with_columns(pl.when(~pl.col(column)).then(pl.col(column)).alias(column) for column in mapped)
    complete = by_member.with_columns(pl.lit(None, dtype=pl.Boolean).alias(column) for column in CONSENTS if column not in mapped)
    return complete.filter(pl.any_horizontal(pl.col(CONSENTS).is_not_null())).select(list(STATEMENTS)).sort("member_id")


def read_refusals(lake: Lake, ledger: pl.DataFrame) -> pl.DataFrame:
    """Read the standing refusals: one row per source and member; `source` as the ledger names it now.

    In a lake of an earlier release the refusals are only in the rows of members, landed and quarantined, and belong to the
    arrival of the row.
    """
    refusals = [_stored(lake).collect()]
    if not has_refusals_by_source(lake):
        refusals += [_refusals_in_members(lake), _refusals_in_quarantine(lake)]
    with_current_source = pl.concat(refusals).join(
        ledger.select("arrival_id", today="source"), on="arrival_id", how="left", maintain_order="left"
    )
    by_member = with_current_source.with_columns(source=pl.coalesce("today", "source")).group_by(
        "source", "member_id", maintain_order=True
    )
    return by_member.agg(pl.col(list(_REFUSES.values())).any(), pl.col("arrival_id", "said_at").last()).select(list(SCHEMA))


def _stored(lake: Lake) -> pl.LazyFrame:
    """Scan the stored refusals; in a lake of an earlier release nobody has refused to be shown."""
    stored = lake.scan_or_empty(REFUSALS, SCHEMA)
    missing = set(SCHEMA) - set(stored.collect_schema())
    return stored.with_columns(pl.lit(value=False).alias(name) for name in missing).select(list(SCHEMA))


def _refusals_in_members(lake: Lake) -> pl.DataFrame:
    members = lake.scan_or_empty("members", MEMBERS.landed_schema).rename({"ingested_at": "said_at"})
    return _with_refusals(members, {column: pl.col(column).eq(other=False) for column in CONSENTS}).collect()


def _refusals_in_quarantine(lake: Lake) -> pl.DataFrame:
    """Return the refusals in quarantined rows of members; any word that does not mean "yes" counts as a "no"."""
    values_type = pl.Struct({"member_id": pl.String, **dict.fromkeys(CONSENTS, pl.String)})
    # Only open rows: a re-admitted one is among the members, a superseded one is no longer valid.
    rows = read_quarantine(lake).lazy().filter(pl.col("table") == MEMBERS.name, pl.col("status") == OPEN)
    values = rows.select("source", "arrival_id", pl.col("values").str.json_decode(values_type), said_at="quarantined_at")
    words = {column: pl.col(column).str.strip_chars().str.to_lowercase() for column in CONSENTS}
    refuses = {column: (word != "") & ~word.is_in(YES) for column, word in words.items()}
    return _with_refusals(values.unnest("values"), refuses).filter(pl.col("member_id").is_not_null()).collect()


def _with_refusals(rows: pl.LazyFrame, refuses: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    flagged = rows.with_columns(refuses[column].fill_null(value=False).alias(name) for column, name in _REFUSES.items())
    return flagged.filter(pl.any_horizontal(list(_REFUSES.values()))).select(pl.col(n).cast(dtype) for n, dtype in SCHEMA.items())


def update_refusals(lake: Lake, statements_tonight: pl.DataFrame, *, previous: pl.DataFrame) -> None:
    """Update the standing refusals by tonight's consent statements; they are written only if they change.

    Args:
        lake: The lake.
        statements_tonight: One row per statement: `member_id`, `CONSENTS`, `source`, `arrival_id`, `said_at`,
           , `sequence`, `is_new`. A "yes" that is not new, of a file that is read once more, does not end a refusal:
            the source may have refused later.
        previous: The refusals before, as `read_refusals` returns them.
    """
    last = (
        statements_tonight.sort(SEQUENCE)
        .group_by("source", "member_id", maintain_order=True)
        .agg(
            pl.col(CONSENTS).drop_nulls().last(),
            *(pl.col(column).filter(IS_NEW).drop_nulls().last().alias(_new_name(column)) for column in CONSENTS),
            pl.col("arrival_id", "said_at").last(),
        )
    )
    joined = previous.join(last, on=["source", "member_id"], how="full", suffix="_tonight", coalesce=True)
    # A "no" of tonight is a refusal; a refusal from before stands unless the source's new statement is a "yes".
    refuses_now = {
        name: pl.col(column).eq_missing(other=False)
        | (pl.col(name).eq_missing(other=True) & pl.col(_new_name(column)).ne_missing(other=True))
        for column, name in _REFUSES.items()
    }
    after = (
        joined.with_columns(**refuses_now)
        .filter(pl.any_horizontal(list(_REFUSES.values())))
        .with_columns(
            arrival_id=pl.coalesce("arrival_id_tonight", "arrival_id"), said_at=pl.coalesce("said_at_tonight", "said_at")
        )
        .select(pl.col(name).cast(dtype) for name, dtype in SCHEMA.items())
        .sort("source", "member_id")
    )
    if not lake.exists(REFUSALS) or not after.equals(lake.scan(REFUSALS).collect()):
        lake.replace(REFUSALS, after)


def _new_name(column: str) -> str:
    return f"{column}_newly"


def scan_consent(lake: Lake) -> pl.LazyFrame:
    """Scan the members who refuse anything: one row per member, `member_id` and `CONSENTS`.

    False where any source or the member's record refuses, else null.
    """
    members = lake.scan_or_empty("members", MEMBERS.landed_schema).select(list(STATEMENTS))
    refusals = _stored(lake).select(
        "member_id", *(pl.when(name).then(pl.lit(value=False)).alias(column) for column, name in _REFUSES.items())
    )
    statements_of_all = pl.concat([members, refusals]).filter(pl.any_horizontal(~pl.col(column) for column in CONSENTS))
    # One refusal is enough, whichever source or row it comes from.
    refused = [pl.when(~pl.col(column).min()).then(pl.lit(value=False)).alias(column) for column in CONSENTS]
    return statements_of_all.group_by("member_id").agg(refused)
