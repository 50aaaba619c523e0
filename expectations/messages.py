"""Messages between processes: a note of plain values as JSON, and frames as Arrow, each part with its length before it."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import IO, Any, Final

import polars as pl

_LENGTH_BYTES: Final = 8

Frames = Mapping[str, pl.DataFrame]


def send(pipe: IO[bytes], note: Mapping[str, Any], frames: Frames) -> None:
    """Write a message: a line of JSON, then its frames, each with its length before it."""
    _send_part(pipe, json.dumps({"note": note, "frames": list(frames)}).encode())
    for frame in frames.values():
        packed = io.BytesIO()
        frame.write_ipc_stream(packed)
        _send_part(pipe, packed.getbuffer())
    pipe.flush()


def _send_part(pipe: IO[bytes], part: bytes | memoryview) -> None:
    pipe.write(len(part).to_bytes(_LENGTH_BYTES, "little"))
    pipe.write(part)


def received(pipe: IO[bytes]) -> tuple[Any, dict[str, pl.DataFrame]]:
    """Read a message.

    Raises:
        EOFError: There is none, or not the whole of it.
    """
    message = json.loads(_part_of(pipe))
    return message["note"], {name: pl.read_ipc_stream(_part_of(pipe)) for name in message["frames"]}


def _part_of(pipe: IO[bytes]) -> bytes:
    length = int.from_bytes(_exactly(pipe, _LENGTH_BYTES), "little")
    return _exactly(pipe, length)


def _exactly(pipe: IO[bytes], length: int) -> bytes:
    data = pipe.read(length)
    if len(data) < length:
        raise EOFError
    return data
