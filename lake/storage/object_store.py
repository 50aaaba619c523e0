"""Talking to an S3-compatible object store: its clients, what they are told, and what their errors mean in words.

Endpoint, region and keys come from the environment alone (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` …), or from
the role of the machine. Tables are read and written by Delta Lake's and Polars' own clients; what else has to be listed, read
or removed goes through boto3.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from lake.errors import ConfigurationError, EvenfallError, OutsideServiceError

CONNECTIONS: Final = 16
CONFLICT_CODES: Final = ("PreconditionFailed", "ConditionalRequestConflict")
_TRIES: Final = 3
_CONNECT_SECONDS: Final = 10
_ANSWER_SECONDS: Final = 120
_RETRY_SECONDS: Final = 30
_TRUE: Final = ("1", "true", "yes", "on")
_STORE_WORDS: Final = (
    "generic s3 error",
    "object-store error",
    "object store error",
    "lacked the necessary privileges",
    "lacked valid auth",
)
_REFUSED: Final = re.compile(
    r"(?i)\(40[13]\)|40[13] (forbidden|unauthorized)|accessdenied|invalidaccesskeyid|signaturedoesnotmatch|(expired|invalid)token"
    r"|lacked the necessary privileges|lacked valid auth"
)
_NO_BUCKET: Final = re.compile(r"(?i)nosuchbucket|bucket does not exist")
_GONE_CODES: Final = ("NoSuchKey", "404")


def scan_options() -> dict[str, Any]:
    """The same for Polars, which takes numbers."""
    told = {name: value for name, value in storage_options().items() if name != "retry_timeout"}
    return told | {"max_retries": _TRIES, "retry_timeout_ms": _RETRY_SECONDS * 1000}


def storage_options() -> dict[str, str]:
    """What Delta Lake's client is told beside what it reads from the environment; no keys are among it.

    Raises:
        ConfigurationError: The endpoint is not encrypted, and nobody said that this is meant.
    """
    options = {
        "region": _region(),
        "connect_timeout": f"{_CONNECT_SECONDS}s",
        "timeout": f"{_ANSWER_SECONDS}s",
        "max_retries": str(_TRIES),
        "retry_timeout": f"{_RETRY_SECONDS}s",
    }
    endpoint = _endpoint()
    if endpoint is not None:
        options |= {"endpoint_url": endpoint, "allow_http": str(endpoint.startswith("http://")).lower()}
    return options


def client() -> Any:
    """The client for everything but tables; one per process and environment.

    Raises:
        ConfigurationError: boto3 is not installed, or the endpoint is not fit.
    """
    return _client(tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))))


@contextmanager
def answered(bucket: str = "") -> Iterator[None]:
    """Tell what a store's client raises in the block as ours; an object that is gone is a `FileNotFoundError`."""
    try:
        yield
    except EvenfallError:
        raise
    except Exception as error:
        if code_of(error) in _GONE_CODES and not _NO_BUCKET.search(str(error)):
            raise FileNotFoundError(f"an object of the bucket {bucket} is gone") from None
        trouble = store_trouble(error, bucket=bucket)
        if trouble is None:
            raise
        # The client's own words may repeat a key; ours do not.
        raise trouble from None


def store_trouble(error: BaseException, *, bucket: str = "") -> OutsideServiceError | None:
    """What an error of any library says about the object store, or None when it is about something else.

    Args:
        error: The error as it came.
        bucket: The bucket it was about, where that is known.
    """
    says = str(error)
    if not type(error).__module__.startswith("botocore") and not any(word in says.lower() for word in _STORE_WORDS):
        return None
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    store = f"the object store{f' at {_host(endpoint)}' if endpoint else ''}"
    if _NO_BUCKET.search(says):
        return OutsideServiceError(
            f"{store} has no bucket {bucket or 'of that name'}",
            remedy="Make the bucket, or correct its address, AWS_ENDPOINT_URL or AWS_REGION; then run again.",
        )
    if _REFUSED.search(says) or "NoCredentials" in type(error).__name__:
        return OutsideServiceError(
            f"{store} refuses the keys it was given{f' for the bucket {bucket}' if bucket else ''}",
            remedy="Check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and what the bucket allows; nothing was lost, run again.",
        )
    if isinstance(error, FileNotFoundError):
        return None
    return OutsideServiceError(
        f"{store} does not answer{f' for the bucket {bucket}' if bucket else ''}",
        remedy="Check that it is running and reachable from here; nothing was lost, run again.",
    )


@cache
def _client(_environment: tuple[tuple[str, str], ...]) -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError:
        raise ConfigurationError(
            "an s3:// address is configured, and boto3 is not installed", remedy="Install it: pip install 'evenfall[s3]'."
        ) from None
    endpoint = _endpoint()
    is_virtual = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() in _TRUE
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        max_pool_connections=CONNECTIONS,
        # Stores other than Amazon's do not all know the newest checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "virtual" if is_virtual else "path" if endpoint else "auto"},
    )
    return Session().client("s3", endpoint_url=endpoint, region_name=_region(), config=config)


def _endpoint() -> str | None:
    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if address and not address.startswith("https://") and os.environ.get("AWS_ALLOW_HTTP", "").lower() not in _TRUE:
        raise ConfigurationError(
            f"AWS_ENDPOINT_URL is reached without encryption: {_host(address)}",
            remedy="Use https, or set AWS_ALLOW_HTTP=true if the way there is safe.",
        )
    return address or None


def _region() -> str:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"


def _host(address: str) -> str:
    """An endpoint without the user and password somebody may have written into it."""
    try:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "the address in AWS_ENDPOINT_URL"


def code_of(error: BaseException) -> str:
    """The code by which a store says what is wrong."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
