"""The member list, the contact list and what changed, as files: Parquet and CSV for machines, Excel for people.

The same frames give the same bytes: rows and columns have a fixed order and no file says when it was written. The member list
begins with the most valuable of the members who are scored.

CSV is UTF-8 with a byte-order mark, without which Excel misreads letters such as ü; numbers have full precision and dates
ISO form. In CSV and Excel, text that a spreadsheet
could take for a formula gets an apostrophe in front; Parquet keeps every value as it is, and so do files that tools import
(`outputs.sending`).
"""

from __future__ import annotations

import hashlib
from codecs import BOM_UTF8
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from outputs.content_lists import CONTENT_LISTS
from outputs.excel import write_excel
from outputs.people_lists import PEOPLE_SCHEMAS, RECOGNITION, write_board, write_people_lists
from outputs.sending import Format, write_formats
from wording.texts import between, fill

REASON: Final = pl.Struct({"feature": pl.String(), "value": pl.Float64(), "contribution": pl.Float64(), "text": pl.String()})
REASONS: Final = pl.List(REASON)

MEMBERS_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "member_id": pl.String(),
    "is_eligible": pl.Boolean(),
    "churn_probability": pl.Float64(),
    "churn_risk": pl.String(),
    "presence": pl.String(),
    "expected_value": pl.Float64(),
    "expected_value_low": pl.Float64(),
    "expected_value_high": pl.Float64(),
    "activity_score": pl.Float64(),
    "influence_score": pl.Float64(),
    "commercial_score": pl.Float64(),
    "member_value_score": pl.Float64(),
    "tier": pl.String(),
    "previous_tier": pl.String(),
    "lifecycle": pl.String(),
    "segment": pl.String(),
    "reasons": REASONS,
    "churn_model": pl.String(),
    "value_model": pl.String(),
    "holdout": pl.String(),
    "suppressed_because": pl.String(),
}

# Columns of the member list after `influence_score`. Where nobody responds to anybody they would be empty every night, and are
# left out.
NETWORK_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "influence_low": pl.Float64(),
    "influence_high": pl.Float64(),
    "community_id": pl.String(),
    "community": pl.String(),
    "is_opinion_leader": pl.Boolean(),
}
_BEFORE_NETWORK: Final = "influence_score"

# Columns behind those of the contract: the ranges of scores, where the community has what they are made of.
RANGES_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "activity_low": pl.Float64(),
    "activity_high": pl.Float64(),
    "commercial_low": pl.Float64(),
    "commercial_high": pl.Float64(),
}

CONTACT_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "member_id": pl.String(),
    "rank": pl.Int32(),
    "action": pl.String(),
    "channel": pl.String(),
    "tier": pl.String(),
    "churn_probability": pl.Float64(),
    "expected_value": pl.Float64(),
    "expected_gain": pl.Float64(),
    "reason": pl.String(),
    "message": pl.String(),
    "background": pl.String(),
    "churn_risk": pl.String(),
    "display_name": pl.String(),
    "handle": pl.String(),
    "is_new": pl.Boolean(),
    "nights_listed": pl.Int32(),
    "last_contacted_on": pl.Date(),
    "suggested_hour": pl.Int32(),
}
# Columns behind those of the contract, in communities that have something to say in them.
SHOWN_COLUMNS: Final[Mapping[str, pl.DataType]] = {"show": pl.String()}

CHANGES_SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "as_of": pl.Date(),
    "member_id": pl.String(),
    "what": pl.String(),
    "before": pl.String(),
    "after": pl.String(),
    "reason": pl.String(),
}

EXCEL_ROW_LIMIT: Final = 100_000

# What spreadsheets take for a formula: ASCII and full-width operators, also behind blanks they may trim; and
# anything that begins with a control character.
_FORMULA_START: Final = r"^(?:[\s\x00-\x1F\x7F-\x9F\u200B\uFEFF]*[=+\-@＝＋－＠]|[\x00-\x1F\x7F-\x9F])"


