"""Messages between processes: plain values as JSON and frames as Arrow, each part preceded by its length."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import IO, Any, Final

import polars as pl

_LENGTH_BYTES: Final = 8

Frames = Mapping[str, pl.DataFrame]


def send(pipe: IO[bytes], note: Mapping[str, Any], frames: Frames) -> None:
    """Write a message: a part of JSON, then one part per frame.

    Args:
        pipe: Where to write.
        note: Plain values.
        frames: Name → frame.
    """
    _send_part(pipe, json.dumps({"note": note, "frames": list(frames)}).encode())
    for frame in frames.values():
        buffer = io.BytesIO()
        frame.write_ipc_stream(buffer)
        _send_part(pipe, buffer.getbuffer())
    pipe.flush()


def _send_part(pipe: IO[bytes], part: bytes | memoryview) -> None:
    pipe.write(len(part).to_bytes(_LENGTH_BYTES, "little"))
    pipe.write(part)


def received(pipe: IO[bytes]) -> tuple[Any, dict[str, pl.DataFrame]]:
    """Read a message.

    Raises:
        EOFError: The pipe ends before the message, or within it.
    """
    message = json.loads(_part_of(pipe))
    return message["note"], {name: pl.read_ipc_stream(_part_of(pipe)) for name in message["frames"]}


def _part_of(pipe: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(pipe, _LENGTH_BYTES), "little")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    # A buffered pipe returns fewer bytes than asked for only at its end.
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data
