"""A ledger written by hand: the club's members, listed or held out on two nights, with outcomes a fortnight later."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from engagement.holdouts import ARMS_SCHEMA
from lake.member_index import scan_member_index
from pipeline.engagement.ledger import record_night
from runtime.run_context import RunContext

FIRST = date(2025, 6, 1)
SECOND = date(2025, 6, 20)
# The horizon of the club.
MATURED = FIRST + timedelta(days=14)
ACTION = "save_valuable"
NOTHING = pl.DataFrame(schema={"as_of": pl.Date, "member_no": pl.Int32, "action": pl.String, "kind": pl.String})
_ARMS = pl.DataFrame(schema=ARMS_SCHEMA)
# The share that every action leaves alone.
WHOLE = 0.2


def numbers(run: RunContext) -> dict[str, int]:
    return dict(scan_member_index(run.workspace.lake).select("member_id", "member_no").collect().iter_rows())


def decided(run: RunContext, arms: dict[str, str], *, action: str = ACTION) -> pl.DataFrame:
    number = numbers(run)
    rows = [
        {"member_no": number[member], "action": action, "channel": "mail", "arm": arm, "score": 0.4, "expected_gain": 1.5,
         "why": "ranked", "holdout_share": 0.5, "overall_holdout_share": WHOLE}
        for member, arm in arms.items()
    ]  # fmt: skip
    return pl.DataFrame(rows, schema_overrides={"member_no": pl.Int32})


def record(run: RunContext) -> None:
    """Decide on two nights; between them contacts are matched and the outcomes of the first become known."""
    lake, number = run.workspace.lake, numbers(run)
    first = decided(run, {"m0": "listed", "m1": "listed", "m2": ACTION, "m5": "listed", "m3": "all", "m6": ACTION})
    arms = first.select("member_no", action=pl.lit("all"), is_held_out=pl.col("arm") == "all", holdout_share=pl.lit(WHOLE))
    record_night(lake, as_of=FIRST, decided=first, arms=arms.select(list(ARMS_SCHEMA)), observed=NOTHING)
    matured = {"m0": 1.0, "m1": 0.0, "m2": 0.0, "m3": 1.0, "m5": 1.0, "m6": 1.0}
    outcomes = [(FIRST, number[m], ACTION, "outcome", y, y, None) for m, y in matured.items()]
    contacted = [
        (FIRST, number["m0"], ACTION, "contact", None, None, date(2025, 6, 3)),
        (FIRST, number["m1"], ACTION, "contact", None, None, None),
    ]
    schema = {
        "as_of": pl.Date, "member_no": pl.Int32, "action": pl.String, "kind": pl.String, "outcome": pl.Float64,
        "returned": pl.Float64, "contacted_on": pl.Date,
    }  # fmt: skip
    observed = pl.DataFrame([*outcomes, *contacted], schema=schema, orient="row")
    record_night(lake, as_of=MATURED, decided=first.head(0), arms=_ARMS, observed=observed)
    second = decided(run, {"m0": "listed", "m4": "all"}, action="thank_contributor")
    record_night(lake, as_of=SECOND, decided=second, arms=_ARMS, observed=NOTHING)
