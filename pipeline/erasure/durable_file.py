"""Write a small file durably: after a crash it has either its old content or its new one."""

from __future__ import annotations

import os
from pathlib import Path


def write_durably(file: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file through a temporary one beside it, which is flushed to disk before it replaces the file.

    Args:
        file: The file; its folder exists.
        content: The whole content.
        mode: The rights of the file, reduced by the umask.
    """
    temporary = file.with_name(f".{file.name}.new")
    # O_EXCL after unlink: the rights given here apply only to a file that is created, not to one that a dead run has left.
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
