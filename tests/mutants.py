"""Make one-line slips in a copy of the code, and see whether the room's own tests notice: `make mutants`.

A slip is what a tired hand does: a comparison no longer strict, plus for minus, the largest for the smallest, a filter
forgotten, a number off by one. A seeded sample is drawn over the lines of all rooms; lines about consent, money, dates and
horizons are drawn more often. Each slip is made alone, in a copy that is thrown away, never in this tree.

The test file that mirrors the module runs first, then those that name it, then the room's others; the first failure ends it.
Browsers and PostgreSQL are left out: what they alone notice, a machine without them does not.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import difflib
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
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("lake", "expectations", "features", "models", "segments", "outputs", "flows")
FIRST = re.compile(
    "consent|contact|profil|refus|allow|erase|minor|amount|spend|money|currency|value|as_of|day|date|horizon|cutoff|until|matured|window|eligible"
)
TIMES_AS_OFTEN = 3
# Numbers stand everywhere; without this they would be most of every sample.
NUMBERS_AS_OFTEN = 0.4

COMPARISONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "in": "not in", "not in": "in",
               "is": "is not", "is not": "is"}  # fmt: skip
SIGNS = {"+": "-", "-": "+", "&": "|", "|": "&"}
PAIRS = [
    ("min", "max"), ("any", "all"), ("first", "last"), ("head", "tail"), ("is_null", "is_not_null"), ("floor", "ceil"),
    ("any_horizontal", "all_horizontal"), ("min_horizontal", "max_horizontal"), ("minimum", "maximum"), ("argmin", "argmax"),
    ("startswith", "endswith"), ("starts_with", "ends_with"), ("intersection", "union"),
]  # fmt: skip
CALLED = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
WORDS = {
    "how": {"left": "inner", "inner": "left", "anti": "semi", "semi": "anti", "full": "left"},
    "closed": {"left": "both", "right": "both", "both": "left", "none": "both"},
    "keep": {"first": "last", "last": "first", "any": "none"},
    "strategy": {"backward": "forward", "forward": "backward"},
}
SORT_KEYS = {"member_no": "member_id", "member_id": "member_no"}
DROPPED = {"filter", "sort", "unique", "drop_nulls", "fill_null", "abs", "round", "clip"}
# Types, decorators and assertions are not what a module does.
PASSED_OVER = {"annotation", "returns", "decorator_list"}


@dataclass(frozen=True)
class Slip:
    """One change: in `path`, characters `start` to `end` become `text`."""

    path: str
    start: int
    end: int
    text: str
    kind: str
    line: int

    @property
    def room(self) -> str:
        return self.path.split("/", 1)[0]

    def made(self, source: str) -> str:
        return source[: self.start] + self.text + source[self.end :]


class Finder:
    """Finds what may slip in one module: starts, ends, replacements and kinds."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines = source.splitlines(keepends=True)

    def slips(self, path: str) -> Iterator[Slip]:
        for node in self._nodes(ast.parse(self.source)):
            for start, end, text, kind in self._of(node):
                if "\n" not in self.source[start:end]:
                    yield Slip(path, start, end, text, kind, self.source.count("\n", 0, start) + 1)

    def _nodes(self, node: ast.AST) -> Iterator[ast.AST]:
        yield node
        for field, value in ast.iter_fields(node):
            if field not in PASSED_OVER:
                for child in value if isinstance(value, list) else [value]:
                    if isinstance(child, ast.AST) and not isinstance(child, ast.Assert):
                        yield from self._nodes(child)

    def _of(self, node: ast.AST) -> Iterator[tuple[int, int, str, str]]:
        match node:
            case ast.Compare(left=left, comparators=others):
                for one, other in pairwise([left, *others]):
                    yield from self._between(one, other, COMPARISONS, "comparison")
            case ast.BinOp(left=left, right=right):
                yield from self._between(left, right, SIGNS, "sign")
            case ast.BoolOp(values=values):
                for one, other in pairwise(values):
                    yield from self._between(one, other, {"and": "or", "or": "and"}, "and or")
            case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub(), operand=operand):
                yield self._at(node)[0], self._at(operand)[0], "", "not or minus dropped"
            case ast.Constant(value=bool() as value):
                yield *self._at(node), str(not value), "true false"
            case ast.Constant(value=int() | float() as value):
                yield *self._at(node), str(value + 1 if isinstance(value, int) else value * 2 or 1.0), "number"
            case ast.keyword(arg=str() as name, value=ast.Constant(value=str() as value)) if value in WORDS.get(name, {}):
                yield *self._at(node.value), f'"{WORDS[name][value]}"', name
            case ast.Call(func=called):
                yield from self._of_call(node, called)

    def _of_call(self, node: ast.Call, called: ast.expr) -> Iterator[tuple[int, int, str, str]]:
        end = self._at(called)[1]
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if name in CALLED:
            yield end - len(name), end, CALLED[name], f"{name} for {CALLED[name]}"
        if name in DROPPED and isinstance(called, ast.Attribute):
            yield self._at(called.value)[1], self._at(node)[1], "", f"{name} dropped"
        if name in {"sort", "sort_by"}:
            keys = [key for key in node.args if isinstance(key, ast.Constant)]
            for key in keys:
                if key.value in SORT_KEYS:
                    yield *self._at(key), f'"{SORT_KEYS[str(key.value)]}"', "sort key"
            if len(keys) > 1:
                (start, _), (_, last) = self._at(keys[0]), self._at(keys[1])
                yield start, last, f"{ast.unparse(keys[1])}, {ast.unparse(keys[0])}", "sort keys"

    def _between(self, one: ast.expr, other: ast.expr, signs: dict[str, str], kind: str) -> Iterator[tuple[int, int, str, str]]:
        start, end = self._at(one)[1], self._at(other)[0]
        found = re.fullmatch(r"([)\s]*)(.+?)([(\s]*)", self.source[start:end], re.DOTALL)
        if found and found[2] in signs:
            yield start + found.start(2), start + found.end(2), signs[found[2]], kind

    def _at(self, node: ast.expr) -> tuple[int, int]:
        """Give a node's characters, where ast counts bytes."""
        ends = ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        start, end = (
            sum(map(len, self.lines[: row - 1])) + len(self.lines[row - 1].encode()[:column].decode()) for row, column in ends
        )
        return start, end


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


