"""The night in a few lines: for the terminal, for Prefect and MLflow, and for the validation page."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import polars as pl

from expectations.runner import RuleOutcome
from expectations.table_checks import Finding
from flows.run.night import Night
from flows.run.night_log import peak_memory
from flows.steps.arriving import Arrival
from flows.steps.intake import Intake
from flows.steps.maturity import Maturity
from flows.steps.morning import table_flows
from flows.steps.scoring import count_not_profiled
from flows.steps.training import Champions
from lake.contracts import TABLES
from lake.errors import DataError
from outputs.facts import TableFlow
from outputs.validation_page import BrokenRule, Example, TableValidation, ValidationFacts
from segments.tiers import TIERS

_EXAMPLES_IN_MESSAGE: Final = 3
_COUNT_NAMES: Final = ("left out", "merged", "replaced", "quarantined", "landed")
_REMEDIES: Final = {
    "bad_share_within_limit": "Repair the export and run again, or raise max_bad_share under [validation.{table}].",
    "table_not_missing": "Deliver rows for this table, or take its source out of evenfall.toml.",
    "fresh_enough": "Find out why the export stopped, or raise max_age_days under [validation.{table}].",
    "volume_as_usual": 'Find out why the volume changed, or set volume_drift = "warn" under [validation.{table}].',
}


def validation_facts(night: Night, intake: Intake, *, tonight: pl.DataFrame | None) -> ValidationFacts:
    """Gather the validation page.

    Args:
        night: The run, its night resolved.
        intake: What arrived.
        tonight: The ledger's rows once landed; None while nothing has landed.
    """
    flows = {flow.table: flow for flow in table_flows(night, tonight)} if tonight is not None else {}
    tables = tuple(
        _table_validation(flows.get(name) or _judged_flow(name, intake.of_table(name)), intake)
        for name in TABLES
        if night.settings.table_sources(name)
    )
    remedy = _remedy(intake.stops[0]) if intake.stops else None
    return ValidationFacts(night.settings.community.name, night.as_of, tables, remedy)


def stop_error(intake: Intake, *, page: Path) -> DataError:
    """The error that ends a run over bad data: which rule, how many, three examples, and where the page is."""
    finding = intake.stops[0]
    told = [found.says for found in intake.stops]
    for outcome in _worst_rules(intake.of_table(finding.table)):
        examples = ", ".join(f"row {example.row_no}" for example in outcome.examples[:_EXAMPLES_IN_MESSAGE])
        told.append(f"    {outcome.rule}: {outcome.broken:,} rows; {examples}")
    return DataError("\n  ".join(told), remedy=f"{_remedy(finding)} Nothing landed. The whole story: {page}")


def night_summary(
    night: Night, members: pl.DataFrame, contacts: pl.DataFrame, champions: Champions, tonight: pl.DataFrame
) -> str:
    """The night as Markdown, without any member's id."""
    lines = [f"# {night.settings.community.name}, {night.as_of.isoformat()}", ""]
    lines.append(
        f"{members.height:,} members; {int(members['is_eligible'].sum()):,} scored; {contacts.height:,} to talk to; "
        f"{count_not_profiled(night):,} may not be profiled."
    )
    lines += ["", *(f"- {champion.registered.label}, {champion.decided}" for champion in champions.all), ""]
    lines += ["| tier | members | high risk |", "| --- | ---: | ---: |"]
    lines += [f"| {row['tier']} | {row['members']:,} | {row['high risk']:,} |" for row in tier_rows(members)]
    lines += ["", "| table | read | left out | merged | replaced | quarantined | landed |", "| --- " + "| ---: " * 6 + "|"]
    lines += [f"| {flow.table} | {' | '.join(f'{n:,}' for n in _counts(flow))} |" for flow in table_flows(night, tonight)]
    return "\n".join(lines) + "\n"


def tier_rows(members: pl.DataFrame) -> list[dict[str, Any]]:
    """One row per tier, best first: tier, members, high risk."""
    counted = {
        tier: (count, high)
        for tier, count, high in members.group_by("tier")
        .agg(pl.len(), (pl.col("churn_risk") == "high").sum().alias("high"))
        .iter_rows()
    }
    return [{"tier": t, "members": counted.get(t, (0, 0))[0], "high risk": counted.get(t, (0, 0))[1]} for t in reversed(TIERS)]


def night_metrics(night: Night, members: pl.DataFrame, contacts: pl.DataFrame, tonight: pl.DataFrame) -> dict[str, float]:
    """What a night logs as metrics: counts, and seconds per step."""
    counts = {
        "members": members.height,
        "eligible": int(members["is_eligible"].sum()),
        "high_risk": int((members["churn_risk"] == "high").sum()),
        "contacts": contacts.height,
        **{f"rows_{count}": int(tonight[count].sum()) for count in ("rows_read", "quarantined", "landed") if tonight.height},
    }
    seconds = {f"seconds_{_named(step)}": round(took, 3) for step, took in night.seconds.items()}
    steps = {f"counts.{_named(step)}.{name}": count for step, found in night.counts.items() for name, count in found.items()}
    told = counts | seconds | steps | peak_memory()
    return {name.replace("rows_rows", "rows"): float(value) for name, value in told.items()}


