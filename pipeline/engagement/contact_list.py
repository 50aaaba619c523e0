"""The contact list: the members chosen, with what an operator needs to make the call."""

from __future__ import annotations

from typing import Final

import polars as pl

from engagement.actions import PLAIN_RANKING
from engagement.contact_history import LISTED, last_contacts
from lake.contracts import MEMBERS
from lake.member_index import scan_member_index
from outputs.lists import reasons_as_sentences
from pipeline.community.showing import pieces_to_show
from pipeline.engagement.deciding import NightDecisions
from pipeline.engagement.hours import suggested_hours
from runtime.run_context import RunContext
from wording.columns import SentenceContext
from wording.contacts import why_contact, why_overdue, why_without_risk
from wording.messages import fill_message
from wording.texts import between

_REASONS_SHOWN: Final = 2
# Nobody can act on the hour of the day or on the age of the first visit.
_OF_NO_USE: Final = r"^(days_since_first_|tenure_)|_share(_|$)"
_AWAY: Final = r"^(days_since_last_activity|gap_)"
_DETAILS: Final = ("display_name", "handle", "timezone")


def contact_list(run: RunContext, members: pl.DataFrame, decided: NightDecisions) -> pl.DataFrame:
    """Return one row per member to contact, best first: every column of the contact list, and more.

    Args:
        run: The run.
        members: One row per segmented member, with `reasons`.
        decided: The decisions of the night.
    """
    not_shown = ("score", "holdout_share", "overall_holdout_share", "cluster")
    listed = decided.decisions.chosen.filter(pl.col("arm") == LISTED).drop(not_shown)
    details = (
        _details(run).join(listed.select("member_no"), on="member_no", how="semi") if listed.height else _details(run).head(0)
    )
    complete = (
        listed.join(members, on="member_no", how="left", maintain_order="left", validate="1:1")
        .join(
            decided.members.drop(set(members.columns) - {"member_no"}, strict=False),
            on="member_no",
            how="left",
            maintain_order="left",
        )
        .drop(_DETAILS, strict=False)
        .join(details, on="member_no", how="left", maintain_order="left", validate="1:1")
        .join(last_contacts(decided.history, as_of=run.as_of), on="member_no", how="left", maintain_order="left")
        .join(_nights_listed(decided), on="member_no", how="left", maintain_order="left")
        .with_row_index("rank", offset=1)
    )
    shown = pieces_to_show(run, complete["member_no"])
    if shown is not None:
        complete = complete.join(shown, on="member_no", how="left", maintain_order="left")
    hours = suggested_hours(run, complete.select("member_no", "member_id", "timezone"))
    context = SentenceContext(frozenset({*complete.columns, "background", "reason"}), run.settings.community.currency, run.as_of)
    said = complete.join(hours, on="member_no", how="left", maintain_order="left").with_columns(
        as_of=pl.lit(run.as_of),
        background=why_contact(context),
        reason=_reason(context),
        nights_listed=pl.col("nights_listed").fill_null(0) + 1,
        is_new=pl.col("was_listed").is_null(),
    )
    return _with_messages(run, said, decided, context)


def _reason(context: SentenceContext) -> pl.Expr:
    """Say that the member is overdue and the strongest reasons of the model that raise the risk.

    Of whose risk is low, what else speaks for the contact comes first.
    """
    reason = pl.element().struct
    raising = pl.col("reasons").list.filter(
        (reason.field("contribution") > 0) & ~reason.field("feature").str.contains(_OF_NO_USE)
    )
    # How long the member is away stands in the sentence on being overdue.
    others = raising.list.filter(~reason.field("feature").str.contains(_AWAY))
    raising = pl.when("is_overdue").then(others).otherwise(raising).list.head(_REASONS_SHOWN)
    parts = [pl.when("is_overdue").then(why_overdue(context)), reasons_as_sentences(raising)]
    sentences = pl.concat_str(parts, separator=between("form.sentences"), ignore_nulls=True).str.strip_chars()
    raises = pl.when(sentences.str.len_bytes() > 0).then(sentences)
    other = why_without_risk(context)
    nothing = pl.lit(context.catalogue.sentences["contact.no_reason"])
    return (
        pl.when(pl.col("churn_risk") == "low")
        .then(pl.coalesce(other, raises, nothing))
        .otherwise(pl.coalesce(raises, other, nothing))
    )


def _with_messages(run: RunContext, listed: pl.DataFrame, decided: NightDecisions, context: SentenceContext) -> pl.DataFrame:
    community = run.settings.community.name
    message = pl.lit(None, dtype=pl.String)
    for action in decided.actions:
        message = (
            pl.when(pl.col("action") == action.name)
            .then(fill_message(action.message, context, community=community))
            .otherwise(message)
        )
    is_plain = pl.col("action") == PLAIN_RANKING
    shown = [pl.when(~is_plain).then(pl.col(name)).alias(name) for name in ("action", "channel")]
    return listed.with_columns(message=message).with_columns(pl.when(~is_plain).then("message").alias("message"), *shown)


def _details(run: RunContext) -> pl.DataFrame:
    """Read how members are addressed: one row per member of the members table, member_no and `_DETAILS`."""
    lake = run.workspace.lake
    recorded = lake.scan_or_empty(MEMBERS.name, MEMBERS.landed_schema).select("member_id", *_DETAILS)
    return recorded.join(scan_member_index(lake), on="member_id").select("member_no", *_DETAILS).collect(engine="streaming")


def _nights_listed(decided: NightDecisions) -> pl.DataFrame:
    """Return one row per member ever listed: member_no, nights_listed, was_listed (true for the newest night, else null)."""
    listed = decided.history.listed
    is_newest = pl.col("as_of") == pl.lit(listed["as_of"].max(), pl.Date)
    return listed.group_by("member_no").agg(
        nights_listed=pl.col("as_of").n_unique().cast(pl.Int32), was_listed=pl.when(is_newest.any()).then(pl.lit(value=True))
    )
