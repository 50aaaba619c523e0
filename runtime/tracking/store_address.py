"""Addresses of tracking stores: which driver they mean, and how they are shown without their password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PASSWORD: Final = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def local_store_address(root: Path) -> str:
    """The workspace's own SQLite file."""
    return f"sqlite:///{root.resolve() / 'mlflow.db'}"


def with_our_driver(uri: str) -> str:
    """A PostgreSQL address for the driver that is installed: MLflow would look for another."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", uri)


def is_server(uri: str) -> bool:
    """Whether a server stands at the address, which knows itself where artifacts belong."""
    return urlsplit(uri).scheme in ("http", "https")


def without_password(text: str, *, uri: str) -> str:
    """A text, such as the address itself or an error about it, with the address's password starred out."""
    masked = _PASSWORD.sub(r"\1***@", text)
    try:
        password = urlsplit(uri).password
    except ValueError:
        password = None
    return masked.replace(password, "***").replace(unquote(password), "***") if password else masked
