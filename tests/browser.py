"""A real browser for tests: Debian's chromium, headless, on pages of this machine alone."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
PATIENCE_SECONDS = 120


def page_as_seen(address: str, *, settle_ms: int = 15_000, size: str = "1400,1600", picture: Path | None = None) -> str:
    """The page's elements once its scripts have run; optionally with a picture of it."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with tempfile.TemporaryDirectory() as profile:
        what = ["--dump-dom"] if picture is None else [f"--screenshot={picture}"]
        command = [
            chromium,
            *QUIET,
            f"--user-data-dir={profile}",
            f"--window-size={size}",
            f"--virtual-time-budget={settle_ms}",
            *what,
            address,
        ]
        seen = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    assert seen.returncode == 0, seen.stderr[-2000:]
    return seen.stdout
