"""Clients of an S3-compatible object store, their options, and the translation of their errors.

Endpoint, region and keys come only from the environment (`AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` …), or from the
role of the machine. Tables are read and written by Delta Lake's and Polars' own clients; all other requests go through boto3.
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
# Parts of the messages of Polars, deltalake and the Rust crate `object_store`, in lower case.
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
# HEAD requests have no body, and so no code but the status 404.
_GONE_CODES: Final = ("NoSuchKey", "404")


def scan_options() -> dict[str, Any]:
    """Return the options for Polars: the same as `storage_options`, with numbers instead of texts for retries."""
    options = {name: value for name, value in storage_options().items() if name != "retry_timeout"}
    return options | {"max_retries": _TRIES, "retry_timeout_ms": _RETRY_SECONDS * 1000}


def storage_options() -> dict[str, str]:
    """Return the options for Delta Lake's client; keys are not among them, since it reads those from the environment.

    Raises:
        ConfigurationError: The endpoint is not encrypted, and `AWS_ALLOW_HTTP` is not set.
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
    """Return the boto3 client for everything but tables; one per process and environment.

    Raises:
        ConfigurationError: boto3 is not installed, or the endpoint is not encrypted.
    """
    # The environment is the cache key, so that a changed variable gets a new client.
    return _client(tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))))


@contextmanager
def translate_store_errors(bucket: str = "") -> Iterator[None]:
    """Translate errors of the store's clients in the block.

    Raises:
        FileNotFoundError: An object does not exist.
        OutsideServiceError: The store does not answer, refuses, or has no such bucket.
    """
    try:
        yield
    except EvenfallError:
        raise
    except Exception as error:
        if error_code(error) in _GONE_CODES and not _NO_BUCKET.search(str(error)):
            raise FileNotFoundError(f"an object of the bucket {bucket} is gone") from None
        translated = store_error(error, bucket=bucket)
        if translated is None:
            raise
        # Without the cause: the client's message may contain a key.
        raise translated from None


def store_error(error: BaseException, *, bucket: str = "") -> OutsideServiceError | None:
    """Return the Evenfall error for any library's error about the object store; None for an error about something else.

    Args:
        error: The error as raised.
        bucket: The bucket concerned, where it is known.
    """
    # deltalake and Polars raise general types (OSError, ComputeError): only the message shows that the store failed.
    message = str(error)
    if not type(error).__module__.startswith("botocore") and not any(word in message.lower() for word in _STORE_WORDS):
        return None
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    store = f"the object store{f' at {_host(endpoint)}' if endpoint else ''}"
    if _NO_BUCKET.search(message):
        return OutsideServiceError(
            f"{store} has no bucket {bucket or 'of that name'}",
            remedy="Make the bucket, or correct its address, AWS_ENDPOINT_URL or AWS_REGION; then run again.",
        )
    if _REFUSED.search(message) or "NoCredentials" in type(error).__name__:
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
        # Some stores other than Amazon's do not support the newest checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Stores with an address of their own rarely have a domain name per bucket; for Amazon boto3 decides.
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
    """Return an endpoint without user and password, which somebody may have written into it."""
    try:
        parts = urlsplit(address)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return "the address in AWS_ENDPOINT_URL"


def error_code(error: BaseException) -> str:
    """Return the store's error code; empty for an error that has none."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""