def write_lists(
    folder: Path,
    *,
    members: pl.DataFrame,
    contacts: pl.DataFrame,
    currency: str | None,
    changes: pl.DataFrame | None = None,
    content: Mapping[str, pl.DataFrame] | None = None,
    bom: bool = True,
    formats: Sequence[Format] = (),
    people: Mapping[str, pl.DataFrame] | None = None,
    community: str | None = None,
) -> dict[str, str]:
    """Write tonight's lists into a folder that nobody reads yet.

    Columns of the contract that a frame lacks are written typed and null; columns beyond the contract follow it.

    Args:
        folder: An existing folder; its files are published together later (`outputs.publishing.folder`).
        members: One row per member, in any order; at least `as_of` and `member_id`.
        contacts: One row per member to contact; at least `as_of`, `member_id` and `rank`, 1 for the best.
        currency: ISO 4217 code of the amounts, or None where there is no money or no currency is known.
        changes: One row per member and change since the night before; None where there was no night before.
        content: List of `CONTENT_LISTS` → one row per piece, with its `rank`; those that a community has.
        bom: Whether the CSV files begin with a byte-order mark.
        formats: The tools for which the contact list is written as well.
        people: Name in `PEOPLE_SCHEMAS` → rows of that list, in their order.
        community: The community's name, for the board page; without it none is written.

    Returns:
        File name → SHA-256 of the file, sorted by name. `members.xlsx` is there up to 100,000 members.
    """
    members = most_valuable_first(conform(members, schema=members_schema(members.columns)))
    contacts = conform(contacts, schema=CONTACT_SCHEMA).sort("rank", "member_id")
    for frame in (members, contacts):
        assert frame["member_id"].is_unique().all(), "a list holds one row per member"
    _write_parquet(members, folder / "members.parquet")
    readable = as_text(members)
    readable.write_csv(folder / "members.csv", include_bom=bom)
    written = ["members.parquet", "members.csv"]
    if members.height <= EXCEL_ROW_LIMIT:
        write_excel(folder / "members.xlsx", readable, title=fill("sheet.members"), currency=currency)
        written.append("members.xlsx")
    readable = as_text(contacts)
    readable.write_csv(folder / "contact_list.csv", include_bom=bom)
    write_excel(folder / "contact_list.xlsx", readable, title=fill("sheet.contact_list"), currency=currency, by="action")
    _write_changes(changes, folder / "changes.csv", bom=bom)
    written += ["contact_list.csv", "contact_list.xlsx", "changes.csv"]
    about = {name: conform(rows, schema=PEOPLE_SCHEMAS[name]) for name, rows in (people or {}).items()}
    written += write_people_lists(folder, {name: as_text(rows) for name, rows in about.items()}, bom=bom)
    written += write_board(folder, about.get(RECOGNITION), community=community)
    for name, pieces in (content or {}).items():
        written += _write_content(name, pieces, folder, bom=bom)
    hashes = {name: _digest(folder / name) for name in written} | write_formats(folder, contacts, formats=formats)
    return dict(sorted(hashes.items()))


def most_valuable_first(members: pl.DataFrame) -> pl.DataFrame:
    """Sort the member list as people read it: those scored first, each part by member value score, equal ones by member_id."""
    by = ("is_eligible", "member_value_score", "member_id")
    return members.sort(by, descending=[True, True, False], nulls_last=True)


def has_mark(path: Path) -> bool:
    """Whether a CSV list begins with a byte-order mark."""
    with path.open("rb") as file:
        return file.read(len(BOM_UTF8)) == BOM_UTF8


def members_schema(columns: Collection[str]) -> dict[str, pl.DataType]:
    """Return the contract of a member list: `MEMBERS_SCHEMA`, and of network and ranges the columns that it has.

    Args:
        columns: The columns of the list.
    """
    network, ranges = ({name: own[name] for name in own if name in columns} for own in (NETWORK_SCHEMA, RANGES_SCHEMA))
    before = list(MEMBERS_SCHEMA).index(_BEFORE_NETWORK) + 1
    contract = [*MEMBERS_SCHEMA.items()]
    return dict([*contract[:before], *network.items(), *contract[before:], *ranges.items()])