def still_parses(slip: Slip, source: str) -> bool:
    """Whether a slip leaves a module that means something, and something else."""
    try:
        return ast.dump(ast.parse(slip.made(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def tests_of(root: Path, path: str) -> list[list[str]]:
    """The room's test files in three groups: those that mirror the module, those that name it, the others."""
    module = Path(path).with_suffix("")
    mirrors = {f"test_{module.name}.py", f"test_{module.parent.name}_{module.name}.py", f"test_{module.parent.name}.py"}
    named = re.compile(rf"\b{re.escape('.'.join(module.parts))}\b")
    groups: list[list[str]] = [[], [], []]
    for test in sorted((root / "tests" / module.parts[0]).glob("test_*.py")):
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
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    left_out = ["-m", "not soak and not browser and not postgres"]
    environment = {**os.environ, "PYTHONPATH": str(tree), "HYPOTHESIS_PROFILE": "noticing"}
    nowhere = subprocess.DEVNULL
    everything = [*command, *left_out, *tests]
    process = subprocess.Popen(everything, cwd=tree, env=environment, stdout=nowhere, stderr=nowhere, start_new_session=True)
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


def told(slip: Slip, source: str) -> str:
    """Give the change as people read changes."""
    lines = difflib.unified_diff(source.splitlines(), slip.made(source).splitlines(), lineterm="", n=1)
    return "\n".join([*lines][2:])


def report(asked: argparse.Namespace, original: Path) -> None:
    """Make each slip of a sample and tell what became of it.

    Raises:
        SystemExit: The tests fail without any slip.
    """
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
