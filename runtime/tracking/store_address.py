"""Addresses of tracking stores: their database driver, and how to show them without their password."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_PASSWORD: Final = re.compile(r"(://[^:/@\s]*:)[^@\s]*@")


def local_store_address(root: Path) -> str:
    """Return the address of the workspace's own SQLite file."""
    return f"sqlite:///{root.resolve() / 'mlflow.db'}"


def with_our_driver(uri: str) -> str:
    """Return an address with our PostgreSQL driver: by default MLflow would look for one that is not installed."""
    return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", uri)


def is_server(uri: str) -> bool:
    """Return whether the address is that of a tracking server, which decides itself where artifacts are stored."""
    return urlsplit(uri).scheme in ("http", "https")


def without_password(text: str, *, uri: str) -> str:
    """Return a text, such as an address or an error about it, with the password of the address replaced by `***`."""
    masked = _PASSWORD.sub(r"\1***@", text)
    try:
        password = urlsplit(uri).password
    except ValueError:
        password = None
    return masked.replace(password, "***").replace(unquote(password), "***") if password else masked
