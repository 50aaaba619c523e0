"""The file that names members to erase: a line each, or a column of a table."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.errors import ConfigurationError
from pipeline.erasure.request import read_request


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("anna\n\n bo_1 \r\nanna\n", {"anna": "line 1 of gone.txt", "bo_1": "line 3 of gone.txt"}),
        ("\ufeffname;Member_ID\nx;7\n\ny;a b\nz\n", {"7": "line 2 of gone.txt", "a b": "line 4 of gone.txt"}),
        ('member_id,why\n"a,b",left\n', {"a,b": "line 2 of gone.txt"}),
        ("Doe, Ann\n", {"Doe, Ann": "line 1 of gone.txt"}),
    ],
)
def test_a_file_names_members_a_line_each_or_in_a_column(tmp_path: Path, text: str, asked: dict[str, str]) -> None:
    (tmp_path / "gone.txt").write_bytes(text.encode())
    assert read_request(tmp_path / "gone.txt") == asked


@pytest.mark.parametrize("content", [b"\n \n", b"member_id\n", "dörte".encode("latin-1"), None])
def test_a_file_that_names_nobody_or_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "gone.txt").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"gone\.txt"):
        read_request(tmp_path / "gone.txt")
