"""Who on the machine may read what a run writes: the user that runs it, and that user's group where the configuration says so."""

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
    """Let every file and folder that this process and its children make be closed to others, whatever umask it began with."""
    os.umask(_mask(group_readable=group_readable))


def close_to_others(root: Path, *, group_readable: bool) -> None:
    """Take rights away from what stands in a workspace already, as earlier releases left it; its own folder is not touched.

    A folder that others may not enter closes everything below it. What belongs to another user is left to the doctor.
    """
    for path in (*(root / name for name in OWN_FOLDERS), *root.glob(_OWN_FILES)):
        with suppress(OSError):
            if not path.is_symlink():
                path.chmod(_narrowed(path, group_readable=group_readable))


def _narrowed(path: Path, *, group_readable: bool) -> int:
    mode = stat.S_IMODE(path.stat().st_mode) & ~_mask(group_readable=group_readable)
    if not group_readable:
        return mode
    return mode | stat.S_IRGRP | (stat.S_IXGRP if path.is_dir() else 0)


def _mask(*, group_readable: bool) -> int:
    return _FOR_GROUP if group_readable else _FOR_OWNER
