"""Exports of several sources, taken in below the flow as a night does."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from lake.arrivals import read_arrivals
from lake.storage.delta import Lake
from pipeline.history.daily_rollups import members_known
from pipeline.intake.intake import Intake, land_intake, validate_sources
from runtime.run_context import open_run

NIGHT = date(2024, 3, 1)
NOW = datetime(2024, 3, 2, 3, tzinfo=UTC)
HEAD = "[validation.events]\nmax_age_days = 'off'\n[validation.orders]\nmax_age_days = 'off'\nmax_bad_share = 0.5\n"
EVENTS = '[sources.events]\npath = "events.csv"\n[sources.events.columns]\nevent_id = "id"\nmember_id = "u"\n'
EVENTS += 'event_type = "\'post\'"\noccurred_at = "t"\n'


def source(table: str, path: str, columns: dict[str, str], *lines: str) -> str:
    """One `[[sources.<table>]]` section."""
    mapped = "\n".join(f'{column} = "{expression}"' for column, expression in columns.items())
    said = "\n".join(lines)
    return f'[[sources.{table}]]\npath = "{path}"\n{said}\n[sources.{table}.columns]\n{mapped}\n'


ORDER = {"order_id": "id", "member_id": "u", "ordered_at": "t", "amount": "x"}
EVENT = {"event_id": "id", "member_id": "u", "event_type": "'post'", "occurred_at": "t"}


def write(folder: Path, **files: str) -> None:
    """Write files, `a_csv` for a.csv."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def validate(folder: Path, toml: str) -> Intake:
    """Read and judge what is new, as a night does."""
    (folder / "evenfall.toml").write_text(HEAD + toml)
    run = open_run(folder, NIGHT, now=NOW)
    return validate_sources(run.workspace, run.settings, as_of=NIGHT, now=NOW, progress=lambda _: None)


def take_in(folder: Path, toml: str) -> list[str]:
    """Take in what is new; returns what is told of replaced records."""
    intake = validate(folder, toml)
    assert not intake.stops, intake.stops
    told: list[str] = []
    land_intake(
        open_run(folder, NIGHT, now=NOW).workspace,
        intake,
        about_to_record=lambda _, notes: told.extend(note.says for note in notes),
    )
    intake.spool.empty()
    return told


def held(folder: Path, table: str, *columns: str) -> list[tuple[object, ...]]:
    """The rows of a table of the lake, sorted."""
    return sorted(Lake(folder / "lake").scan(table).select(columns).collect().rows(), key=repr)


def counted(folder: Path, *counts: str) -> list[tuple[object, ...]]:
    """Counts of all arrivals, in the order they came."""
    return read_arrivals(Lake(folder / "lake")).select("path", *counts).rows()


def consent(folder: Path) -> dict[str, list[bool | None]]:
    """Member → whether they may be contacted and profiled, as lists and features know it."""
    known = members_known(Lake(folder / "lake"), timezone="UTC", as_of=NIGHT).collect()
    return {member: said for member, *said in known.select("member_id", "can_contact", "can_profile").rows()}
