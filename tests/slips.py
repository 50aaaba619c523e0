"""What may slip in a module, in one line: found by its syntax tree, so that what is left still parses.

A slip is what a tired hand does: a comparison the wrong way round or no longer strict, plus for minus, the largest for the
smallest, a filter forgotten, a key of a sort exchanged, a number off by one.
"""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

COMPARED = [("<", "<="), (">", ">="), ("==", "!="), ("in", "not in"), ("is", "is not")]
CALLED_ALIKE = [
    ("min", "max"), ("any", "all"), ("first", "last"), ("head", "tail"), ("is_null", "is_not_null"), ("floor", "ceil"),
    ("any_horizontal", "all_horizontal"), ("min_horizontal", "max_horizontal"), ("minimum", "maximum"), ("argmin", "argmax"),
    ("startswith", "endswith"), ("starts_with", "ends_with"), ("intersection", "union"),
]  # fmt: skip
COMPARISONS, SIGNS, JOINTS, CALLED = (
    {one: other for pair in pairs for one, other in (pair, pair[::-1])}
    for pairs in (COMPARED, [("+", "-"), ("&", "|")], [("and", "or")], CALLED_ALIKE)
)
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


class Slip(NamedTuple):
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
                    yield from self._between(one, other, JOINTS, "and or")
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
            yield end - len(name), end, CALLED[name], f"{CALLED[name]} for {name}"
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
        before = [sum(map(len, self.lines[: row - 1])) for row in (node.lineno, node.end_lineno or 0)]
        ends = ((node.lineno, node.col_offset), (node.end_lineno or 0, node.end_col_offset or 0))
        within = [len(self.lines[row - 1].encode()[:column].decode()) for row, column in ends]
        return before[0] + within[0], before[1] + within[1]


def still_parses(slip: Slip, source: str) -> bool:
    """Whether a slip leaves a module that means something, and something else."""
    try:
        return ast.dump(ast.parse(slip.made(source))) != ast.dump(ast.parse(source))
    except SyntaxError:
        return False


def told(slip: Slip, source: str) -> str:
    """Give the change as people read changes."""
    lines = difflib.unified_diff(source.splitlines(), slip.made(source).splitlines(), lineterm="", n=1)
    return "\n".join([*lines][2:])
