"""The examples are run as a newcomer would, in a copy."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.nights import run
from tests.paths import ROOT

__all__ = ["run"]

EXAMPLES = ROOT / "examples"


def copy_of(example: str, folder: Path, *, more: str = "") -> Path:
    """A copy of an example's configuration, with more of it at the end, and data, without what earlier nights left there."""
    workspace = folder / example
    shutil.copytree(EXAMPLES / example / "data", workspace / "data")
    (workspace / "evenfall.toml").write_text((EXAMPLES / example / "evenfall.toml").read_text() + more)
    return workspace
