"""Nights whose lake and exports are in a bucket: the same lists, nothing lost when the store is away, nothing left of erased."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.doctor.bucket import look_at_bucket, review_bucket
from flows.doctor.examination import examine
from flows.doctor.security import review
from lake.arrivals import check_identity, read_arrivals
from lake.contracts import TABLES
from lake.errors import ConfigurationError
from lake.storage.bucket import Bucket
from lake.storage.delta import Lake
from pipeline.erasure.file_search import search
from pipeline.erasure.id_matcher import IdMatcher
from runtime.settings import load_settings
from runtime.workspace import Workspace
from tests.communities import SHOP, shop_lines, write_shop
from tests.nights import NIGHT, Run, evenfall
from tests.object_store import KEY, SECRET, ObjectStore, object_store

__all__ = ["object_store"]

NEXT_NIGHT = NIGHT + timedelta(days=1)
LATE = pl.DataFrame(
    [(f"late{number}", f"c{number:03}", f"{NEXT_NIGHT} 10:00:00", 1, 12.5) for number in range(1, 20)],
    schema=["order", "customer", "at", "quantity", "price"],
    orient="row",
)


# Little history and short horizons: in a bucket every day of a table is a handful of requests.
LINES = shop_lines(customers=40).filter(pl.col("at") >= "2025-06-15")
BRISK = SHOP.replace("horizon_days = 28", "horizon_days = 7").replace("eligible_days = 90", "eligible_days = 28")


@dataclass(frozen=True)
class BucketShop:
    """A small shop whose lake and exports are in a bucket."""

    folder: Path
    bucket: str
    out: str = ""

    @property
    def lake(self) -> Lake:
        return Workspace(self.folder, load_settings(self.folder).lake.path).lake


def configured(bucket: str) -> str:
    text = BRISK.replace('path = "landing/', f'path = "s3://{bucket}/landing/')
    return f'{text}\n[lake]\npath = "s3://{bucket}/shops/ours"\n'


@pytest.fixture(scope="module")
def in_folder(prefect_server: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small shop in a folder after its first night."""
    folder = tmp_path_factory.mktemp("folder_shop")
    write_shop(folder, LINES, configuration=BRISK)
    code, _, err = evenfall("nightly", "--workspace", str(folder), "--as-of", str(NIGHT))
    assert code == 0, err
    return folder


