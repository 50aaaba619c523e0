"""A source offers the files its paths match, in an order that decides which record wins."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lake.contracts import EVENTS, ORDERS
from lake.errors import ConfigurationError, DataError
from lake.sources.discovery import Export, discover
from lake.sources.source_identity import identify
from lake.sources.source_settings import SourceSettings


def sources(*paths: Any, **settings: Any) -> list[SourceSettings]:
    return [SourceSettings.model_validate({"path": path, **settings}) for path in paths]


def offered(root: Path, *paths: Any, **settings: Any) -> list[tuple[str, str]]:
    return [(export.label, export.path) for export in discover(EVENTS, sources(*paths, **settings), root=root)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data [2024] é"
    (folder / "landing" / "old").mkdir(parents=True)
    for name in ("b.csv", "a.csv", "c.csv.gz", "notes.md", "old/a.csv", "old/z.parquet", "orders[1].csv", "orders1.csv"):
        (folder / "landing" / name).write_text("x\n1\n")
    return folder


def test_a_file_is_found_from_the_workspace(root: Path) -> None:
    (export,) = discover(EVENTS, sources("landing/a.csv"), root=root)
    assert (export.source, export.path, export.name) == ("landing/a.csv", "landing/a.csv", "events (landing/a.csv)")
    assert (export.table, export.file_format, export.location) == (EVENTS, "csv", root / "landing" / "a.csv")
    status = (root / "landing" / "a.csv").stat()
    assert (export.size_bytes, export.modified_ns) == (status.st_size, status.st_mtime_ns)


def test_patterns_match_in_the_order_of_the_paths(root: Path) -> None:
    assert offered(root, "landing/?.csv") == [("events", "landing/a.csv"), ("events", "landing/b.csv")]
    deep = [path for _, path in offered(root, "landing/**/[az].*")]
    assert deep == ["landing/a.csv", "landing/old/a.csv", "landing/old/z.parquet"]


def test_a_list_of_patterns_is_one_source_in_the_order_of_the_paths(root: Path) -> None:
    listed = offered(root, ["landing/c*", "landing/b.csv", "landing/?.csv"])
    assert listed == [("events", "landing/a.csv"), ("events", "landing/b.csv"), ("events", "landing/c.csv.gz")]


def test_several_sources_come_one_after_the_other_and_are_numbered(root: Path) -> None:
    assert offered(root, "landing/b.csv", "landing/a.csv") == [("events[1]", "landing/b.csv"), ("events[2]", "landing/a.csv")]
    with pytest.raises(ConfigurationError, match=r"two sources of events go by 'landing/a\.csv"):
        offered(root, "landing/a.csv", "landing/a.csv")


def test_files_come_in_natural_order_or_by_time_of_modification(root: Path) -> None:
    for number, name in enumerate(("export (10).csv", "export (9).csv", "export (010).csv")):
        (root / name).write_text("x\n1\n")
        os.utime(root / name, (number, number))
    named = [path for _, path in offered(root, "export*.csv")]
    assert named == ["export (9).csv", "export (010).csv", "export (10).csv"]
    timed = [path for _, path in offered(root, "export*.csv", order_by="modified")]
    assert timed == ["export (10).csv", "export (9).csv", "export (010).csv"]


def test_of_the_files_of_a_snapshot_the_last_is_the_newest(root: Path) -> None:
    found = discover(EVENTS, sources("landing/?.csv", mode="snapshot"), root=root)
    assert [(export.path, export.is_superseded) for export in found] == [("landing/a.csv", True), ("landing/b.csv", False)]
    assert not any(export.is_superseded for export in discover(EVENTS, sources("landing/?.csv"), root=root))


def test_a_name_with_brackets_is_that_file_before_it_is_a_pattern(root: Path) -> None:
    assert offered(root, "landing/orders[1].csv") == [("events", "landing/orders[1].csv")]
    (root / "landing" / "orders[1].csv").unlink()
    assert offered(root, "landing/orders[1].csv") == [("events", "landing/orders1.csv")]


def test_a_path_may_be_absolute_or_lead_outside(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.csv"
    outside.write_text("x\n1\n")
    assert offered(root, str(outside)) == [("events", str(outside))]
    assert offered(root, str(tmp_path / "else*.csv")) == [("events", str(outside))]
    assert offered(root, "../elsewhere.csv") == [("events", "../elsewhere.csv")]
    assert offered(root, str(root / "landing" / "a.csv")) == [("events", "landing/a.csv")]


def test_a_format_may_be_told_where_the_name_does_not(root: Path) -> None:
    (export,) = discover(EVENTS, sources("landing/notes.md", format="csv"), root=root)
    assert export.file_format == "csv"
    with pytest.raises(ConfigurationError, match=r"events: the name of landing/notes\.md does not tell its format"):
        offered(root, "landing/notes.md")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("posts.json", "JSON documents come with a later release; until then convert it, as with `jq"),
        ("posts.csv.zip", "Archives come with a later release; until then unpack it"),
        ("posts.tar.gz", "Archives come with a later release"),
        ("posts.dat", "Set `format` to csv, jsonl, parquet or xlsx"),
    ],
)
def test_a_format_to_come_is_told_with_a_way_to_convert_it(root: Path, name: str, remedy: str) -> None:
    (root / name).write_text("x")
    with pytest.raises(ConfigurationError, match="does not tell its format") as error:
        offered(root, name)
    assert remedy in error.value.remedy


def test_optional_files_may_be_absent(root: Path) -> None:
    listed = [SourceSettings(path=("nowhere/*.csv", "landing/a.csv"), optional=True), *sources("landing/b.csv")]
    assert [export.path for export in discover(EVENTS, listed, root=root)] == ["landing/a.csv", "landing/b.csv"]
    with pytest.raises(ConfigurationError, match="is a folder"):
        offered(root, "landing", optional=True)


@pytest.mark.parametrize(
    ("pattern", "before", "is_known"),
    [
        ("gone/*.csv", "gone/a.csv", True),
        ("gone/**/*.csv", "gone/a.csv", True),
        ("gone/**/*.csv", "gone/old/a.csv", True),
        ("gone/a[1].csv", "gone/a[1].csv", True),
        ("{root}/gone/*.csv", "gone/a.csv", True),
        ("../gone/*.csv", "../gone/a.csv", True),
        ("goen/*.csv", "gone/a.csv", False),
        ("gone/*.csv", "gone/a.parquet", False),
    ],
)
def test_a_path_may_match_nothing_only_after_it_has_matched(root: Path, pattern: str, before: str, is_known: bool) -> None:
    absent: list[str] = []
    source = sources(pattern.format(root=root))
    arrived_paths = {identify("events", source)[0].identity: [before], "another": ["goen/a.csv"]}
    if is_known:
        assert discover(EVENTS, source, root=root, arrived_paths=arrived_paths, absent=absent) == []
        assert "matches no file" in absent[0]
        assert "it did before" in absent[0]
        return
    with pytest.raises(ConfigurationError, match="matches no file"):
        discover(EVENTS, source, root=root, arrived_paths=arrived_paths, absent=absent)
    assert absent == []


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("landing/nothing.csv", r"events: landing/nothing\.csv matches no file \(looked from "),
        ("landing/*.json", "matches no file"),
        ("nowhere/*.csv", "matches no file"),
        ("landing", "events: landing is a folder"),
        ("landing/ol?", "is a folder"),
        ("x" * 300 + ".csv", "cannot be read: File name too long"),
    ],
)
def test_a_path_without_a_file_is_the_configurations_fault(root: Path, path: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint) as error:
        offered(root, path)
    assert error.value.exit_code == 2


def test_every_pattern_of_a_list_must_match(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"landing/x\.csv matches no file"):
        offered(root, ["landing/a.csv", "landing/x.csv"])


def test_a_link_that_leads_nowhere_is_no_file(root: Path) -> None:
    (root / "landing" / "link.csv").symlink_to(root / "gone.csv")
    with pytest.raises(ConfigurationError, match="matches no file"):
        offered(root, "landing/link.csv")


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user who may not read everything, which root may."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(was)


def test_a_file_without_the_right_to_read_it_is_the_configurations_fault() -> None:
    # Below pytest's own folder nobody may look at all.
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        file = root / "a.csv"
        file.write_text("x\n1\n")
        file.chmod(0)
        with nobody(), pytest.raises(ConfigurationError, match=r"events \(a\.csv\) cannot be read: Permission denied"):
            offered(root, "a.csv")
        file.chmod(0o644)
        (export,) = discover(EVENTS, sources("a.csv"), root=root)
        file.chmod(0)
        with nobody(), pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
            export.read()
        file.chmod(0o644)
        root.chmod(0)
        with nobody(), pytest.raises(ConfigurationError, match=r"cannot be read|matches no file"):
            offered(root, "a.csv")
        root.chmod(0o700)


def test_an_export_is_read_with_a_hash_of_its_bytes(root: Path) -> None:
    first, second = discover(EVENTS, sources(["landing/a.csv", "landing/b.csv"]), root=root)
    rows, content_hash = first.read()
    assert rows.rows() == [("1",)]
    assert second.read()[1] == content_hash
    (root / "landing" / "b.csv").write_text("x\n2\n")
    assert second.read()[1] != content_hash


def test_a_file_that_vanishes_is_the_datas_fault(root: Path) -> None:
    (export,) = discover(EVENTS, sources("landing/a.csv"), root=root)
    (root / "landing" / "a.csv").unlink()
    with pytest.raises(DataError, match=r"events \(landing/a\.csv\) vanished"):
        export.read()


def test_a_database_offers_one_query(root: Path) -> None:
    both = [SourceSettings(uri="sqlite:///shop.db", query="SELECT 1"), *sources("landing/a.csv")]
    query, file = discover(ORDERS, both, root=root)
    assert (query.source, query.path, query.location, query.name) == ("query 970fbbee6df3", "query", None, "orders[1] (query)")
    assert (file.source, file.label) == ("landing/a.csv", "orders[2]")


def test_a_query_is_hashed_by_its_rows(root: Path) -> None:
    def hash_of(query: str) -> str:
        export = Export(ORDERS, SourceSettings(uri="sqlite:///shop.db", query=query), "orders", "query", root, "orders")
        return export.read()[1]

    (root / "shop.db").write_bytes(b"")
    one = hash_of("SELECT 1 AS id, 'a' AS who")
    assert hash_of("SELECT 1 AS id, 'a' AS who") == one
    others = [
        "SELECT 2 AS id, 'a' AS who",
        "SELECT 1 AS id, 'b' AS who",
        "SELECT 1 AS no, 'a' AS who",
        "SELECT 1.0 AS id, 'a' AS who",
    ]
    assert len({one, *map(hash_of, others)}) == 5


def test_no_sources_offer_nothing(root: Path) -> None:
    assert discover(EVENTS, [], root=root) == []
