"""Objects below a prefix of a bucket: the lake or exports may be stored there. No address contains a key."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Any, Final

from lake.errors import OutsideServiceError
from lake.storage.object_store import CONFLICT_CODES, CONNECTIONS, client, error_code, translate_store_errors

SCHEME: Final = "s3://"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*|")
# An address with a key or signature in it would end up in logs and in the ledger.
_SECRET: Final = re.compile(r"(?i)(key|secret|token|signature|credential|password)[^/=]*=")
_GLOB: Final = re.compile(r"[*?\[]")
_NS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True)
class BucketFile:
    """One object, with the part of a file's interface that readers need.

    Args:
        bucket: The bucket's name.
        key: The object's name in it.
        size_bytes: Its size.
        modified_ns: When it was written, in nanoseconds since 1970; the fraction below a second is a hash of the content's tag.
    """

    bucket: str
    key: str
    size_bytes: int = field(default=0, compare=False)
    modified_ns: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """Return the last part of its key."""
        return self.key.rsplit("/", 1)[-1]

    def read_bytes(self) -> bytes:
        """Return its content.

        Raises:
            FileNotFoundError: It is gone.
            OutsideServiceError: The store does not answer, or refuses.
        """
        with translate_store_errors(self.bucket):
            content: bytes = client().get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return content


@dataclass(frozen=True, order=True)
class Version:
    """A version that a bucket keeps of an object that was overwritten or deleted.

    Args:
        name: The object's name below the prefix.
        number: The store's identifier of the version.
        is_mark: Whether it is a delete marker and has no content.
    """

    name: str
    number: str
    is_mark: bool


@dataclass(frozen=True)
class Bucket:
    """A prefix of a bucket: all objects whose name begins with it.

    Args:
        name: The bucket's name.
        prefix: The prefix, without slashes at its ends; empty for the whole bucket.
    """

    name: str
    prefix: str = ""

    @classmethod
    def at(cls, address: str) -> Bucket:
        """Return the bucket prefix of an address such as `s3://bucket/prefix`.

        Raises:
            ValueError: It is not such an address; the message does not repeat it, since it may contain a key.
        """
        if not address.startswith(SCHEME):
            raise ValueError("write it as s3://bucket/prefix; other object stores are not known")
        name, _, prefix = address.removeprefix(SCHEME).partition("/")
        prefix = prefix.rstrip("/")
        if not _NAME.fullmatch(name) or not _PREFIX.fullmatch(prefix) or _SECRET.search(prefix):
            raise ValueError(
                "write it as s3://bucket/prefix, of letters, digits, - _ . and =; keys come from the environment, never from here"
            )
        return cls(name, prefix)

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}/{self.prefix}".rstrip("/")

    def __truediv__(self, part: str) -> Bucket:
        return Bucket(self.name, f"{self.prefix}/{part}".strip("/"))

    def files(self, below: str = "") -> list[BucketFile]:
        """Return every object below the folder `below`, sorted by name."""
        start = self._key(f"{below}/" if below else "")
        with translate_store_errors(self.name):
            pages = client().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=start)
            objects = [_bucket_file(self.name, entry) for page in pages for entry in page.get("Contents", ())]
        return sorted((file for file in objects if not file.key.endswith("/")), key=str)

    def folders(self) -> list[str]:
        """Return the names of the folders at the top level, sorted: the first part of every name that has several."""
        with translate_store_errors(self.name):
            listing = client().get_paginator("list_objects_v2")
            pages = listing.paginate(Bucket=self.name, Prefix=self._key(""), Delimiter="/")
            prefixes = [entry["Prefix"] for page in pages for entry in page.get("CommonPrefixes", ())]
        return sorted(name.removeprefix(self._key("")).strip("/") for name in prefixes)

    def is_empty(self) -> bool:
        """Return whether there is no object."""
        with translate_store_errors(self.name):
            answer = client().list_objects_v2(Bucket=self.name, Prefix=self._key(""), MaxKeys=1)
        return not answer.get("Contents")

    def file(self, name: str) -> BucketFile:
        """Return one object by its name below the prefix; it need not exist."""
        return BucketFile(self.name, self._key(name))

    def write(self, name: str, content: bytes, *, only_new: bool = False) -> bool:
        """Write an object atomically.

        Args:
            name: Its name below the prefix.
            content: Its content.
            only_new: Do not overwrite an existing object.

        Returns:
            Whether it was written.
        """
        # Decided by the store in one step: a check followed by a write could overwrite an object written in between.
        condition = {"IfNoneMatch": "*"} if only_new else {}
        with translate_store_errors(self.name):
            try:
                client().put_object(Bucket=self.name, Key=self._key(name), Body=content, **condition)
            except Exception as error:
                if error_code(error) in CONFLICT_CODES:
                    return False
                raise
        return True

    def remove(self, name: str) -> None:
        """Remove an object; an object that does not exist is no error."""
        with translate_store_errors(self.name):
            client().delete_object(Bucket=self.name, Key=self._key(name))

    def keeps_versions(self) -> bool | None:
        """Return whether the bucket keeps versions of overwritten or deleted objects; None if it refuses to answer."""
        try:
            with translate_store_errors(self.name):
                answer = client().get_bucket_versioning(Bucket=self.name)
        except OutsideServiceError:
            return None
        # A bucket whose versioning was suspended still has the versions from before.
        return "Status" in answer

    def older_versions(self) -> list[Version]:
        """Return the kept versions of overwritten or deleted objects, delete markers included, sorted.

        Raises:
            OutsideServiceError: The store does not answer, or refuses.
        """
        with translate_store_errors(self.name):
            pages = client().get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=self._key(""))
            versions = [
                Version(entry["Key"].removeprefix(self._key("")).lstrip("/"), entry["VersionId"], kind == "DeleteMarkers")
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for entry in page.get(kind, ())
                if kind == "DeleteMarkers" or not entry["IsLatest"]
            ]
        return sorted(versions)

    def remove_versions(self, versions: Iterable[Version]) -> None:
        """Remove versions of overwritten or deleted objects permanently.

        Raises:
            OutsideServiceError: The store does not answer, or refuses.
        """
        # Delete markers are removed last: without its marker, an older version that still exists would become the current object.
        for marks in (False, True):
            batch = [version for version in versions if version.is_mark == marks]
            with ThreadPoolExecutor(CONNECTIONS) as removers:
                list(removers.map(self._remove_version, batch))

    def _remove_version(self, version: Version) -> None:
        with translate_store_errors(self.name):
            client().delete_object(Bucket=self.name, Key=self._key(version.name), VersionId=version.number)

    def is_public(self) -> bool | None:
        """Return whether its access list opens it to everybody; None if it refuses to answer."""
        try:
            with translate_store_errors(self.name):
                grants = client().get_bucket_acl(Bucket=self.name)["Grants"]
        except OutsideServiceError:
            return None
        return any(str(grant["Grantee"].get("URI", "")).endswith(("/AllUsers", "/AuthenticatedUsers")) for grant in grants)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


def check_pattern(pattern: str) -> None:
    """Check the address of exports in a bucket, such as `s3://bucket/exports/*.csv`.

    Raises:
        ValueError: It is not one; the message does not repeat it, since it may contain a key.
    """
    if "://" not in pattern:
        return
    name, _, key = pattern.removeprefix(SCHEME).partition("/")
    if not pattern.startswith(SCHEME) or not _NAME.fullmatch(name) or not key or _SECRET.search(key):
        raise ValueError("write it as s3://bucket/folder/*.csv; keys come from the environment, never from here")


def matching_files(pattern: str) -> list[BucketFile]:
    """Return the objects that match a pattern, sorted: `*` matches within a folder, `**` across folders.

    An object of exactly that name is returned alone, since a name with brackets is also a pattern.

    Raises:
        OutsideServiceError: The store does not answer, or refuses.
    """
    name, _, key_pattern = pattern.removeprefix(SCHEME).partition("/")
    # The store can only filter by prefix: what is below the part before the first wildcard is listed, and matched here.
    special = _GLOB.search(key_pattern)
    start = key_pattern[: special.start()] if special else key_pattern
    with translate_store_errors(name):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=start)
        objects = [
            _bucket_file(name, entry) for page in pages for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")
        ]
    exact_matches = [file for file in objects if file.key == key_pattern]
    return exact_matches or sorted(
        (file for file in objects if matches_pattern(file.key.split("/"), key_pattern.split("/"))), key=str
    )


def read_ahead(files: Iterable[BucketFile]) -> Iterator[tuple[BucketFile, bytes | None]]:
    """Yield objects and their contents in their order, reading up to `CONNECTIONS` at a time; None for an object that is gone."""
    # A request waits mostly for the network. The queue is bounded, so no more than `CONNECTIONS` contents are held in memory.
    pending: deque[Any] = deque()
    with ThreadPoolExecutor(CONNECTIONS) as readers:
        try:
            for file in files:
                pending.append((file, readers.submit(_content, file)))
                if len(pending) >= CONNECTIONS:
                    next_file, content = pending.popleft()
                    yield next_file, content.result()
            for next_file, content in pending:
                yield next_file, content.result()
        finally:
            readers.shutdown(cancel_futures=True)


def _content(file: BucketFile) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _bucket_file(bucket: str, entry: dict[str, Any]) -> BucketFile:
    modified_at = entry["LastModified"]
    assert isinstance(modified_at, datetime)
    # Stores report whole seconds: a file written twice within one, with the same size, differs only in its tag.
    fraction_ns = int.from_bytes(sha256(str(entry.get("ETag", "")).encode()).digest()[:8], "big") % _NS_PER_SECOND
    return BucketFile(
        bucket, entry["Key"], entry["Size"], int(modified_at.astimezone(UTC).timestamp()) * _NS_PER_SECOND + fraction_ns
    )


def matches_pattern(parts: list[str], patterns: list[str]) -> bool:
    """Return whether the parts of a name match those of a pattern; parts that begin with a dot are hidden, as in folders."""
    if not patterns:
        return not parts
    first, *others = patterns
    if first == "**" and not others:
        return bool(parts) and not any(part.startswith(".") for part in parts)
    if first == "**":
        return matches_pattern(parts, others) or (
            len(parts) > 1 and not parts[0].startswith(".") and matches_pattern(parts[1:], patterns)
        )
    if not parts or not fnmatchcase(parts[0], first) or (parts[0].startswith(".") and not first.startswith(".")):
        return False
    return matches_pattern(parts[1:], others)
