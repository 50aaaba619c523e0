"""A real S3-compatible server for tests: moto's, on a free loopback port, gone afterwards.

A door stands in front of it, so that a test can have the server away for a while without what it holds being lost. Both are in
a process of their own: some of deltalake's calls keep every thread of ours waiting until the server has answered.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest

from tests.paths import ROOT

KEY = "EVENFALLKEY"
SECRET = "the-moon-behind-clouds"
STOP_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class ObjectStore:
    """A running server.

    Args:
        port: Where the server itself listens.
        door_port: Where the door is that Evenfall takes.
        process: Both of them.
        numbers: For names of buckets nobody has used yet; the libraries keep connections by name.
    """

    port: int
    door_port: int
    process: subprocess.Popen[str]
    numbers: count[int]

    @property
    def environment(self) -> dict[str, str]:
        """What has to be set where Evenfall runs."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.door_port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
        }

    @property
    def client(self) -> Any:
        """A client that goes past the door."""
        return _client(self.port)

    def shut(self) -> None:
        """Let the server be away."""
        self._tell("shut")

    def open(self) -> None:
        """Have the server back, with everything it held."""
        self._tell("open")

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the server be away while the block runs."""
        self.shut()
        try:
            yield
        finally:
            self.open()

    def make_bucket(self, name: str = "evenfall", *, locks: bool = False) -> str:
        """A new bucket, which may keep versions and lock them; returns its name, which is made unique."""
        unique = f"{name}-{next(self.numbers)}"
        self.client.create_bucket(Bucket=unique, ObjectLockEnabledForBucket=locks)
        return unique

    def put(self, bucket: str, key: str, content: bytes) -> None:
        """Write an object."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)

    def contents(self, bucket: str) -> dict[str, bytes]:
        """Every object of a bucket."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [told["Key"] for page in pages for told in page.get("Contents", ())]
        return {key: self.client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    def hold(self, bucket: str, prefix: str) -> None:
        """Let nobody remove what now lies below a prefix, nor the versions that are kept of it."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for told in [told for page in pages for told in page.get("Versions", ())]:
            version = {"Bucket": bucket, "Key": told["Key"], "VersionId": told["VersionId"]}
            self.client.put_object_legal_hold(**version, LegalHold={"Status": "ON"})

    @contextmanager
    def checking_keys(self) -> Iterator[None]:
        """Refuse whoever comes with keys that the server has not given out; by itself it takes any."""
        self._post("reset-auth", b"0")
        try:
            yield
        finally:
            self._post("reset-auth", b"inf")

    def asked(self) -> list[str]:
        """What was asked of the server since this was last looked at: `LIST`, or the method and the object's key."""
        self._tell("asked")
        assert self.process.stdout is not None
        told: list[str] = json.loads(self.process.stdout.readline())
        return told

    def _tell(self, what: str) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(what, file=self.process.stdin, flush=True)
        assert self.process.stdout.readline() == f"{what}\n"

    def _post(self, what: str, body: bytes) -> None:
        address = f"http://127.0.0.1:{self.port}/moto-api/{what}"
        urllib.request.urlopen(urllib.request.Request(address, data=body, headers={"Content-Type": "text/plain"})).close()


@contextmanager
def running_object_store() -> Iterator[ObjectStore]:
    """Start a server with a door in front of it."""
    command = [sys.executable, "-m", "tests.object_store"]
    pipe = subprocess.PIPE
    root = ROOT
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=root, text=True) as process:
        try:
            assert process.stdout is not None
            port, door_port = map(int, process.stdout.readline().split())
            yield ObjectStore(port, door_port, process, count(1))
        finally:
            process.terminate()
            process.wait(timeout=STOP_TIMEOUT_SECONDS)


@pytest.fixture(scope="module")
def object_store() -> Iterator[ObjectStore]:
    """A server for the tests of a file, in whose environment they run."""
    with running_object_store() as store, pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL_S3"):
            patch.delenv(name, raising=False)
        for name, value in store.environment.items():
            patch.setenv(name, value)
        yield store


@cache
def _client(port: int) -> Any:
    import boto3

    address = f"http://127.0.0.1:{port}"
    session = boto3.session.Session(aws_access_key_id=KEY, aws_secret_access_key=SECRET)
    return session.client("s3", endpoint_url=address, region_name="us-east-1")


def _serve() -> None:
    """Be the server and the door, and do as is told line by line."""
    from moto.server import ThreadedMotoServer
    from werkzeug.serving import WSGIRequestHandler

    from tests.chaos.proxy import Door

    asked: list[str] = []

    def note(handler: WSGIRequestHandler, *_answer: object) -> None:
        key, _, wanted = handler.path.partition("?")
        asked.append("LIST" if "list-type" in wanted else f"{handler.command} {key}")

    WSGIRequestHandler.log_request = note  # type: ignore[method-assign, assignment]
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = int(server.get_host_and_port()[1])
    door = Door(port)
    sys.stdout.write(f"{port} {door.port}\n")
    sys.stdout.flush()
    for line in sys.stdin:
        # Answered when it is done: where output is not buffered, an answer before it lets the test go on too early.
        answer = ""
        if line.strip() == "asked":
            answer = f"{json.dumps(asked)}\n"
            asked.clear()
        else:
            getattr(door, line.strip())()
        sys.stdout.write(f"{line}{answer}")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
