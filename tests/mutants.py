"""Make one-line slips in a copy of the code, and see whether the room's own tests notice: `make mutants`.

A seeded sample of slips is drawn over the lines of all rooms; lines about consent, money, dates and horizons are drawn more
often. Each slip is made alone, in a copy that is thrown away. The test file that mirrors the module runs first, then those that
name it, then the room's others; the first failure ends it. Browsers and PostgreSQL are left out: few machines have them.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from runtime.run_context import ROOMS
from tests.paths import ROOT
from tests.slips import Finder, Slip, still_parses, told

FIRST = re.compile(
    "consent|contact|profil|refus|allow|erase|minor|amount|spend|money|currency|value"
    "|as_of|day|date|horizon|cutoff|until|matured|window|eligible",
    re.IGNORECASE,
)
TIMES_AS_OFTEN = 3
# Numbers stand everywhere; without this they would be most of every sample.
NUMBERS_AS_OFTEN = 0.4


def drawn(root: Path, rooms: tuple[str, ...], *, seed: int, number: int) -> list[Slip]:
    """Draw a sample without replacement, no line twice, by weights (Efraimidis and Spirakis 2006)."""
    chance = random.Random(seed)
    keyed: list[tuple[float, Slip]] = []
    for path in sorted(path for room in rooms for path in (root / room).rglob("*.py")):
        source = path.read_text()
        for slip in Finder(source).slips(str(path.relative_to(root))):
            often = TIMES_AS_OFTEN if FIRST.search(source.splitlines()[slip.line - 1]) else 1
            weight = often * (NUMBERS_AS_OFTEN if slip.kind == "number" else 1)
            keyed.append((chance.random() ** (1 / weight), slip))
    taken: dict[tuple[str, int], Slip] = {}
    for _, slip in sorted(keyed, key=lambda item: -item[0]):
        if len(taken) < number and (slip.path, slip.line) not in taken and still_parses(slip, (root / slip.path).read_text()):
            taken[slip.path, slip.line] = slip
    return list(taken.values())


def tests_of(root: Path, path: str) -> list[list[str]]:
    """The room's test files in three groups: those that mirror the module, those that name it, the others."""
    module = Path(path).with_suffix("")
    mirrors = {f"test_{module.name}.py", f"test_{module.parent.name}_{module.name}.py", f"test_{module.parent.name}.py"}
    named = re.compile(rf"\b{re.escape('.'.join(module.parts))}\b")
    groups: list[list[str]] = [[], [], []]
    for test in sorted((root / "tests" / module.parts[0]).rglob("test_*.py")):
        group = 0 if test.name in mirrors else 1 if named.search(test.read_text()) else 2
        groups[group].append(str(test.relative_to(root)))
    return [group for group in groups if group]


def tried(slip: Slip, *, original: Path, limit: float) -> tuple[str, float]:
    """Make a slip in a copy of its own and run the tests: caught, survived or timeout, and after how many seconds."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(shutil.copytree(original, folder, dirs_exist_ok=True))
        (tree / slip.path).write_text(slip.made((original / slip.path).read_text()))
        for tests in tests_of(tree, slip.path):
            code = run_tests(tree, tests, limit=limit + begun - time.monotonic())
            if code != 0:
                return "timeout" if code is None else "caught", time.monotonic() - begun
    return "survived", time.monotonic() - begun


def run_tests(tree: Path, tests: list[str], *, limit: float) -> int | None:
    """Give the exit code of pytest on some files of a copy; None when the time was over."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-xqp",
        "no:cacheprovider",
        "-m",
        "not soak and not browser and not postgres",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "noticing"}
    nowhere = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=tree, env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)
    code: int | None = None
    with contextlib.suppress(subprocess.TimeoutExpired):
        code = process.wait(max(limit, 0))
    # Servers that tests started belong to the same session.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return 0 if code == 5 else code  # 5: every test of these files is left out


def copied(folder: Path) -> Path:
    """Copy what git knows of, as it is now."""
    listed = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def report(asked: argparse.Namespace, original: Path) -> None:
    """Make each slip of a sample and tell what became of it."""
    rooms = tuple(asked.room or ROOMS)
    slips = drawn(original, rooms, seed=asked.seed, number=asked.number)
    for tests in tests_of(original, slips[0].path)[:1]:
        if run_tests(original, tests, limit=asked.limit) != 0:
            sys.exit(f"{', '.join(tests)}: not passed without any slip, within {asked.limit:.0f} s")
    counts: Counter[tuple[str, str]] = Counter()
    with ThreadPoolExecutor(asked.jobs) as pool:
        outcomes = pool.map(partial(tried, original=original, limit=asked.limit), slips)
        for slip, (result, seconds) in zip(slips, outcomes, strict=True):
            counts[slip.room, result] += 1
            print(f"{result:8} {seconds:5.0f} s  {slip.path}:{slip.line}  {slip.kind}", flush=True)
            print(told(slip, (original / slip.path).read_text()), flush=True)
    for room in rooms:
        print(f"{room}: " + ", ".join(f"{counts[room, result]} {result}" for result in ("caught", "survived", "timeout")))


def main() -> None:
    """Read what is asked for."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other slips (default: 0)")
    parser.add_argument("--number", type=int, default=100, help="how many slips (default: 100)")
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this room; may be given several times")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once (default: 1)")
    parser.add_argument("--limit", type=float, default=300, help="seconds for the tests of one slip (default: 300)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
        report(asked, copied(Path(folder)))


if __name__ == "__main__":
    main()
