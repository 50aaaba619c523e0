"""The doctor checks a lake in a bucket: whether it can be read and written, and whether conditional writes work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from flows.doctor.findings import Diagnosis, of_error, ok, problem, warning
from flows.doctor.machine import shown_bytes
from lake.errors import EvenfallError, ExitCode
from lake.storage.bucket import Bucket
from runtime.workspace import Workspace

_PROBE: Final = ".evenfall-doctor"
_ABOUT: Final = "bucket"


def look_at_bucket(workspace: Workspace) -> Iterator[Diagnosis]:
    """Check that a night could read and write there, by writing one small object and removing it."""
    bucket = workspace.lake.root
    if not isinstance(bucket, Bucket):
        return
    try:
        files = bucket.files()
        keeps_apart = _keeps_apart(bucket)
    except EvenfallError as error:
        yield of_error(_ABOUT, error)
        return
    size = sum(file.size_bytes for file in files if file.name != _PROBE)
    says = f"{bucket} can be read and written; {len(files):,} objects, {shown_bytes(size)}"
    if not keeps_apart:
        yield problem(
            _ABOUT,
            f"{bucket} overwrites what it was told to write only where nothing is: two writers could undo each other's commits",
            "Use an object store that knows conditional writes (If-None-Match).",
            exit_code=ExitCode.OUTSIDE_SERVICE,
        )
    else:
        yield ok(_ABOUT, says)
    yield from _versions(bucket)


def review_bucket(bucket: Bucket) -> Iterator[Diagnosis]:
    """Check who may read or change a bucket, as far as that can be seen from here."""
    try:
        is_public = bucket.is_public()
    except EvenfallError as error:
        yield of_error(_ABOUT, error)
        return
    if is_public:
        says = f"the access list of the bucket {bucket.name} opens it to everybody"
        yield problem(_ABOUT, says, "Make the bucket private.", exit_code=ExitCode.CONFIGURATION)
    access_list = "its access list could not be read; who" if is_public is None else "its access list names nobody else; who else"
    yield warning(
        _ABOUT,
        f"{bucket}: {access_list} may read or change it by policies, roles or keys cannot be seen from here",
        "Ask whoever runs the store; it holds what names members. Let it encrypt what it stores, and log who reads it.",
    )


def _keeps_apart(bucket: Bucket) -> bool:
    """Return whether a conditional write fails when the object exists: Delta tables rely on it for their commits."""
    bucket.remove(_PROBE)
    try:
        return bucket.write(_PROBE, b"1", only_new=True) and not bucket.write(_PROBE, b"2", only_new=True)
    finally:
        bucket.remove(_PROBE)


def _versions(bucket: Bucket) -> Iterator[Diagnosis]:
    keeps = bucket.keeps_versions()
    if keeps is not False:
        versioning = "keeps older versions of objects" if keeps else "does not say whether it keeps older versions of objects"
        yield warning(
            _ABOUT,
            f"{bucket.name} {versioning}: what a keeping time removes stays among them until an erasure",
            "Turn versioning off, or let a lifecycle rule remove noncurrent versions within your keeping time.",
        )
