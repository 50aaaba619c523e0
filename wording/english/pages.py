"""The pages beside the report, the checks of a night and the backtest, and tables that several pages show."""

from __future__ import annotations

from typing import Final

TABLES: Final = {
    # What became of every row.
    "flows.table": "Table",
    "flows.read": "Read",
    "flows.left_out": "Left out",
    "flows.merged": "Merged",
    "flows.replaced": "Replaced",
    "flows.quarantined": "Set aside",
    "flows.landed": "Landed",
    "flows.newest": "Newest",
    "flows.identity": "Read = left out by the source's filter + merged into one record + replaced by a later record "
    "+ set aside for breaking a rule + landed.",
    "flows.retired": "{table}: {n:number} retired, because the newest snapshot lacks them.",
    "flows.lost": "{table} does not add up.",
    "flows.complete": "Every row is accounted for.",
    # Whether probabilities came true, for everybody and by band of members.
    "calibration.members": "Members",
    "calibration.predictions": "Predictions",
    "calibration.predicted": "Predicted",
    "calibration.happened": "Left",
    "calibration.slope": "Slope",
    "calibration.intercept": "Intercept",
    "calibration.error": "Error",
    "calibration.band.everybody": "Everybody",
    "calibration.band.new": "Here under 28 days",
    "calibration.band.first_year": "Here under a year",
    "calibration.band.longer": "Here a year or longer",
}

CHECKS: Final = {
    "checks.title": "Checks",
    "checks.kicker": "Checks of the night's data",
    "checks.as_of": "As of {night:day}",
    "checks.flows": "What became of every row",
    "checks.passed": "passed",
    "checks.stopped": "stopped the run",
    "checks.counts": "{rules:count:rule} checked on {rows:count:row}; {broken:count:rule} broken.",
    "checks.newest": "The newest day is {day:short_day}.",
    "checks.newest.earlier": "The newest day is {day:short_day}, {age:count:day} before the night.",
    "checks.broken.set_aside": "{n:count:row} · set aside",
    "checks.broken.left_empty": "{n:count:value} · left empty",
    "checks.broken.counted_as_no": "{n:count:value} · counted as no",
    "checks.broken.stopped": "{n:count:row} · stopped",
    "checks.broken.warning": "{n:count:row} · warning",
    "checks.row": "Row",
    "checks.column": "Column",
    "checks.value": "Value",
    "checks.file": "File",
    "checks.value.none": "empty",
    "checks.value.shape": "like {shape}, {n:count:character}",
    "checks.value.hidden": "hidden, {n:count:character}",
    "checks.footer": "Made by Evenfall. Values of columns that identify a person are hidden, of ids the shape is shown; "
    "rows set aside are kept in the quarantine.",
    "checks.summary.stopped": "The run stopped at {tables}. Nothing of the files at fault landed.",
    "checks.summary.nothing": "No new rows arrived, so there was nothing to check.",
    "checks.summary.clear": "All clear: none of {n:count:row} broke a rule.",
    "checks.summary.set_aside": "The run went on: {aside:number} of {n:count:row} ({share}) set aside.",
    # What to do where a table stops the run, by the check that stops it.
    "remedy.all_bad": "Repair the export, or how [sources.{table}] maps it, and run again.",
    "remedy.bad_share_within_limit": "Repair the export and run again, or raise max_bad_share under [validation.{table}].",
    "remedy.table_not_missing": "Deliver rows for this table, or take its source out of evenfall.toml.",
    "remedy.fresh_enough": "Find out why the export stopped, or raise max_age_days under [validation.{table}].",
    "remedy.one_currency": "Keep one currency with `where` in its source, or convert amount and currency under its `columns`; "
    "set [community] currency to the one that is left. What landed before is replaced once its files arrive again.",
    "remedy.keys_of_one_source": 'Say keys = "own" or keys = "shared" under one of the sources of {table}, and run again.',
    "remedy.figures_of_one_source": 'Say keys = "shared" under one of the sources of {table}, or call the accounts by different '
    "names of platform, and run again.",
    "remedy.snapshot_is_whole": "Ask for the export again, or raise max_retired_share of its source for this night.",
    "remedy.volume_as_usual": 'Find out why the volume changed, or set volume_drift = "warn" under [validation.{table}].',
}

BACKTEST: Final = {
    "backtest.kicker": "Backtest",
    "backtest.until": "Past nights up to {night:day}, each predicted with what was known then",
    "backtest.figure": "{measure} by cut-off.",
    "backtest.worst": "The worst cut-off was {cutoff:short_day}.",
    "backtest.cutoff": "Cut-off",
    "backtest.members": "Members",
    "backtest.lead": "Lead over the best, 95 %",
    "backtest.lead.bounds": "{lower:digits:3} to {upper:digits:3}",
    "backtest.means": "Mean over the cut-offs",
    "backtest.measure": "Measure",
    "backtest.calibration": "Did the probabilities come true?",
    "backtest.calibration.how": "All cut-offs together. A slope of 1 and an intercept of 0 are perfect; the error is how far "
    "predicted and real shares lie apart.",
}
