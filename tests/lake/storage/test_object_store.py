"""A lake in a bucket does what one in a folder does; an export in a bucket is found and read like a file."""

from __future__ import annotations

import pickle
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake.exceptions import DeltaError
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lake.contracts import TABLES
from lake.errors import ConfigurationError, DataError, OutsideServiceError
from lake.sources.discovery import discover
from lake.sources.source_settings import SourceSettings
from lake.storage.bucket import Bucket, matching_files
from lake.storage.delta import Lake
from lake.storage.object_store import store_error
from lake.storage.release_format import FORMAT, mark_format, read_format
from lake.storage.storage import root_at
from lake.storage.versions import remove_past_versions, vacuum
from pipeline.erasure.file_search import search
from pipeline.erasure.id_matcher import IdMatcher
from tests.object_store import ObjectStore, object_store

__all__ = ["object_store"]

DAY_1, DAY_2, DAY_3 = date(2011, 8, 30), date(2011, 8, 31), date(2011, 9, 1)
SCHEMA = {"id": pl.String(), "event_date": pl.Date(), "amount": pl.Int64()}
EVENTS = TABLES["events"]


def rows(*cells: tuple[str | None, date, int | None]) -> pl.DataFrame:
    return pl.DataFrame(list(cells), schema=SCHEMA, orient="row")


@pytest.fixture
def bucket(object_store: ObjectStore) -> Bucket:
    return Bucket(object_store.make_bucket(), "lakes/ours")


