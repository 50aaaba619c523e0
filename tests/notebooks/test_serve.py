"""The notebooks as they are served: nothing without the token, nothing under another name, nothing beyond this machine."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.browser import PATIENCE_SECONDS
from tests.paths import ROOT
from tests.serving import served

FOREIGN = {"Host": "evil.example"}


def printed_address(log: Path) -> re.Match[str]:
    """The address with its token, which is printed about when the server begins to answer."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (told := re.search(r"http://localhost:(\d+)\?access_token=[\w-]+", log.read_text())) is None:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    return told


def test_only_who_has_the_token_and_asks_for_this_machine_gets_a_page(tmp_path: Path) -> None:
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "notebooks.serve",
        "cohorts",
        "--workspace",
        tmp_path,
        "--headless",
        "--port",
        "{port}",
    ]
    log = tmp_path / "log"
    with served([*command, "--allowed-host", "pages.example"], cwd=ROOT, log=log) as address:
        told = printed_address(log)
        with_token = address + told[0].partition(told[1])[2]
        assert httpx.get(address).headers["location"].startswith("/auth/login")
        assert httpx.get(f"{address}/api/usage").status_code == 401
        assert httpx.get(f"{address}?access_token=1").headers["location"].startswith("/auth/login")
        with httpx.Client(follow_redirects=True) as browser:
            page = browser.get(with_token)
            assert (page.status_code, "marimo" in page.text) == (200, True)
            assert browser.get(address, headers=FOREIGN).status_code == 400
        for path in ("", "/auth/login", "/api/usage", "/health", "?" + with_token.partition("?")[2]):
            assert httpx.get(f"{address}{path}", headers=FOREIGN).status_code == 400
        assert httpx.get(f"{address}/health", headers={"Host": "pages.example"}).status_code == 200
        for headers in ({}, FOREIGN):
            socket = f"ws{address.removeprefix('http')}/ws?session_id=x"
            with pytest.raises(InvalidStatus), connect(socket, additional_headers=headers):
                pass
    assert len(told[0].partition("=")[2]) > 16


def test_every_page_of_the_makefile_is_served_so() -> None:
    recipes = (ROOT / "Makefile").read_text()
    assert "marimo run" not in recipes
    assert "marimo edit" not in recipes
    assert len(re.findall(r"-m notebooks\.serve (members|effects|experiments|cohorts|all --edit) ", recipes)) == 5
