"""Early warning: look for what left what is usual, decide what is told tonight, and keep it in the table `alerts`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median
from typing import Final

import polars as pl

from community.alarm_history import ACTIONS_SCHEMA, ALARMS_SCHEMA, as_rows, carry_on
from community.alarms import Alarm, rank
from community.anomalies import HISTORY_DAYS
from community.bursts import bad_answer_figures
from community.figures import FIGURES_SCHEMA, WHOLE
from community.judging import judge
from community.platform_figures import is_of_platform, watched_series
from community.watched import ROWS, WATCHED, watched_given, watched_rows
from lake.contracts import TABLES_OF_MEMBERS
from outputs.report.morning_facts import MorningFacts
from outputs.report.warning_facts import EarlyWarning
from pipeline.community.figures import FIGURES
from pipeline.community.silent_sources import silent_sources
from pipeline.community.stored_network import read_names
from pipeline.community.written import read_texts, words_of_names
from pipeline.stored_nights import NIGHT, SCORES, store_night
from runtime.run_context import RunContext

ALERTS: Final = "alerts"
ALERT_ACTIONS: Final = "alert_actions"
# Other groups are made of what members did before the night, so that they look different afterwards.
_GIVEN: Final = ("platform=", "source=")
_FORMED: Final = "community="
# Communities are those of the nights; before the first one members are taken to have been where it found them.
_NIGHTS_LOOKED_AT: Final = 8
_LEAST_NIGHTS: Final = 4


def look_for_alarms(run: RunContext, figures: pl.DataFrame) -> EarlyWarning:
    """Look for what left what is usual in the figures and in the rows of the tables, and for sources and nights that are missing.

    Args:
        run: The run.
        figures: The figures up to the night.
    """
    first = run.as_of - timedelta(days=HISTORY_DAYS)
    rows = _rows_by_day(run, first)
    texts = read_texts(run)
    recent = figures.filter(pl.col("day") >= first)
    given = watched_series(recent, as_of=run.as_of)
    watched = {
        **WATCHED,
        **{name: watched_rows(name.removeprefix(ROWS)) for name in rows["figure"].unique()},
        **{name: watched_given(name) for name in given["figure"].unique()},
    }
    counted = recent.filter(~is_of_platform())
    found = judge(
        pl.concat([_comparable(run, counted), rows, given, bad_answer_figures(texts)]),
        texts,
        watched,
        as_of=run.as_of,
        hidden=words_of_names(run, texts),
        smallest_group=run.settings.community.smallest_group,
    )
    names = read_names(run, run.as_of)
    communities = {one: tuple((trait.kind, trait.value) for trait in name) for one, name in names.items()}
    return EarlyWarning(found=(*found, *silent_sources(run), *_missing_nights(run)), communities=communities)


def decide(run: RunContext, morning: MorningFacts | None, extra: tuple[Alarm, ...] = ()) -> MorningFacts | None:
    """Rank all alarms of the night, recognise those of earlier nights, and store them.

    Args:
        run: The run.
        morning: What the figures say; None where there are none.
        extra: Alarms of features, scores and calibration.
    """
    if morning is None:
        return None
    lake, night = run.workspace.lake, run.as_of
    alarms = rank((*morning.warning.found, *extra))
    stored = lake.scan_or_empty(ALERTS, ALARMS_SCHEMA).collect()
    known = carry_on(alarms, night=night, stored=stored, actions=read_actions(run))
    if known or stored.filter(pl.col("as_of") == night).height:
        store_night(lake, ALERTS, as_rows(known, night=night), night)
    return replace(morning, warning=replace(morning.warning, alarms=known))


def read_actions(run: RunContext) -> pl.DataFrame:
    """Read what was sent, acknowledged and muted: rows of `ACTIONS_SCHEMA`, the oldest first.

    Args:
        run: The run.
    """
    return run.workspace.lake.scan_or_empty(ALERT_ACTIONS, ACTIONS_SCHEMA).collect().sort("night", maintain_order=True)


def note_action(run: RunContext, row: pl.DataFrame) -> None:
    """Keep an action.

    Args:
        run: The run.
        row: The row of `community.alarm_history.action`.
    """
    run.workspace.lake.replace(ALERT_ACTIONS, pl.concat([read_actions(run), row]))


def _comparable(run: RunContext, figures: pl.DataFrame) -> pl.DataFrame:
    """Return the figures of the community and of groups that do not follow from what their members did."""
    first_night = min(run.workspace.lake.days(SCORES, column=NIGHT), default=run.as_of)
    dimension = pl.col("dimension")
    is_given = pl.any_horizontal(dimension == WHOLE, *(dimension.str.starts_with(given) for given in _GIVEN))
    return figures.filter(is_given | (dimension.str.starts_with(_FORMED) & (pl.col("day") >= first_night)))


def _rows_by_day(run: RunContext, first: date) -> pl.DataFrame:
    """Return the rows of each table with a time, by day, as figures; a table counts from its first row on."""
    parts = [pl.DataFrame(schema=FIGURES_SCHEMA)]
    for name, table in TABLES_OF_MEMBERS.items():
        if table.time is None or not run.workspace.lake.exists(name):
            continue
        counted = run.workspace.lake.rows_by_day(name)
        day, rows = counted.columns
        parts.append(
            counted.filter(pl.col(day).is_between(first, run.as_of)).select(
                day=pl.col(day), figure=pl.lit(f"{ROWS}{name}"), dimension=pl.lit(WHOLE), value=pl.col(rows).cast(pl.Float64)
            )
        )
    return pl.concat(parts)


def _missing_nights(run: RunContext) -> Iterator[Alarm]:
    """Yield an alarm where nights before this one are missing that the nights before them would have had."""
    nights = sorted(day for day in run.workspace.lake.days(SCORES, column=NIGHT) if day < run.as_of)[-_NIGHTS_LOOKED_AT:]
    if len(nights) < _LEAST_NIGHTS:
        return
    usual = median((later - earlier).days for earlier, later in pairwise(nights))
    gap = (run.as_of - nights[-1]).days
    if gap >= 2 * usual:
        since = nights[-1] + timedelta(days=1)
        yield Alarm("nights", "nights", WHOLE, since, float(gap), float(usual), float(gap) / usual)


def watched_names(run: RunContext) -> list[str]:
    """Return the names of all figures that are watched, with the rows of tables and what platforms count.

    Args:
        run: The run.
    """
    rows = [f"{ROWS}{name}" for name, table in TABLES_OF_MEMBERS.items() if table.time is not None]
    figures = run.workspace.lake.scan_or_empty(FIGURES, FIGURES_SCHEMA).filter(is_of_platform()).collect()
    return [*WATCHED, *rows, *watched_series(figures, as_of=run.as_of)["figure"].unique().sort()]
