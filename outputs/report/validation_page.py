"""The night's page of checks: per table, what was read, which rules rows broke, with examples, and whether it stopped.

The page may be mailed around, member ids may not: of an id its shape is shown, which tells a malformed one from a whole one
and names nobody; of names, addresses and what people wrote only how long they are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from outputs.report.facts import TableFlow
from outputs.report.frame import render
from wording.report import checks_summary
from wording.texts import fill, name

EXAMPLES_SHOWN: Final = 3
_VALUE_CHARACTERS: Final = 80
# Words at the end of a name in snake_case, kebab-case or with blanks, and `Id` at the end of one in camelCase.
_IDENTIFYING: Final = re.compile(r"(?:^|[^a-z])(?:id|ids|email|mail|phone|name|text)$|[a-z](?:Id|ID)s?$")
_ID: Final = re.compile(r"(?:^|[^a-z])ids?$|[a-z](?:Id|ID)s?$")
_SHAPE_CHARACTERS: Final = 24
# Control characters as Python writes them, such as \t: a browser would show nothing.
_CONTROLS: Final = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160))}


@dataclass(frozen=True)
class ShownExample:
    """One row that broke a rule.

    Args:
        row: Its number in what was read, counted from 1, or None when unknown.
        column: The column at fault, or None for a rule on the whole row.
        value: What stood there, as text; None for an absent value.
        source_file: The file it came from, without folders, or None.
    """

    row: int | None
    column: str | None
    value: str | None
    source_file: str | None = None

    @property
    def shown(self) -> str:
        """Return the value as it may be shown."""
        return shown_value(self.value, column=self.column)

    @property
    def is_described(self) -> bool:
        """Tell whether the value is described instead of shown."""
        return self.value is None or self.column is None or is_identifying(self.column)


@dataclass(frozen=True)
class BrokenRule:
    """A rule that rows broke.

    Args:
        rule: The rule in plain words, such as `occurred_at is not later than now`.
        rows: How many rows broke it.
        examples: Some of them; the first three are shown.
        consequence: What it led to: the rows were `set aside`, the values `left empty` or counted as `no`, the table `stopped`,
            or there is only a `warning`.
    """

    rule: str
    rows: int
    examples: tuple[ShownExample, ...] = ()
    consequence: Literal["set aside", "left empty", "counted as no", "stopped", "warning"] = "set aside"


@dataclass(frozen=True)
class TableValidation:
    """The checks of one table.

    Args:
        flow: What became of its rows.
        rules_run: How many rules were checked.
        broken: Those that rows broke, the worst first.
        warnings: Sentences on freshness, drift in volume and the like.
        stopped_because: Why this table stopped the run, as a sentence; None when it passed.
    """

    flow: TableFlow
    rules_run: int
    broken: tuple[BrokenRule, ...] = ()
    warnings: tuple[str, ...] = ()
    stopped_because: str | None = None


@dataclass(frozen=True)
class ValidationFacts:
    """Everything the page says.

    Args:
        community: The community's name.
        as_of: The night.
        tables: The checks of every table with a source.
        remedy: What to do when the run stopped, as an instruction; None when all passed.
    """

    community: str
    as_of: date
    tables: tuple[TableValidation, ...]
    remedy: str | None = None

    @property
    def stopped(self) -> tuple[TableValidation, ...]:
        """Return the tables that stopped the run."""
        return tuple(table for table in self.tables if table.stopped_because is not None)


def render_validation(facts: ValidationFacts) -> str:
    """Write the page as HTML; the same facts give the same bytes. No script, no outside load, no member's id."""
    return render("validation.html.j2", facts=facts, summary=_summary(facts), examples_shown=EXAMPLES_SHOWN)


def is_identifying(column: str) -> bool:
    """Tell whether a column's values point to a person: ids, names, addresses, what they wrote."""
    # Names in capitals, such as MEMBER_ID, are found only in small letters; camelCase only as it stands.
    return _IDENTIFYING.search(column) is not None or _IDENTIFYING.search(column.lower()) is not None


def is_id(column: str) -> bool:
    """Tell whether a column's values are ids, whose shape names nobody."""
    return _ID.search(column) is not None or _ID.search(column.lower()) is not None


def shown_value(value: str | None, *, column: str | None) -> str:
    """Return a value as it may be shown: as it stands, or masked where it may point to a person.

    Control characters are made visible; at most 80 characters are shown.
    """
    if value is None:
        return fill("checks.value.none")
    if column is None or is_identifying(column):
        if column is not None and is_id(column):
            return fill("checks.value.shape", shape=shape(value), n=len(value))
        return fill("checks.value.hidden", n=len(value))
    visible = value.translate(_CONTROLS)
    return visible if len(visible) <= _VALUE_CHARACTERS else visible[: _VALUE_CHARACTERS - 1] + "…"


def shape(value: str) -> str:
    """Return the shape of a value: A and a for letters, 9 for digits, other characters as they are; 24 of them at most."""
    signs = "".join(_shape_of(sign) for sign in value[:_SHAPE_CHARACTERS]).translate(_CONTROLS)
    return signs if len(value) <= _SHAPE_CHARACTERS else f"{signs}…"


def _shape_of(sign: str) -> str:
    if sign.isalpha():
        return "A" if sign.isupper() else "a"
    return "9" if sign.isnumeric() else sign


def _summary(facts: ValidationFacts) -> str:
    flows = [table.flow for table in facts.tables]
    return checks_summary(
        stopped=[name(table.flow.table) for table in facts.stopped],
        read=sum(flow.read for flow in flows),
        quarantined=sum(flow.quarantined for flow in flows),
    )