# What can be done to a lake: each step is a name and what it is given.
DAYS = st.sampled_from([DAY_1, DAY_2, DAY_3])
CELLS = st.lists(st.tuples(st.sampled_from(["a", "ß", "m-1", None]), DAYS, st.none() | st.integers(0, 9)), max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("replace_days"), CELLS, st.sets(DAYS)),
    st.tuples(st.just("replace"), CELLS, st.booleans()),
    st.tuples(st.just("append"), CELLS, st.booleans()),
    st.tuples(st.just("restore"), st.integers(-1, 3), st.none()),
    st.tuples(st.just("vacuum"), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


def done(lake: Lake, step: tuple[str, Any, Any]) -> object:
    """Take a step and tell what is to be told of it."""
    verb, first, second = step
    if verb == "replace_days":
        cells = rows(*first)
        lake.replace_days("events", cells, days=second | set(cells["event_date"]), metadata={"night": DAY_1} if second else None)
    elif verb in {"replace", "append"}:
        getattr(lake, verb)("members", rows(*first), metadata={"rows": len(first)} if second else None)
    elif verb == "restore" and lake.exists("events"):
        try:
            return lake.restore("events", version=min(first, lake.version("events")))
        except DeltaError as error:
            return type(error)
    elif verb == "vacuum":
        now = datetime.now(UTC) + timedelta(days=3)
        return [vacuum(lake, table, kept_since=now, now=now).files for table in lake.tables]
    elif verb == "forget":
        return [remove_past_versions(lake, table).files for table in lake.tables]
    return None


def seen(lake: Lake) -> dict[str, object]:
    """Everything a lake tells about its tables."""
    told: dict[str, object] = {"tables": lake.tables}
    for table in ("events", "members", "never"):
        frame = lake.scan_or_empty(table, SCHEMA).collect().sort("event_date", "id", "amount")
        told[table] = (frame.rows(), frame.schema, lake.version(table), lake.row_count(table), lake.metadata(table))
    if lake.exists("events"):
        told["days"] = (lake.days("events"), lake.rows_by_day("events").rows(), lake.day_column("events"))
        told["changed"] = [lake.days_changed("events", since_version=since) for since in (-1, 0, lake.version("events"), 99)]
        told["filled"] = (lake.filled_columns("events"), lake.filled_columns("events", until=DAY_1))
        told["may hold"] = lake.days_that_may_hold("events", pl.Series(["b", "m-1"]), column="id")
        told["stored"] = sorted(file.name.split("/")[0] for file in lake.storage("events").files())
    return told


@given(st.lists(STEPS, min_size=1, max_size=5))
@settings(max_examples=4)
@example(
    [
        ("append", [("a", DAY_1, 1)], True),
        ("replace_days", [("a", DAY_1, 1), ("m-1", DAY_2, None)], {DAY_1, DAY_2}),
        ("replace_days", [("ß", DAY_3, 4)], {DAY_1}),
        ("restore", 0, None),
        ("replace", [("a", DAY_1, 2)], False),
        ("vacuum", None, None),
        ("replace_days", [], {DAY_2}),
        ("forget", None, None),
    ]
)
def test_whatever_is_done_to_a_lake_a_bucket_tells_the_same_as_a_folder(
    object_store: ObjectStore, steps: list[tuple[str, Any, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        bucket = Bucket(object_store.make_bucket(), "a/lake")
        here, there = Lake(Path(folder) / "here"), Lake(bucket, copies_folder=Path(folder) / "copies")
        for step in steps:
            assert done(here, step) == done(there, step), step
            assert seen(here) == seen(there)
        assert seen(here) == seen(Lake(bucket)), "without copies"


def test_two_writers_in_one_bucket_lose_nothing(bucket: Bucket) -> None:
    lake = Lake(bucket)
    lake.append("members", pl.DataFrame({"id": ["first"]}))
    names = [f"m{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as writers:
        list(writers.map(lambda name: lake.append("members", pl.DataFrame({"id": [name]})), names))
    assert sorted(lake.scan("members").collect()["id"]) == ["first", *names]
    assert not bucket.write("members/_delta_log/00000000000000000000.json", b"{}", only_new=True)


def test_a_lake_in_a_bucket_travels_to_another_process_without_keys(bucket: Bucket) -> None:
    lake = Lake(bucket)
    lake.append("members", pl.DataFrame({"id": ["a"]}))
    packed = pickle.dumps(lake)
    assert b"EVENFALLKEY" not in packed
    assert pickle.loads(packed).scan("members").collect().rows() == [("a",)]
    assert lake.storage_options is not None
    assert not {"EVENFALLKEY", "the-moon-behind-clouds"} & set(lake.storage_options.values())


def test_the_format_is_marked_in_a_bucket(bucket: Bucket) -> None:
    assert read_format(bucket) is None
    mark_format(bucket, timezone="UTC")
    mark_format(bucket, timezone="UTC")
    assert (read_format(bucket), [file.name for file in bucket.files()]) == (FORMAT, ["format.json"])


def test_a_search_unpacks_what_lies_in_a_bucket(bucket: Bucket) -> None:
    lake = Lake(bucket)
    lake.append("members", pl.DataFrame({"id": ["anna-of-the-hill", "ben"], "n": [1, 2]}))
    lake.append("others", pl.DataFrame({"id": ["ben"]}))
    bucket.write("notes.txt", b"met anna-of-the-hill")
    found = search(bucket.files(), IdMatcher("anna-of-the-hill"))
    assert {str(file).removeprefix(f"{bucket}/").split("/")[0] for file in found.holding} == {"members", "notes.txt"}
    assert found.files == len(bucket.files())
    assert found.unreadable == ()


KEYS = ["a.csv", "b.csv", "x.jsonl", "sub/c.csv", "sub/deep/d.csv", ".hidden.csv", "sub/.e.csv", "orders[1].csv", "orders1.csv"]
PATTERNS = ["*.csv", "**/*.csv", "sub/*", "sub/**", "?.csv", "[ab].csv", "*/*.csv", "orders[1].csv", "**", "sub/**/*.csv", ".h*"]


def test_patterns_find_in_a_bucket_what_they_find_in_a_folder(object_store: ObjectStore, tmp_path: Path) -> None:
    name = object_store.make_bucket()
    for key in KEYS:
        (tmp_path / "x" / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "x" / key).write_bytes(b"id\n1\n")
        object_store.put(name, f"x/{key}", b"id\n1\n")
    for pattern in PATTERNS:
        source = SourceSettings(path=f"x/{pattern}", format="csv")
        here = [export.path for export in discover(EVENTS, [source], root=tmp_path)]
        assert [file.key for file in matching_files(f"s3://{name}/x/{pattern}")] == here, pattern


def as_parquet(frame: pl.DataFrame, path: Path) -> None:
    frame.write_parquet(path)


def as_gzip(frame: pl.DataFrame, path: Path) -> None:
    frame.write_csv(path, compression="gzip")


def as_excel(frame: pl.DataFrame, path: Path) -> None:
    frame.write_excel(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("e.csv", pl.DataFrame.write_csv),
        ("e.csv.gz", as_gzip),
        ("e.jsonl", pl.DataFrame.write_ndjson),
        ("e.parquet", as_parquet),
        ("e.xlsx", as_excel),
    ],
)
def test_an_export_in_a_bucket_is_read_as_the_same_file_would_be(
    object_store: ObjectStore, tmp_path: Path, name: str, write: Callable[[pl.DataFrame, Path], None]
) -> None:
    write(pl.DataFrame({"id": ["a", "b"], "n": [1, 2]}), tmp_path / name)
    held = object_store.make_bucket()
    object_store.put(held, f"landing/{name}", (tmp_path / name).read_bytes())
    (here,) = discover(EVENTS, [SourceSettings(path=name)], root=tmp_path)
    (there,) = discover(EVENTS, [SourceSettings(path=f"s3://{held}/landing/e.*")], root=tmp_path)
    assert (there.path, there.size_bytes) == (f"s3://{held}/landing/{name}", here.size_bytes)
    ours, theirs = here.read(), there.read()
    assert ours[0].equals(theirs[0])
    assert ours[1] == theirs[1]


def test_an_export_that_changes_within_a_second_keeps_neither_its_mark_nor_its_name_alone(object_store: ObjectStore) -> None:
    held = object_store.make_bucket()
    marks = set()
    for content in (b"id\n1\n", b"id\n2\n", b"id\n2\n"):
        object_store.put(held, "e.csv", content)
        marks |= {(export.size_bytes, export.modified_ns % 1_000_000_000) for export in found_in(held, "e.csv")}
    assert len(marks) == 2


def found_in(bucket: str, pattern: str) -> list[Any]:
    return discover(EVENTS, [SourceSettings(path=f"s3://{bucket}/{pattern}")], root=Path())


def test_an_export_that_is_not_there_is_told_like_a_file(object_store: ObjectStore) -> None:
    held = object_store.make_bucket()
    with pytest.raises(ConfigurationError, match=r"events: s3://evenfall-\d+/e\*.csv matches no object"):
        found_in(held, "e*.csv")
    object_store.put(held, "e.csv", b"id\n1\n")
    (export,) = found_in(held, "e.csv")
    object_store.client.delete_object(Bucket=held, Key="e.csv")
    with pytest.raises(DataError, match="vanished while the night was running"):
        export.read()


@pytest.mark.parametrize(
    "address",
    [
        "s3://AKIDEXAMPLE:wJalrXUtnFEMI@bucket/lake",
        "s3://bucket/lake?aws_secret_access_key=wJalrXUtnFEMI",
        "s3://bucket/lake/secret_access_key=wJalrXUtnFEMI",
        "s3://Bucket",
        "s3://",
        "s3://bucket/a//b",
        "s3://bucket/../b",
        "gs://bucket/lake",
    ],
)
def test_an_address_with_keys_or_of_another_kind_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="write it as s3://bucket/prefix") as caught:
        Bucket.at(address)
    assert "wJalr" not in str(caught.value)


def test_a_configured_path_leads_into_a_bucket_or_to_a_folder(tmp_path: Path) -> None:
    assert root_at("lake", below=tmp_path) == tmp_path / "lake"
    assert root_at("/srv/lake", below=tmp_path) == Path("/srv/lake")
    assert root_at("s3://bucket/a/b/", below=tmp_path) == Bucket("bucket", "a/b")
    assert str(Bucket("bucket") / "events") == "s3://bucket/events"


OPERATIONS: dict[str, Callable[[Lake], object]] = {
    "exists": lambda lake: lake.exists("events"),
    "tables": lambda lake: lake.tables,
    "version": lambda lake: lake.version("events"),
    "scan": lambda lake: lake.scan("events"),
    "metadata": lambda lake: lake.metadata("events"),
    "append": lambda lake: lake.append("events", rows(("a", DAY_1, 1))),
    "format": lambda lake: read_format(lake.root),
    "forget": lambda lake: remove_past_versions(lake, "events"),
    "search": lambda lake: search(lake.root.files(), IdMatcher("anna")) if isinstance(lake.root, Bucket) else None,
    "export": lambda lake: matching_files(f"{lake.root}/*.csv"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_bucket_that_is_not_there_is_told_in_words(object_store: ObjectStore, operation: str) -> None:
    with pytest.raises(OutsideServiceError, match="has no bucket nobody-made-this") as caught:
        OPERATIONS[operation](Lake(Bucket("nobody-made-this", "lake")))
    told(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_store_that_is_away_is_told_in_words(object_store: ObjectStore, operation: str) -> None:
    lake = Lake(Bucket(object_store.make_bucket(), "lake"))
    lake.append("events", rows(("a", DAY_1, 1)))
    with object_store.away(), pytest.raises(OutsideServiceError, match=r"at http://127.0.0.1:\d+ does not answer") as caught:
        OPERATIONS[operation](lake)
    told(caught.value)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_keys_that_are_not_known_are_refused_in_words(object_store: ObjectStore, operation: str) -> None:
    lake = Lake(Bucket(object_store.make_bucket(), "lake"))
    with object_store.checking_keys(), pytest.raises(OutsideServiceError, match="refuses the keys it was given") as caught:
        OPERATIONS[operation](lake)
    told(caught.value)


def told(error: OutsideServiceError) -> None:
    """Nothing of a secret, of XML or of Rust is in what people read."""
    assert not [sign in str(error) for sign in ("EVENFALLKEY", "the-moon", "<", "\x1b", "Generic") if sign in str(error)]


def test_an_endpoint_without_encryption_must_be_allowed(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(Bucket(object_store.make_bucket(), "lake"))
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:moonlight@127.0.0.1:1")
    for operation in (OPERATIONS["exists"], OPERATIONS["format"]):
        with pytest.raises(ConfigurationError, match=r"without encryption: http://127\.0\.0\.1:1\n") as caught:
            operation(lake)
        assert "moonlight" not in str(caught.value)


def test_without_boto3_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "a new environment asks for a new client")
    with pytest.raises(ConfigurationError, match="boto3 is not installed") as caught:
        Bucket("bucket").is_empty()
    assert "pip install 'evenfall[s3]'" in caught.value.remedy


def test_a_time_in_an_error_is_not_taken_for_a_refusal() -> None:
    away = OSError("Generic S3 error: Error performing GET http://store in 403.5ms, after 2 retries - HTTP error")
    found = store_error(away)
    assert found is not None
    assert "does not answer" in found.what
    assert store_error(OSError("something else")) is None