def conform(frame: pl.DataFrame, *, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Give a frame the columns of a contract, in its order and types; absent ones are null, further ones follow."""
    contract = [
        pl.col(name).cast(dtype) if name in frame.columns else pl.lit(None, dtype).alias(name) for name, dtype in schema.items()
    ]
    return frame.select(*contract, pl.exclude(*schema))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Make a list fit for a spreadsheet: reasons as sentences, and no text that starts like a formula."""
    if "reasons" in frame.columns:
        frame = frame.with_columns(reasons_as_sentences(pl.col("reasons")))
    return frame.with_columns(escape_formulas(pl.col(pl.String)))


def list_reasons(reasons: pl.DataFrame, *, rows: int) -> pl.Series:
    """Gather reasons into `reasons`, one list per row, the strongest first; empty where there is none.

    Args:
        reasons: One row per reason: row, rank and the fields of `REASON`.
        rows: How many rows there are.
    """
    packed = (
        reasons.sort("row", "rank")
        .group_by("row", maintain_order=True)
        .agg(reasons=pl.struct(pl.col(name).cast(dtype) for name, dtype in REASON.to_schema().items()))
    )
    every = pl.DataFrame({"row": pl.int_range(rows, dtype=pl.UInt32, eager=True)})
    listed = every.join(packed, on="row", how="left", maintain_order="left")["reasons"]
    return listed.cast(REASONS).fill_null(pl.Series([[]], dtype=REASONS))


def order_reasons(reasons: pl.Expr, *, is_at_risk: pl.Expr) -> pl.Expr:
    """Put the reasons that raise the risk first for members at risk; leave out the community's level of others who have more.

    Args:
        reasons: Lists of `REASON`, the strongest first; the contribution of the community's level is 0.
        is_at_risk: Whether the member is listed for the risk of leaving.
    """
    contribution = pl.element().struct.field("contribution")
    raising, lowering, own = (reasons.list.filter(keeps) for keeps in (contribution >= 0, contribution < 0, contribution != 0))
    return (
        pl.when(is_at_risk)
        .then(pl.concat_list(raising, lowering))
        .otherwise(pl.when(own.list.len() > 0).then(own).otherwise(reasons))
    )


def reasons_as_sentences(reasons: pl.Expr) -> pl.Expr:
    """Join the texts of a list of reasons, the strongest first as given, each ending with a full stop; null stays null."""
    text = pl.element().struct.field("text").str.strip_chars()
    sentence = pl.when(text.str.contains(r"[.!?…。！？]$")).then(text).otherwise(text + fill("form.stop", sentence=""))
    return reasons.list.eval(sentence.filter(text.str.len_bytes() > 0)).list.join(between("form.sentences"))


def escape_formulas(text: pl.Expr) -> pl.Expr:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    Source: OWASP, "CSV Injection".
    """
    return pl.when(text.str.contains(_FORMULA_START)).then(pl.lit("'") + text).otherwise(text).name.keep()


def unescape_formulas(text: pl.Expr) -> pl.Expr:
    """Take the apostrophe of `escape_formulas` away again, from text that was read back."""
    rest = text.str.slice(1)
    return pl.when(text.str.starts_with("'") & rest.str.contains(_FORMULA_START)).then(rest).otherwise(text).name.keep()


def _write_changes(changes: pl.DataFrame | None, path: Path, *, bom: bool) -> None:
    listed = conform(pl.DataFrame() if changes is None else changes, schema=CHANGES_SCHEMA)
    rows = listed.clear() if changes is None else listed.sort("what", "member_id")
    as_text(rows).write_csv(path, include_bom=bom)


def _write_content(name: str, pieces: pl.DataFrame, folder: Path, *, bom: bool) -> list[str]:
    """Write a list of content as CSV and Excel; return the names of the files."""
    schema = CONTENT_LISTS[name]
    listed = conform(pieces, schema=schema).sort("rank", "content_id")
    assert listed["content_id"].is_unique().all(), "a list holds one row per piece"
    readable = as_text(listed)
    readable.write_csv(folder / f"{name}.csv", include_bom=bom)
    write_excel(folder / f"{name}.xlsx", readable, title=fill(f"sheet.{name}"), currency=None)
    return [f"{name}.csv", f"{name}.xlsx"]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write with every choice that shapes the bytes fixed."""
    frame.rechunk().write_parquet(path, compression="zstd", compression_level=3, statistics=True, row_group_size=131_072)
