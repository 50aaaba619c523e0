"""What the rules found is kept per arrival and night."""

from datetime import date
from pathlib import Path

import polars as pl

from lake.checks import SCHEMA, read_checks, record_checks
from lake.storage.delta import Lake

TONIGHT, LAST_NIGHT = date(2011, 8, 31), date(2011, 8, 30)


def found(arrival: str, broken: int, as_of: date = TONIGHT) -> pl.DataFrame:
    row = (as_of, arrival, "orders", "amount_present", "Every row has an amount.", 10, broken)
    return pl.DataFrame([row], schema=dict(SCHEMA), orient="row")


def told(lake: Lake, as_of: date = TONIGHT) -> dict[str, int]:
    return dict(read_checks(lake, as_of).select("arrival_id", "broken").iter_rows())


def test_checks_never_kept_are_none(tmp_path: Path) -> None:
    assert told(Lake(tmp_path)) == {}


def test_a_later_run_of_the_night_adds_its_arrivals(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    record_checks(lake, found("a", 1), as_of=TONIGHT)
    record_checks(lake, found("b", 2), as_of=TONIGHT)
    assert told(lake) == {"a": 1, "b": 2}


def test_an_arrival_checked_again_replaces_what_was_found(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for broken in (1, 1, 3):
        record_checks(lake, found("a", broken), as_of=TONIGHT)
    assert told(lake) == {"a": 3}


def test_other_nights_are_left_alone(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    record_checks(lake, found("a", 1, LAST_NIGHT), as_of=LAST_NIGHT)
    record_checks(lake, found("b", 2), as_of=TONIGHT)
    assert (told(lake), told(lake, LAST_NIGHT)) == ({"b": 2}, {"a": 1})