@pytest.fixture(scope="module")
def bucket_night(prefect_server: None, object_store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> BucketShop:
    """The same shop in a bucket, after the same night."""
    folder, bucket = tmp_path_factory.mktemp("bucket_shop"), object_store.make_bucket("shop")
    (folder / "evenfall.toml").write_text(configured(bucket), encoding="utf-8")
    object_store.put(bucket, "landing/orders.csv", LINES.write_csv().encode())
    code, out, err = evenfall("nightly", "--workspace", str(folder), "--as-of", str(NIGHT))
    assert code == 0, err
    return BucketShop(folder, bucket, out + err)


def lists(folder: Path, night: object) -> dict[str, bytes]:
    """A night's lists; the receipt tells versions and configuration, which differ."""
    return {path.name: path.read_bytes() for path in (folder / "lists" / str(night)).iterdir() if path.name != "receipt.json"}


def test_a_night_in_a_bucket_gives_the_same_lists_as_one_in_a_folder(in_folder: Path, bucket_night: BucketShop) -> None:
    assert lists(bucket_night.folder, NIGHT) == lists(in_folder, NIGHT)
    assert not (bucket_night.folder / "lake").exists()
    here, there = Lake(in_folder / "lake"), bucket_night.lake
    assert there.tables == here.tables
    assert {name: there.row_count(name) for name in there.tables} == {name: here.row_count(name) for name in here.tables}


def test_no_key_is_written_anywhere(bucket_night: BucketShop) -> None:
    written = [path for path in bucket_night.folder.rglob("*") if path.is_file()]
    for secret in (KEY, SECRET):
        assert [path for path in written if secret.encode() in path.read_bytes()] == []
        assert secret not in bucket_night.out


def test_a_night_in_a_bucket_is_verified(run: Run, bucket_night: BucketShop) -> None:
    done = run("verify", "--workspace", bucket_night.folder, "--as-of", str(NIGHT))
    assert (done.code, "byte for byte" in done.out) == (0, True), done.err


@pytest.mark.soak
def test_the_store_may_go_away_in_the_middle_of_a_night_and_nothing_is_lost(  # noqa: PLR0917
    run: Run,
    in_folder: Path,
    bucket_night: BucketShop,
    object_store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from flows import nightly

    begun = tmp_path / "begun"
    shutil.copytree(in_folder, begun)
    LATE.write_csv(begun / "landing" / "orders-late.csv")
    object_store.put(bucket_night.bucket, "landing/orders-late.csv", LATE.write_csv().encode())
    assert run("nightly", "--workspace", begun, "--as-of", str(NEXT_NIGHT)).code == 0
    for step in (nightly.land, nightly.take_in):
        monkeypatch.setattr(step, "retry_delay_seconds", [0, 0])
    written: list[str] = []
    write = Lake._write
    before = bucket_night.lake.version("arrivals")

    def and_the_store_goes_away(lake: Lake, table: str, *given: Any, **how: Any) -> None:
        written.append(table)
        if table != "arrivals":
            return write(lake, table, *given, **how)
        object_store.shut()
        return write(lake, table, *given, **how)

    monkeypatch.setattr(Lake, "_write", and_the_store_goes_away)
    failed = run("nightly", "--workspace", bucket_night.folder, "--as-of", str(NEXT_NIGHT))
    object_store.open()
    assert (failed.code, written) == (4, ["orders", *written[1:-1], "arrivals"])
    assert "does not answer" in failed.err
    assert "Traceback" not in failed.err
    assert not [secret for secret in (KEY, SECRET) if secret in failed.err + failed.out]
    assert bucket_night.lake.version("arrivals") == before
    assert not (bucket_night.folder / "lists" / str(NEXT_NIGHT)).exists()

    def and_the_store_is_back_at_once(lake: Lake, table: str, *given: Any, **how: Any) -> None:
        if "healed" in written or table != "arrivals":
            return write(lake, table, *given, **how)
        written.append("healed")
        with object_store.away():
            return write(lake, table, *given, **how)

    monkeypatch.setattr(Lake, "_write", and_the_store_is_back_at_once)
    again = run("nightly", "--workspace", bucket_night.folder, "--as-of", str(NEXT_NIGHT))
    assert (again.code, "healed" in written) == (0, True), again.err
    assert lists(bucket_night.folder, NEXT_NIGHT) == lists(begun, NEXT_NIGHT)
    ledger = read_arrivals(bucket_night.lake)
    check_identity(ledger, record_counts={name: bucket_night.lake.row_count(name) for name in TABLES})
    assert [path.rsplit("/", 1)[1] for path in ledger["path"]] == ["orders.csv", "orders-late.csv"]


def test_the_doctor_tells_of_a_bucket_and_leaves_nothing_there(
    bucket_night: BucketShop, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = object_store.contents(bucket_night.bucket)
    ours = sum(key.startswith("shops/") for key in before)
    found = {finding.about: finding for finding in examine(bucket_night.folder)}
    assert found["bucket"].level == "ok"
    assert f"s3://{bucket_night.bucket}/shops/ours can be read and written; {ours:,} objects" in found["bucket"].says
    assert f"s3://{bucket_night.bucket}/shops/ours: format 1" in found["lake"].says
    assert "taken in already" in found["orders"].says
    assert object_store.contents(bucket_night.bucket) == before
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.example")
    assert ("problem", True) in {(one.level, "http://store.example" in one.says) for one in review(bucket_night.folder)}


def test_the_doctor_warns_of_buckets_that_keep_versions_or_are_open_to_all(object_store: ObjectStore, tmp_path: Path) -> None:
    name = object_store.make_bucket()
    client, place = object_store.client, Workspace(tmp_path, f"s3://{name}")
    client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    assert [finding.level for finding in look_at_bucket(place)] == ["ok", "warning"]
    (told,) = review_bucket(Bucket(name))
    assert "cannot be seen from here" in told.says
    client.put_bucket_acl(Bucket=name, ACL="public-read")
    assert [finding.level for finding in review_bucket(Bucket(name))] == ["problem", "warning"]
    (gone,) = look_at_bucket(Workspace(tmp_path, "s3://nobody-made-this"))
    assert (gone.level, gone.exit_code) == ("problem", 4)
    (away,) = look_at_shut(place, object_store)
    assert (away.level, away.exit_code) == ("problem", 4)


def look_at_shut(place: Workspace, object_store: ObjectStore) -> list[Any]:
    with object_store.away():
        return list(look_at_bucket(place))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ('path = "s3://AKIDEXAMPLE:wJalrXUtnFEMI@bucket/lake"', "`lake.path`: write it as s3://bucket/prefix"),
        ('path = "s3://bucket/lake"\naws_secret_access_key = "wJalrXUtnFEMI"', "unknown key `lake.aws_secret_access_key`"),
        ('path = "gs://bucket/lake"', "`lake.path`: write it as s3://bucket/prefix"),
    ],
)
def test_keys_in_the_configuration_are_refused_and_not_repeated(tmp_path: Path, path: str, told: str) -> None:
    write_shop(tmp_path, LATE, configuration=f"{SHOP}\n[lake]\n{path}\n")
    code, out, err = evenfall("nightly", "--workspace", str(tmp_path), "--as-of", str(NIGHT))
    assert (code, told in err, "wJalr" in err + out) == (2, True, False), err


def test_keys_in_the_address_of_a_source_are_refused_and_not_repeated(tmp_path: Path) -> None:
    text = SHOP.replace("landing/orders*.csv", "s3://AKIDEXAMPLE:wJalrXUtnFEMI@bucket/orders.csv")
    (tmp_path / "evenfall.toml").write_text(text)
    with pytest.raises(ConfigurationError, match="write it as s3://bucket/folder") as caught:
        load_settings(tmp_path)
    assert "wJalr" not in str(caught.value)


def test_the_lake_may_lie_in_another_folder(in_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(in_folder / "lake", tmp_path / "elsewhere" / "lake")
    shutil.copytree(in_folder, tmp_path / "shop", ignore=shutil.ignore_patterns("lake"))
    (tmp_path / "shop" / "evenfall.toml").write_text(f'{BRISK}\n[lake]\npath = "../elsewhere/lake"\n')
    for command in (("verify", "--as-of", str(NIGHT)), ("erase", "c031", "--yes")):
        code, _, err = evenfall(*command, "--workspace", str(tmp_path / "shop"))
        assert code == 0, err
    left = (path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file())
    assert search(left, IdMatcher("c031")).holding == ()
    assert not (tmp_path / "shop" / "lake").exists()


@pytest.mark.soak
def test_an_erasure_where_old_versions_may_not_be_removed_is_done_and_says_what_stays(
    run: Run, bucket_night: BucketShop, object_store: ObjectStore, tmp_path: Path
) -> None:
    locked = object_store.make_bucket("locked", locks=True)
    for key, content in object_store.contents(bucket_night.bucket).items():
        object_store.put(locked, key, content)
    object_store.hold(locked, "shops/ours/orders/")
    folder = tmp_path / "shop"
    shutil.copytree(bucket_night.folder, folder)
    (folder / "evenfall.toml").write_text(configured(locked), encoding="utf-8")
    done = run("erase", "c031", "--yes", "--workspace", folder)
    assert done.code == 0, done.err
    assert "older versions of objects stay" in done.err
    assert search(BucketShop(folder, locked).lake.root.files(), IdMatcher("c031")).holding == ()  # type: ignore[union-attr]
    (certificate,) = (folder / "erasures").glob("2*.json")
    facts = json.loads(certificate.read_text())
    assert (facts["still_found"], facts["bucket_versions"]) == ([], 0)
    assert any(f"older versions of objects, which the bucket {locked} keeps" in line for line in facts["not_searched"])
    kept = object_store.client.list_object_versions(Bucket=locked, Prefix="shops/ours/orders/")
    assert [one["Key"] for one in kept["Versions"] if not one["IsLatest"]]


def test_an_erasure_reaches_into_the_bucket_and_what_it_keeps_and_proves_it(
    run: Run, bucket_night: BucketShop, object_store: ObjectStore
) -> None:
    client = object_store.client
    client.put_bucket_versioning(Bucket=bucket_night.bucket, VersioningConfiguration={"Status": "Enabled"})
    export = client.get_object(Bucket=bucket_night.bucket, Key="landing/orders.csv")["Body"].read()
    object_store.put(bucket_night.bucket, "landing/orders.csv", export)
    assert search(bucket_night.lake.root.files(), IdMatcher("c031")).holding  # type: ignore[union-attr]
    done = run("erase", "c031", "--yes", "--workspace", bucket_night.folder)
    assert done.code == 0, done.err
    assert search(bucket_night.lake.root.files(), IdMatcher("c031")).holding == ()  # type: ignore[union-attr]
    (certificate,) = (bucket_night.folder / "erasures").glob("2*.json")
    facts = json.loads(certificate.read_text())
    assert (facts["still_found"], facts["exports_holding"]) == ([], [f"s3://{bucket_night.bucket}/landing/orders.csv"])
    assert facts["bucket_versions"] > 0
    assert any(
        f"older versions of exports, which the bucket {bucket_night.bucket} keeps" in line for line in facts["not_searched"]
    )
    told = client.list_object_versions(Bucket=bucket_night.bucket)
    older = {one["Key"] for one in [*told["Versions"], *told.get("DeleteMarkers", ())] if not one["IsLatest"]}
    # The community's own files are never touched, nor what the bucket keeps of them.
    assert older == {"landing/orders.csv"}
    assert client.get_object(Bucket=bucket_night.bucket, Key="landing/orders.csv")["Body"].read() == export
    assert not told.get("DeleteMarkers")
    assert facts["files"] >= len(bucket_night.lake.root.files())  # type: ignore[union-attr]
    ledger = read_arrivals(bucket_night.lake)
    check_identity(ledger, record_counts={name: bucket_night.lake.row_count(name) for name in TABLES})
