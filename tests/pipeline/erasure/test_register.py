"""What an export brings of an erased member is left out, bad rows included, and nothing of anybody else is."""

from __future__ import annotations

import polars as pl

from lake.contracts import EVENTS
from lake.sources.mapping import ROW_NO, Mapped
from pipeline.erasure.register import Erasure, ErasureRegister, leave_out

ERASED = ErasureRegister(b"0123456789abcdef")
ERASED = ERASED.with_erasure(Erasure(ERASED.hash_of("anna"), asked_at="2025-01-01"))


def test_a_bad_row_of_an_erased_member_is_no_reject_and_one_of_another_stays() -> None:
    rows = pl.DataFrame({ROW_NO: [1, 2, 3], "member_id": ["anna", "bo", None], "occurred_at": ["not a time", "no time", None]})
    rejects = pl.DataFrame({ROW_NO: [1, 2, 3], "rules": [["time"], ["time"], ["time", "member"]]})
    kept = leave_out(Mapped(rows, rows, rejects, 3, 0), table=EVENTS, erased=ERASED)
    assert kept.rejects[ROW_NO].to_list() == [2, 3]
    assert kept.rows[ROW_NO].to_list() == [2, 3]
    assert kept.written["member_id"].to_list() == ["bo", None]
    assert kept.left_out == 1


def test_a_text_that_names_an_erased_member_is_blanked_and_a_longer_name_is_not() -> None:
    rows = pl.DataFrame({ROW_NO: [1, 2], "member_id": ["bo", "bo"], "channel": ["by anna", "by anna-2"]})
    rejects = pl.DataFrame(schema={ROW_NO: pl.Int64, "rules": pl.List(pl.String)})
    kept = leave_out(Mapped(rows, rows, rejects, 2, 0), table=EVENTS, erased=ERASED)
    assert kept.written["channel"].to_list() == [None, "by anna-2"]
