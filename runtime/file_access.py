"""Permissions of what a run writes: for its user, and for reading by that user's group where the configuration says so."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

OWN_FOLDERS: Final = ("lake", "lists", "reports", "logs", "erasures", "mlartifacts", "mlruns", ".evenfall")
_OWN_FILES: Final = "mlflow.db*"
_FOR_OWNER: Final = 0o077
_FOR_GROUP: Final = 0o027


def keep_private(*, group_readable: bool = False) -> None:
    """Set the umask: what this process and its children write is closed to other users, whatever umask they started with."""
    os.umask(_mask(group_readable=group_readable))


def close_to_others(root: Path, *, group_readable: bool) -> None:
    """Remove other users' rights from what a workspace holds already; earlier releases did not set them.

    A folder that others may not enter closes everything below it. The workspace folder itself is not changed.
    """
    for path in (*(root / name for name in OWN_FOLDERS), *root.glob(_OWN_FILES)):
        # What belongs to another user cannot be changed here; `evenfall doctor --security` reports it.
        with suppress(OSError):
            # chmod follows a link, and its target may lie outside the workspace.
            if not path.is_symlink():
                path.chmod(_narrowed(path, group_readable=group_readable))


def _narrowed(path: Path, *, group_readable: bool) -> int:
    """Return the mode of a file or folder without the masked rights; a readable group may also enter folders."""
    mode = stat.S_IMODE(path.stat().st_mode) & ~_mask(group_readable=group_readable)
    if not group_readable:
        return mode
    return mode | stat.S_IRGRP | (stat.S_IXGRP if path.is_dir() else 0)


def _mask(*, group_readable: bool) -> int:
    return _FOR_GROUP if group_readable else _FOR_OWNER