def arrived_counts(intake: Intake) -> dict[str, int]:
    """What came in tonight: files or query results, those that were known already, and rows read, set aside or left out."""
    sums = {name: sum(arrival.facts[name] for arrival in intake.arrivals) for name in ("rows_read", "left_out", "quarantined")}
    return {"arrivals": len(intake.arrivals), "unchanged": intake.unchanged, **sums}


def landed_counts(tonight: pl.DataFrame) -> dict[str, int]:
    """Where the rows went that arrived for this night, earlier runs of it included."""
    names = ("rows_read", "left_out", "merged", "replaced", "quarantined", "landed")
    return {name: int(tonight[name].sum()) for name in names}


def matured_metrics(maturity: Maturity) -> dict[str, float]:
    """The newest matured night's figures, named so that they stand beside each other in a list of nights."""
    return {
        f"matured.{purpose}.{name}": value for purpose in ("churn", "value") for name, value in maturity.metrics(purpose).items()
    }


def closing_lines(night: Night, *, members: int, contacts: int, tonight: pl.DataFrame, shown: Path) -> Iterator[str]:
    """The last lines of the command: what was written where, and how to open it."""
    lists, page = shown / "lists" / night.as_of.isoformat(), shown / "reports" / f"{night.as_of.isoformat()}.html"
    yield ""
    name = night.settings.community.name
    yield f"{name}, night of {night.as_of.isoformat()}: {members:,} members, {contacts:,} to talk to tomorrow"
    yield f"  {counting_line(table_flows(night, tonight))}"
    yield f"  lists    {lists}/   (contact_list.xlsx, members.xlsx, .csv, .parquet)"
    yield f"  report   {page}   open it in any browser"
    yield f"  checks   {shown / 'reports' / f'{night.as_of.isoformat()}-validation.html'}"
    yield f"  models   {_mlflow()} ui --backend-store-uri {_shown_uri(night, shown)}   then open http://127.0.0.1:5000"


def counting_line(flows: Iterable[TableFlow]) -> str:
    """The counting identity in one line, over one table or all."""
    read, *parts = (sum(column) for column in zip(*(_counts(flow) for flow in flows), strict=True))
    return f"{read:,} rows read = " + " + ".join(f"{count:,} {name}" for count, name in zip(parts, _COUNT_NAMES, strict=True))


def _counts(flow: TableFlow) -> tuple[int, ...]:
    return flow.read, flow.left_out, flow.merged, flow.replaced, flow.quarantined, flow.landed


def _named(step: str) -> str:
    return step.replace(" ", "_")


def _mlflow() -> str:
    """The command that opens the UI, as it can be typed here."""
    beside = Path(sys.executable).parent / "mlflow"
    if shutil.which("mlflow") == str(beside) or not beside.exists():
        return "mlflow"
    return str(beside.relative_to(Path.cwd())) if beside.is_relative_to(Path.cwd()) else str(beside)


def _shown_uri(night: Night, shown: Path) -> str:
    return f"sqlite:///{shown / 'mlflow.db'}" if night.tracking.is_own else night.tracking.shown_uri


def _table_validation(flow: TableFlow, intake: Intake) -> TableValidation:
    arrivals = intake.of_table(flow.table)
    findings = [finding for finding in intake.findings if finding.table == flow.table]
    stops = [finding.says for finding in findings if finding.severity == "stop"]
    return TableValidation(
        flow=flow,
        rules_run=len({outcome.rule for arrival in arrivals for outcome in arrival.outcomes}),
        broken=tuple(_broken_rule(outcome, stopped=bool(stops)) for outcome in _worst_rules(arrivals)),
        warnings=tuple(finding.says for finding in findings if finding.severity == "warning"),
        stopped_because=" ".join(stops) or None,
    )


def _broken_rule(outcome: RuleOutcome, *, stopped: bool) -> BrokenRule:
    examples = tuple(Example(example.row_no, outcome.column, example.value) for example in outcome.examples)
    return BrokenRule(outcome.says, outcome.broken, examples, "stopped" if stopped else "set aside")


def _worst_rules(arrivals: tuple[Arrival, ...]) -> list[RuleOutcome]:
    """One outcome per broken rule over all arrivals of a table, the worst first."""
    merged: dict[str, RuleOutcome] = {}
    for arrival in arrivals:
        for outcome in arrival.outcomes:
            if not outcome.broken:
                continue
            held = merged.get(outcome.rule)
            merged[outcome.rule] = outcome if held is None else _together(held, outcome)
    return sorted(merged.values(), key=lambda outcome: (-outcome.broken, outcome.rule))


def _together(one: RuleOutcome, other: RuleOutcome) -> RuleOutcome:
    return RuleOutcome(
        rule=one.rule,
        says=one.says,
        column=one.column,
        rows_checked=one.rows_checked + other.rows_checked,
        broken=one.broken + other.broken,
        examples=(*one.examples, *other.examples)[:_EXAMPLES_IN_MESSAGE],
    )


def _judged_flow(table: str, arrivals: tuple[Arrival, ...]) -> TableFlow:
    """The flow of a table before anything landed: what would land counts as landed."""
    counts = {
        count: sum(arrival.facts[count] for arrival in arrivals) for count in ("rows_read", "left_out", "merged", "quarantined")
    }
    landed = sum(arrival.records.height for arrival in arrivals)
    return TableFlow(table, counts["rows_read"], counts["left_out"], counts["merged"], 0, counts["quarantined"], landed)


def _remedy(finding: Finding) -> str:
    return _REMEDIES[finding.rule].format(table=finding.table)
