"""Times are read as instants, whichever way an export writes them."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.contracts import TIMESTAMP
from lake.sources.times import is_date_format, local_date, to_utc

NOON = datetime(2011, 8, 31, 12, 0, tzinfo=UTC)
NOON_S = 1_314_792_000
NEW_YORK = "America/New_York"


def naive(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC).replace(tzinfo=None)


def read(*values: object, zone: str = "UTC", date_format: str | list[str] | None = None) -> list[datetime | None]:
    column = pl.Series("time", values)
    times = to_utc(column, timezone=zone, date_format=date_format)
    assert times.dtype == TIMESTAMP
    assert times.name == "time"
    return times.to_list()


def seconds(*, offset_hours: float = 0, **parts: int) -> datetime:
    return NOON + timedelta(hours=offset_hours, **parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-08-31T12:00:00Z", NOON),
        ("2011-08-31t12:00:00z", NOON),
        ("2011-08-31 12:00:00", NOON),
        ("2011-08-31 12:00", NOON),
        ("2011-08-31", NOON - timedelta(hours=12)),
        ("2011-8-31 12:00", NOON),
        ("2011/08/31", NOON - timedelta(hours=12)),
        ("2011/8/31 12:00", NOON),
        ("2011/08/31 12:00:00", NOON),
        ("20110831", NOON - timedelta(hours=12)),
        ("20110831T120000", NOON),
        ("20110831T120000Z", NOON),
        ("20110831 12:00", NOON),
        ("2011-08-31T12:00:00.250Z", NOON + timedelta(milliseconds=250)),
        ("2011-08-31T12:00:00,250Z", NOON + timedelta(milliseconds=250)),
        ("2011-08-31 12:00:00.123456", NOON + timedelta(microseconds=123456)),
        ("2011-08-31 12:00:00.123456789", NOON + timedelta(microseconds=123456)),
        ("2011-08-31T12:00:00+00:00", NOON),
        ("2011-08-31T12:00:00+01:00", NOON - timedelta(hours=1)),
        ("2011-08-31T12:00:00-0530", NOON + timedelta(hours=5.5)),
        ("2011-08-31 12:00:00+02", NOON - timedelta(hours=2)),
        ("2011-08-31 12:00:00.5-03", NOON + timedelta(hours=3, milliseconds=500)),
        ("2011-08-31 12:00:00 UTC", NOON),
        ("2011-08-31 12:00 GMT", NOON),
        ("2011-08-31 12:00:00 +0100", NOON - timedelta(hours=1)),
        ("  2011-08-31 12:00:00  ", NOON),
    ],
)
def test_iso_text_is_read_without_a_format(text: str, expected: datetime) -> None:
    assert read(text, None) == [expected, None]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "31/08/2011",
        "31/08/11",
        "08-31-2011",
        "11-08-31",
        "2011-13-01",
        "2011-02-30",
        "2011-08-31 25:00",
        "2011-08-31 12:00 or so",
        "2011083",
        "201108311",
        "1314792000",
        "2011-08-31 12:00+99:00",
        "0000-00-00 00:00:00",
        "٢٠١١-٠٨-٣١",
    ],
)
def test_text_that_is_no_iso_time_is_null(text: str) -> None:
    assert read(text, "2011-08-31 12:00") == [None, NOON]


def test_one_column_may_mix_every_way_of_writing() -> None:
    mixed = read("2011-08-31", "2011-08-31T12:00:00Z", "20110831 120000", "junk", None, "2011-08-31 12:00+01", zone=NEW_YORK)
    assert mixed == [seconds(offset_hours=-8), NOON, seconds(offset_hours=4), None, None, seconds(offset_hours=-1)]


def test_a_time_without_a_zone_is_read_in_the_zone_given() -> None:
    assert read("2011-08-31 12:00", zone=NEW_YORK) == [seconds(offset_hours=4)]
    assert read("2011-01-31 12:00", zone=NEW_YORK) == [datetime(2011, 1, 31, 17, tzinfo=UTC)]


def test_a_named_zone_wins_over_the_zone_given() -> None:
    assert read("2011-08-31T12:00:00Z", zone=NEW_YORK) == [NOON]


def test_a_date_is_its_midnight_there() -> None:
    assert read(date(2011, 8, 31), None, zone=NEW_YORK) == [datetime(2011, 8, 31, 4, tzinfo=UTC), None]


@pytest.mark.parametrize(
    ("zone", "written", "expected"),
    [
        # The hour 01:00–02:00 comes twice on the last night of October.
        ("Europe/London", "2011-10-30 01:30", datetime(2011, 10, 30, 0, 30, tzinfo=UTC)),
        ("America/New_York", "2011-11-06 01:30", datetime(2011, 11, 6, 5, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", "2024-04-07 01:45", datetime(2024, 4, 6, 14, 45, tzinfo=UTC)),
    ],
)
def test_a_repeated_hour_is_the_earlier_one(zone: str, written: str, expected: datetime) -> None:
    assert read(written, zone=zone) == [expected]


@pytest.mark.parametrize(
    ("zone", "written", "before_change", "minutes_after"),
    [
        ("Europe/London", "2011-03-27 01:30", datetime(2011, 3, 27, 1, tzinfo=UTC), 30),
        ("America/New_York", "2011-03-13 02:00", datetime(2011, 3, 13, 7, tzinfo=UTC), 0),
        ("America/Havana", "2024-03-10 00:00", datetime(2024, 3, 10, 5, tzinfo=UTC), 0),
        ("Australia/Lord_Howe", "2024-10-06 02:15", datetime(2024, 10, 5, 15, 30, tzinfo=UTC), 15),
        ("Pacific/Apia", "2011-12-30 12:00", datetime(2011, 12, 30, 10, tzinfo=UTC), 720),
    ],
)
def test_a_skipped_time_falls_as_far_after_the_change(
    zone: str, written: str, before_change: datetime, minutes_after: int
) -> None:
    assert read(written, None, zone=zone) == [before_change + timedelta(minutes=minutes_after), None]


def test_a_skipped_midnight_stays_on_its_day() -> None:
    times = to_utc(pl.Series([date(2024, 3, 10)]), timezone="America/Havana")
    assert times.to_frame("time").select(local_date(pl.col("time"), timezone="America/Havana")).item() == date(2024, 3, 10)


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_datetimes_of_any_unit_are_read(unit: str) -> None:
    column = pl.Series("time", [NOON.replace(tzinfo=None), None]).cast(pl.Datetime(unit))  # type: ignore[arg-type]
    assert to_utc(column, timezone=NEW_YORK).to_list() == [seconds(offset_hours=4), None]
    aware = column.dt.replace_time_zone("Asia/Kolkata")
    assert to_utc(aware, timezone=NEW_YORK).to_list() == [seconds(offset_hours=-5.5), None]


def test_typed_times_are_read_even_when_a_format_is_given_for_text() -> None:
    assert read(NOON.replace(tzinfo=None), date_format="%d/%m/%Y") == [NOON]
    assert read(NOON, date_format="epoch_s") == [NOON]
    assert read(date(2011, 8, 31), date_format="epoch_s") == [seconds(offset_hours=-12)]


@pytest.mark.parametrize(
    ("date_format", "text"),
    [
        ("%d/%m/%Y %H:%M", "31/08/2011 12:00"),
        ("%d/%m/%y %H:%M:%S", "31/08/11 12:00:00"),
        ("%m/%d/%Y %I:%M %p", "08/31/2011 12:00 PM"),
        ("%d %b %Y %H:%M", "31 Aug 2011 12:00"),
        ("%Y-%m-%d %H:%M:%S.%f", "2011-08-31 12:00:00.000"),
        ("%d/%b/%Y:%H:%M:%S %z", "31/Aug/2011:05:00:00 -0700"),
        ("%Y-%m-%dT%H:%M:%S%z", "2011-08-31T12:00:00Z"),
        ("%Y-%m-%dT%H:%M:%S%:z", "2011-08-31T14:00:00+02:00"),
        ("%+", "2011-08-31T14:00:00+02:00"),
        ("%s", str(NOON_S)),
        ("%Y%m%d%H%M", "201108311200"),
    ],
)
def test_a_date_format_is_obeyed(date_format: str, text: str) -> None:
    zone = "UTC" if "%H" in date_format and "z" not in date_format else NEW_YORK
    zone = "UTC" if "%I" in date_format else zone
    assert is_date_format(date_format)
    assert read(text, None, "2011-08-31", zone=zone, date_format=date_format) == [NOON, None, None]


def test_a_fraction_written_the_python_way_is_a_fraction() -> None:
    assert read("2011-08-31 12:00:00.25", date_format="%Y-%m-%d %H:%M:%S.%f") == [NOON + timedelta(milliseconds=250)]


def test_whole_numbers_are_read_by_a_date_format() -> None:
    assert read(20110831, None, date_format="%Y%m%d") == [seconds(offset_hours=-12), None]


def test_numbers_without_a_format_are_no_times() -> None:
    assert read(20110831, None) == [None, None]
    assert read(1.5, None) == [None, None]


@pytest.mark.parametrize("date_format", ["epoch_s", "epoch_ms", "epoch_us"])
def test_epochs_are_read_from_numbers_and_text(date_format: str) -> None:
    per_second = {"epoch_s": 1, "epoch_ms": 1_000, "epoch_us": 1_000_000}[date_format]
    count = NOON_S * per_second
    assert read(count, None, zone=NEW_YORK, date_format=date_format) == [NOON, None]
    assert read(float(count), None, date_format=date_format) == [NOON, None]
    assert read(f" {count} ", "", "soon", None, date_format=date_format) == [NOON, None, None, None]


def test_a_fraction_of_an_epoch_counts() -> None:
    assert read(NOON_S + 0.25, date_format="epoch_s") == [NOON + timedelta(milliseconds=250)]
    assert read(f"{NOON_S}.25", date_format="epoch_s") == [NOON + timedelta(milliseconds=250)]


def test_an_epoch_in_the_wrong_unit_is_no_time() -> None:
    assert read(NOON_S * 1_000, None, date_format="epoch_s") == [None, None]
    assert read(float("inf"), float("nan"), -1e300, date_format="epoch_s") == [None, None, None]


@pytest.mark.parametrize("count", [2**63 - 1, -(2**63) + 1])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_moments_beyond_the_calendar_do_not_break_the_rest(count: int, unit: str) -> None:
    column = pl.Series([count, 0], dtype=pl.Int64).cast(pl.Datetime(unit))  # type: ignore[arg-type]
    assert to_utc(column, timezone=NEW_YORK).to_list()[1] == datetime(1970, 1, 1, 5, tzinfo=UTC)
    assert to_utc(column.dt.replace_time_zone("UTC"), timezone=NEW_YORK).to_list()[1] == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("dtype", [pl.Boolean, pl.Time, pl.Duration, pl.List(pl.Int64), pl.Struct({"a": pl.Int8}), pl.Null])
def test_what_cannot_be_a_time_is_null(dtype: pl.DataType) -> None:
    values = pl.Series("time", [None, None], dtype=dtype)
    for date_format in (None, "%Y-%m-%d", "epoch_s"):
        assert to_utc(values, timezone="UTC", date_format=date_format).to_list() == [None, None]
    assert read(True, date_format="epoch_s") == [None]


def test_no_rows_give_no_times() -> None:
    for dtype in (pl.String, pl.Date, pl.Datetime("ns"), pl.Int64):
        for date_format in (None, "epoch_s", "%Y%m%d"):
            assert to_utc(pl.Series(dtype=dtype), timezone=NEW_YORK, date_format=date_format).to_list() == []


@pytest.mark.parametrize(
    "pattern",
    ["", "dd/mm/yyyy", "%H:%M", "%Y-%m", "%d/%m/%Y %I:%M", "%Y-%m-%d %H", "%Q", "%", "%Y-%m-%d %H:%M %Z", "%Y-%m-%d %f"],
)
def test_a_pattern_that_does_not_name_a_day_is_no_date_format(pattern: str) -> None:
    assert not is_date_format(pattern)


@given(
    moment=st.datetimes(min_value=naive(1970, 1, 1), max_value=naive(2037, 12, 31)),
    zone=st.sampled_from(["UTC", "Europe/London", NEW_YORK, "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo"]),
    separator=st.sampled_from(["T", " "]),
    precision=st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
@example(naive(2011, 3, 27, 1, 30), "Europe/London", "T", "seconds")
@settings(max_examples=60, deadline=None)
def test_text_is_read_as_the_standard_library_reads_it(moment: datetime, zone: str, separator: str, precision: str) -> None:
    local = moment.replace(tzinfo=ZoneInfo(zone))
    whole = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}[precision]
    local = local.replace(microsecond=local.microsecond // whole * whole)
    written = local.isoformat(sep=separator, timespec=precision)
    assert read(written, zone="Asia/Tokyo") == [local.astimezone(UTC)]
    # Without its offset, the time is ambiguous or skipped only around a clock change; fold=0 is the earlier reading of both.
    assert read(written[:-6], zone=zone) == [local.astimezone(UTC)]


def test_the_day_is_the_communitys() -> None:
    times = pl.DataFrame({"time": [datetime(2011, 8, 31, 3, 59, tzinfo=UTC), datetime(2011, 8, 31, 4, tzinfo=UTC), None]})
    days = times.select(local_date(pl.col("time"), timezone=NEW_YORK)).to_series()
    assert days.to_list() == [date(2011, 8, 30), date(2011, 8, 31), None]


def test_of_several_formats_the_first_that_reads_a_value_counts() -> None:
    formats = ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M", "epoch_s"]
    values = ["31/08/2011 12:00", "08/31/2011 12:00", "2011-08-31 12:00", str(NOON_S), "04/03/2024 00:00", "soon", None]
    assert read(*values, date_format=formats) == [NOON] * 4 + [datetime(2024, 3, 4, tzinfo=UTC), None, None]


@pytest.mark.parametrize(
    "values", [[20110831.0], [20110831, None], ["20110831.0"], [Decimal("20110831.00")], ["20110831", "20110831.0"]]
)
def test_a_day_that_travelled_as_a_float_is_read(values: list[object]) -> None:
    day = NOON - timedelta(hours=12)
    assert read(*values, date_format="%Y%m%d") == [None if value is None else day for value in values]
    for dtype in (pl.Float64, pl.Int64):
        column = pl.Series([20110831, None], dtype=dtype)
        assert to_utc(column, timezone="UTC", date_format="%Y%m%d").to_list() == [day, None]
    assert read(20110831.5, date_format="%Y%m%d") == [None]


def test_a_year_of_two_digits_is_not_read_as_one_of_four() -> None:
    assert read("31/08/11", date_format="%d/%m/%Y") == [None]
    assert read("31/08/11", "31/08/2011", date_format=["%d/%m/%Y", "%d/%m/%y"]) == [NOON - timedelta(hours=12)] * 2


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "2011-08-31T12:00:00Z"),
        ("%Y-%m-%dT%H:%M:%S.%fZ", "2011-08-31T12:00:00.000Z"),
        ("%d/%m/%Y %H:%M UTC", "31/08/2011 12:00 UTC"),
        ("%a %b %d %H:%M:%S GMT %Y", "Wed Aug 31 12:00:00 GMT 2011"),
    ],
)
def test_a_zone_written_out_in_a_pattern_counts(pattern: str, written: str) -> None:
    assert read(written, zone=NEW_YORK, date_format=pattern) == [NOON]


def test_a_time_before_the_year_1000_is_none() -> None:
    assert read("0001-01-01", "0024-08-31 12:00", "0024-08-31T12:00:00Z", "2011-08-31 12:00") == [None, None, None, NOON]
    assert read(naive(1, 1, 1), naive(2011, 8, 31, 12)) == [None, NOON]


@pytest.mark.parametrize("minutes", range(62))
def test_an_offset_has_sixty_minutes_an_hour(minutes: int) -> None:
    (read,) = to_utc(pl.Series([f"2025-06-01T12:00:00+05:{minutes:02}"]), timezone="UTC")
    expected = datetime(2025, 6, 1, 7, 0, tzinfo=UTC) - timedelta(minutes=minutes)
    assert read == (expected if minutes < 60 else None)
