"""Write the generated pages of docs/ from the code: the configuration reference and the feature dictionary."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from community.badges import RECOGNITION_COLUMNS, Badge
from community.goals import Goal
from engagement.actions import AUDIENCE_SCHEMA, DEFAULTS, PLACEHOLDERS, Action
from features.dictionary import feature_dictionary_markdown
from lake.contracts import TABLES, section_of
from lake.sources.source_settings import SourceSettings
from runtime.report_settings import ReportEdition
from runtime.settings import Settings

_DOCS: Final = Path(__file__).parent.parent / "docs"
_HEAD: Final = """\
# Configuration reference

Everything `evenfall.toml` may say. Unknown keys are errors. An environment variable overrides the file: `EVENFALL_`, then the
section and the key joined by two underscores, such as `EVENFALL_COMMUNITY__TIMEZONE=Europe/London`.
This page is written by `make docs` from the code and checked by `make check`.
"""
_SOURCES: Final = """\
## `[sources.<table>]`

One section per table, or several as `[[sources.<table>]]`. A community needs `events` or `orders`; the others are optional.
Expressions are SQL over the columns of one row of the export; a column's name alone needs no quotes.
[Polars SQL here](expressions.md) has the dialect, its functions, dates, JSON and some forty recipes.
"""
_ACTIONS: Final = """\
## `[[actions]]`

What operators may do for a member, one section an action ([the loop](loop.md)). Without any, those of the defaults apply that the
community's data can judge: {defaults}. `actions = []` above the first section gives the plain ranking by what is at stake.

{keys}
An audience may read {audience}.

A message may use the same in braces, and {phrases}.
"""
_BADGES: Final = """\
## `[[badges]]`

What members earn, one section a badge; once earned, a badge stays. Points of all badges make the levels of `[recognition]`.

{keys}
A rule may read what an audience may, and {columns}.
"""
_REPORTS: Final = """\
## `[[reports]]`

Further editions of the report, one section an edition, written as `reports/<night>.<language>.html` ([languages](languages.md)).

{keys}
"""
_GOALS: Final = """\
## `[[goals]]`

What a figure is to reach by when, one section a goal ([goals](goals.md)).

{keys}
"""


def configuration_markdown() -> str:
    """Return the configuration reference as Markdown."""
    sections = [_HEAD, _SOURCES, _table(_rows(SourceSettings)), *_contract_pages()]
    for name, field in Settings.model_fields.items():
        model = _model(field.annotation)
        if name == "actions":
            sections.append(_actions())
        if name == "reports":
            sections.append(_REPORTS.format(keys=_table(_rows(ReportEdition))))
        if name == "badges":
            columns = ", ".join(f"`{column}`" for column in RECOGNITION_COLUMNS)
            sections.append(_BADGES.format(keys=_table(_rows(Badge)), columns=columns))
        if name == "goals":
            sections.append(_GOALS.format(keys=_table(_rows(Goal))))
        if name != "sources" and model is not None:
            sections += list(_section(name, model))
    return "\n".join(sections).rstrip() + "\n"


def _actions() -> str:
    def listed(names: typing.Iterable[str]) -> str:
        return ", ".join(f"`{name}`" for name in names)

    return _ACTIONS.format(
        defaults=listed(DEFAULTS),
        keys=_table(_rows(Action)),
        audience=listed(AUDIENCE_SCHEMA),
        phrases=listed(sorted(PLACEHOLDERS - set(AUDIENCE_SCHEMA))),
    )


def _section(name: str, model: type[BaseModel]) -> Iterator[str]:
    doc = (model.__doc__ or "").strip().splitlines()[0]
    about = doc.split(": ", 1)[-1]
    yield f"## `[{name}]`\n\n{about[0].upper()}{about[1:]}\n"
    nested = {key: inner for key, field in model.model_fields.items() if (inner := _model(field.annotation)) is not None}
    yield _table(row for row in _rows(model) if row[0] not in nested)
    by_model: dict[type[BaseModel], list[str]] = {}
    for key, inner in nested.items():
        by_model.setdefault(inner, []).append(key)
    for inner, keys in by_model.items():
        yield f"### {', '.join(f'`[{name}.{key}]`' for key in keys)}\n"
        yield _table(_rows(inner))


def _contract_pages() -> Iterator[str]:
    for table in TABLES.values():
        required = {name for name, column in table.columns.items() if column.required}
        rows = [
            (name, "key" if name == table.key else "required" if name in required else "", _type(column.dtype), column.meaning)
            for name, column in table.columns.items()
        ]
        yield f"### `[sources.{section_of(table.name)}.columns]`\n"
        yield "\n".join(
            [
                "| column | | type | meaning |",
                "| --- | --- | --- | --- |",
                *(f"| `{a}` | {b} | {c} | {d} |" for a, b, c, d in rows),
                "",
            ]
        )


def _rows(model: type[BaseModel]) -> Iterator[tuple[str, str, str]]:
    for key, field in model.model_fields.items():
        yield field.alias or key, _default(field.get_default(call_default_factory=True)), field.description or ""


def _table(rows: typing.Iterable[tuple[str, str, str]]) -> str:
    body = [f"| `{key}` | {default} | {meaning} |" for key, default, meaning in rows]
    return "\n".join(["| key | default | meaning |", "| --- | --- | --- |", *body, ""]) if body else ""


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ({}, ()):
        return ""
    if isinstance(value, BaseModel):
        return ", ".join(f"{key} = {_default(inner)}" for key, inner in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _type(dtype: pl.DataType) -> str:
    if dtype.is_temporal():
        return "time"
    if dtype == pl.Boolean:
        return "yes or no"
    return "whole number" if dtype.is_integer() else "number" if dtype.is_numeric() else "text"


def _model(annotation: Any) -> type[BaseModel] | None:
    """Return the settings model in an annotation such as `X` or `X | None`; None where there is none."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return next((model for part in typing.get_args(annotation) if (model := _model(part)) is not None), None)
    return None


PAGES: Final = {"configuration.md": configuration_markdown, "features.md": feature_dictionary_markdown}


def main() -> None:
    """Write every generated page."""
    for name, page in PAGES.items():
        (_DOCS / name).write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
