"""What is installed may be used: every package has a licence we accept, and is the one that the lock pins by hash."""

from __future__ import annotations

import re
from email.message import Message
from importlib.metadata import Distribution, distributions
from typing import cast

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.paths import ROOT

OURS = "evenfall"
# Tests run with the development lock; a night installs `requirements.lock` alone.
LOCK = "requirements-dev.lock"
# Brought by `python -m venv`, not by the lock.
INSTALLERS = {"pip"}
# Licences that ask for their notice to be kept, and no more; and those that also cover changes to their own files (MPL).
PERMISSIVE = re.compile(
    r"mit(-0|-cmu)?|(the )?mit license( \(mit\))?|0bsd|bsd( license)?|bsd-[23]-clause|3-clause bsd license|apache-2\.0"
    r"|apache software license|isc(l)?|isc license \(iscl\)|psf-2\.0|python software foundation license|zlib|cc0-1\.0|cnri-python"
    r"|unlicense|public domain|mpl-2\.0|mozilla public license 2\.0 \(mpl 2\.0\)"
)
# Name → why it may be used although its metadata tells something else, or nothing.
EXCEPTIONS = {
    "psycopg": "LGPL-3.0: used as a library, unchanged, and replaceable by its user",
    "psycopg-binary": "LGPL-3.0: the compiled part of psycopg, likewise",
    "docutils": "public domain and BSD; the GPL part is its editor mode, which is not installed",
    "text-unidecode": "Artistic License, by choice among those offered",
    "huey": "MIT, as its LICENSE file says; the metadata is silent",
    "skops": "MIT, as its LICENSE file says; the metadata names no licence",
}


def licences(package: Distribution) -> list[str]:
    """The licences a package names, by its expression, else its classifiers, else its free text; alternatives count as one."""
    told = cast("Message", package.metadata)
    expression = told.get("License-Expression")
    if expression:
        one_of = re.sub(r"\(([^()]*)\)", lambda inner: inner[1].split(" OR ")[-1], expression)
        return [part.split(" OR ")[0].strip() for part in one_of.split(" AND ")]
    classified = [line.rpartition("::")[2].strip() for line in told.get_all("Classifier") or [] if line.startswith("License")]
    classified = [name for name in classified if name != "OSI Approved"]
    return classified or [part.strip() for part in (told.get("License") or "").split("\n")[0].split(" AND ")]


def pins(lock: str = LOCK) -> dict[str, tuple[str, int]]:
    """Name → version and number of hashes, of the lines of a lock meant for this Python and system."""
    found: dict[str, tuple[str, int]] = {}
    for block in re.split(r"\n(?=\S)", (ROOT / lock).read_text(encoding="utf-8")):
        line = Requirement(block.split("\\")[0].strip())
        if line.marker is None or line.marker.evaluate():
            found[canonicalize_name(line.name)] = (str(line.specifier).removeprefix("=="), block.count("--hash=sha256:"))
    return found


def installed() -> dict[str, Distribution]:
    return {canonicalize_name(package.name): package for package in distributions()}


def test_every_installed_package_has_a_licence_we_accept() -> None:
    refused = {
        name: licences(package)
        for name, package in installed().items()
        if name not in (*EXCEPTIONS, OURS) and not all(PERMISSIVE.fullmatch(one.lower()) for one in licences(package))
    }
    assert refused == {}


def test_every_exception_is_still_needed() -> None:
    here = installed()
    accepted = [n for n in EXCEPTIONS if n in here and all(PERMISSIVE.fullmatch(one.lower()) for one in licences(here[n]))]
    assert accepted == []
    assert set(EXCEPTIONS) <= set(pins())


def test_what_is_installed_is_what_the_lock_pins_by_hash() -> None:
    pinned = pins()
    assert [name for name, (_, hashes) in pinned.items() if not hashes] == []
    here = {name: package.version for name, package in installed().items() if name not in (OURS, *INSTALLERS)}
    assert {name: version for name, version in here.items() if pinned.get(name, ("", 0))[0] != version} == {}


def test_the_locks_of_a_night_and_of_the_bootstrap_are_parts_of_the_development_lock() -> None:
    pinned = pins()
    for lock in ("requirements.lock", "requirements-bootstrap.lock"):
        assert {name: pin for name, pin in pins(lock).items() if pinned.get(name) != pin} == {}


def test_a_night_installs_no_tool_of_development_and_no_dask() -> None:
    night = set(pins("requirements.lock"))
    assert night.isdisjoint({"pytest", "mypy", "ruff", "import-linter", "hypothesis", "moto", "dask", "prefect-dask"})
    assert {"psutil", "rich", "boto3"} <= night


def test_a_licence_that_binds_users_is_refused() -> None:
    for bad in (
        "GPL-3.0-only",
        "AGPL-3.0",
        "GNU General Public License v2 or later (GPLv2+)",
        "Other/Proprietary License",
        "BUSL-1.1",
        "",
    ):
        assert not PERMISSIVE.fullmatch(bad.lower())
