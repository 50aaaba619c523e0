"""A place in a bucket of an object store: the lake may lie there, and exports may come from there; no address holds a key."""

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
from lake.storage.object_store import CONFLICT_CODES, CONNECTIONS, answered, client, code_of

SCHEME: Final = "s3://"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9_=-][A-Za-z0-9_.=-]*(/[A-Za-z0-9_=-][A-Za-z0-9_.=-]*)*|")
_SECRET: Final = re.compile(r"(?i)(key|secret|token|signature|credential|password)[^/=]*=")
_GLOB: Final = re.compile(r"[*?\[]")
_NS_PER_SECOND: Final = 1_000_000_000


@dataclass(frozen=True)
class BucketFile:
    """One object: enough of a file for those who read files.

    Args:
        bucket: The bucket's name.
        key: The object's name in it.
        size_bytes: Its size.
        modified_ns: When it was written, in nanoseconds; below the store's whole seconds stands a trace of the content.
    """

    bucket: str
    key: str
    size_bytes: int = field(default=0, compare=False)
    modified_ns: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of its key."""
        return self.key.rsplit("/", 1)[-1]

    def read_bytes(self) -> bytes:
        """Its content.

        Raises:
            FileNotFoundError: It is gone.
            OutsideServiceError: The store does not answer, or refuses.
        """
        with answered(self.bucket):
            content: bytes = client().get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return content


@dataclass(frozen=True, order=True)
class Version:
    """What a bucket keeps of an object that was overwritten or deleted.

    Args:
        name: The object's name below the prefix.
        number: How the store calls the version.
        is_mark: Whether it is only the mark that the object was deleted.
    """

    name: str
    number: str
    is_mark: bool


@dataclass(frozen=True)
class Bucket:
    """A place in a bucket: everything whose name begins with a prefix.

    Args:
        name: The bucket's name.
        prefix: The prefix, without slashes at its ends; empty for the whole bucket.
    """

    name: str
    prefix: str = ""

    @classmethod
    def at(cls, address: str) -> Bucket:
        """The place an address such as `s3://bucket/prefix` names.

        Raises:
            ValueError: It is not such an address; the message does not repeat it, since it may hold a key.
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
        """Every object below, sorted by name."""
        start = self._key(f"{below}/" if below else "")
        with answered(self.name):
            pages = client().get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=start)
            found = [_found(self.name, told) for page in pages for told in page.get("Contents", ())]
        return sorted((file for file in found if not file.key.endswith("/")), key=str)

    def folders(self) -> list[str]:
        """The first part of every name that has several."""
        with answered(self.name):
            listing = client().get_paginator("list_objects_v2")
            pages = listing.paginate(Bucket=self.name, Prefix=self._key(""), Delimiter="/")
            found = [told["Prefix"] for page in pages for told in page.get("CommonPrefixes", ())]
        return sorted(name.removeprefix(self._key("")).strip("/") for name in found)

    def is_empty(self) -> bool:
        """Whether nothing is there."""
        with answered(self.name):
            told = client().list_objects_v2(Bucket=self.name, Prefix=self._key(""), MaxKeys=1)
        return not told.get("Contents")

    def file(self, name: str) -> BucketFile:
        """One object by its name below the prefix; it need not exist."""
        return BucketFile(self.name, self._key(name))

    def write(self, name: str, content: bytes, *, only_new: bool = False) -> bool:
        """Write an object all at once.

        Args:
            name: Its name below the prefix.
            content: What to write.
            only_new: Leave alone what is there already.

        Returns:
            Whether it was written.
        """
        condition = {"IfNoneMatch": "*"} if only_new else {}
        with answered(self.name):
            try:
                client().put_object(Bucket=self.name, Key=self._key(name), Body=content, **condition)
            except Exception as error:
                if code_of(error) in CONFLICT_CODES:
                    return False
                raise
        return True

    def remove(self, name: str) -> None:
        """Remove an object; one that is gone already is no mistake."""
        with answered(self.name):
            client().delete_object(Bucket=self.name, Key=self._key(name))

    def keeps_versions(self) -> bool | None:
        """Whether the bucket keeps what was overwritten or deleted; None where it will not say."""
        try:
            with answered(self.name):
                told = client().get_bucket_versioning(Bucket=self.name)
        except OutsideServiceError:
            return None
        # A bucket whose versioning was suspended still has the versions from before.
        return "Status" in told

    def older_versions(self) -> list[Version]:
        """What the bucket keeps of everything below that was overwritten or deleted, with the marks of deletion; sorted.

        Raises:
            OutsideServiceError: The store does not answer, or refuses.
        """
        with answered(self.name):
            pages = client().get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=self._key(""))
            found = [
                Version(told["Key"].removeprefix(self._key("")).lstrip("/"), told["VersionId"], kind == "DeleteMarkers")
                for page in pages
                for kind in ("Versions", "DeleteMarkers")
                for told in page.get(kind, ())
                if kind == "DeleteMarkers" or not told["IsLatest"]
            ]
        return sorted(found)

    def forget_versions(self, versions: Iterable[Version]) -> None:
        """Remove older versions for good.

        Raises:
            OutsideServiceError: The store does not answer, or refuses.
        """
        # Without its mark of deletion an older version would be there again: so marks go last.
        for marks in (False, True):
            some = [version for version in versions if version.is_mark == marks]
            with ThreadPoolExecutor(CONNECTIONS) as removers:
                list(removers.map(self._forget, some))

    def _forget(self, version: Version) -> None:
        with answered(self.name):
            client().delete_object(Bucket=self.name, Key=self._key(version.name), VersionId=version.number)

    def is_public(self) -> bool | None:
        """Whether its access list opens it to everybody; None where it will not say."""
        try:
            with answered(self.name):
                grants = client().get_bucket_acl(Bucket=self.name)["Grants"]
        except OutsideServiceError:
            return None
        return any(str(grant["Grantee"].get("URI", "")).endswith(("/AllUsers", "/AuthenticatedUsers")) for grant in grants)

    def _key(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name


def check_pattern(pattern: str) -> None:
    """Check the address of exports in a bucket, such as `s3://bucket/exports/*.csv`.

    Raises:
        ValueError: It is not one; the message does not repeat it, since it may hold a key.
    """
    if "://" not in pattern:
        return
    name, _, key = pattern.removeprefix(SCHEME).partition("/")
    if not pattern.startswith(SCHEME) or not _NAME.fullmatch(name) or not key or _SECRET.search(key):
        raise ValueError("write it as s3://bucket/folder/*.csv; keys come from the environment, never from here")


def matching(pattern: str) -> list[BucketFile]:
    """The objects that match a pattern, as files of a folder would: `*` stays within a folder, `**` goes through all below.

    What is there by exactly that name comes first, since a name with brackets is also a pattern.

    Raises:
        OutsideServiceError: The store does not answer, or refuses.
    """
    name, _, wanted = pattern.removeprefix(SCHEME).partition("/")
    special = _GLOB.search(wanted)
    start = wanted[: special.start()] if special else wanted
    with answered(name):
        pages = client().get_paginator("list_objects_v2").paginate(Bucket=name, Prefix=start)
        found = [_found(name, told) for page in pages for told in page.get("Contents", ()) if not told["Key"].endswith("/")]
    named = [file for file in found if file.key == wanted]
    return named or sorted((file for file in found if fits(file.key.split("/"), wanted.split("/"))), key=str)


def read_ahead(files: Iterable[BucketFile]) -> Iterator[tuple[BucketFile, bytes | None]]:
    """Read objects in their order, several at a time since each takes its time to come; None for one that is gone."""
    coming: deque[Any] = deque()
    with ThreadPoolExecutor(CONNECTIONS) as readers:
        try:
            for file in files:
                coming.append((file, readers.submit(_content, file)))
                if len(coming) >= CONNECTIONS:
                    one, content = coming.popleft()
                    yield one, content.result()
            for one, content in coming:
                yield one, content.result()
        finally:
            readers.shutdown(cancel_futures=True)


def _content(file: BucketFile) -> bytes | None:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return None


def _found(bucket: str, told: dict[str, Any]) -> BucketFile:
    written = told["LastModified"]
    assert isinstance(written, datetime)
    # Stores tell whole seconds: a file that is written twice in one, with the same size, differs in its tag.
    trace = int.from_bytes(sha256(str(told.get("ETag", "")).encode()).digest()[:8], "big") % _NS_PER_SECOND
    return BucketFile(bucket, told["Key"], told["Size"], int(written.astimezone(UTC).timestamp()) * _NS_PER_SECOND + trace)


def fits(parts: list[str], patterns: list[str]) -> bool:
    """Whether the parts of a name match those of a pattern; names that begin with a dot are hidden, as in folders."""
    if not patterns:
        return not parts
    first, *others = patterns
    if first == "**" and not others:
        return bool(parts) and not any(part.startswith(".") for part in parts)
    if first == "**":
        return fits(parts, others) or (len(parts) > 1 and not parts[0].startswith(".") and fits(parts[1:], patterns))
    if not parts or not fnmatchcase(parts[0], first) or (parts[0].startswith(".") and not first.startswith(".")):
        return False
    return fits(parts[1:], others)
