"""Summaries of a night: for the terminal, for Prefect and MLflow, and the facts of the validation page."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import polars as pl

from expectations.runner import RuleOutcome
from expectations.table_checks import Finding
from features.eligibility import STILL_HERE
from lake.contracts import CONSENT, TABLES, section_of
from lake.errors import DataError
from outputs.report.facts import ReportFacts, TableFlow
from outputs.report.validation_page import BrokenRule, ShownExample, TableValidation, ValidationFacts, render_validation
from pipeline.community.goals import goal_counts
from pipeline.community.metrics import community_metrics, morning_metrics
from pipeline.community.show_training import show_metrics
from pipeline.engagement.facts import LoopMeasures, loop_metrics
from pipeline.intake.cast_failures import merge_outcomes
from pipeline.intake.intake import Intake
from pipeline.intake.reading import Arrival
from pipeline.learning.champions import Champions
from pipeline.lists import count_not_profiled
from pipeline.maturity import Maturity
from pipeline.night import NightLists
from pipeline.report_facts import table_flows
from pipeline.risk_facts import is_high_and, risk_metrics
from pipeline.watching import watch_metrics
from runtime.run_context import RunContext
from runtime.run_log import peak_memory
from runtime.tracking.views import runs_page
from segments.tiers import TIERS
from wording.retelling import retold
from wording.texts import fill, name

_EXAMPLES_IN_MESSAGE: Final = 3
_RULES_IN_MESSAGE: Final = 5
_COUNT_NAMES: Final = ("left out", "merged", "replaced", "quarantined", "landed")


def validation_facts(run: RunContext, intake: Intake, *, tonight: pl.DataFrame | None) -> ValidationFacts:
    """Return the facts of the validation page.

    Args:
        run: The run, with its night resolved.
        intake: Tonight's arrivals.
        tonight: The ledger's rows of tonight after landing; None while nothing has landed.
    """
    flows = {flow.table: flow for flow in table_flows(run, tonight)} if tonight is not None else {}
    tables = tuple(
        _table_validation(flows.get(name) or _flow_before_landing(name, intake.of_table(name)), intake)
        for name in TABLES
        if run.settings.table_sources(name)
    )
    remedy = _remedy(intake.stops[0]) if intake.stops else None
    return ValidationFacts(run.settings.community.name, run.as_of, tables, remedy)


def write_validation_page(run: RunContext, intake: Intake, *, tonight: pl.DataFrame | None) -> Path:
    """Write the validation page of a night; when nothing new arrived, the page of the earlier run stays.

    Args:
        run: The run, with its night resolved.
        intake: What arrived tonight.
        tonight: The ledger's rows of what arrived; None while nothing has landed.

    Returns:
        The file.
    """
    path = run.workspace.validation_page(run.as_of.isoformat())
    if intake.arrivals or intake.stops or not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render_validation(validation_facts(run, intake, tonight=tonight)), encoding="utf-8")
    return path


def stop_error(intake: Intake, *, page: Path) -> DataError:
    """Return the error that stops a run because of bad data, with each table that stops it, the broken rules and the page.

    Tables that others refer to come first. Where rows of a table are bad because of a referenced table, the text says so.
    """
    lines: list[str] = []
    # A dict as an ordered set: several tables often need the same remedy.
    remedies: dict[str, None] = {}
    for finding in intake.stops:
        rules = _quarantining_rules(intake, finding)
        cause = _bad_reference(finding, rules, intake.stops)
        lines.append(f"{finding.says} They are bad because {cause} are." if cause else finding.says)
        lines += [_rule_line(outcome) for outcome in rules[:_RULES_IN_MESSAGE]]
        if not cause:
            remedies[_remedy(finding)] = None
    return DataError("\n  ".join(lines), remedy=f"{' '.join(remedies)} Nothing landed. The whole story: {page}")


def _quarantining_rules(intake: Intake, finding: Finding) -> list[RuleOutcome]:
    """Return the broken rules that explain a finding, those with the most rows first."""
    if finding.rule != "bad_share_within_limit":
        return []
    return [outcome for outcome in _worst_rules(intake.of_table(finding.table)) if outcome.consequence == "quarantined"]


def _bad_reference(finding: Finding, rules: list[RuleOutcome], stops: tuple[Finding, ...]) -> str | None:
    """Return the referenced table that causes a finding, or None.

    It is the cause if most bad rows break the rule on references to it and it stops the run itself.
    """
    if not rules or rules[0].rule != f"{rules[0].column}_known":
        return None
    referenced = TABLES[finding.table].references[rules[0].column]
    return referenced if any(other.table == referenced for other in stops) else None


def _rule_line(outcome: RuleOutcome) -> str:
    examples = ", ".join(f"row {example.row_no}" for example in outcome.examples[:_EXAMPLES_IN_MESSAGE])
    return f"    {outcome.rule}: {outcome.broken:,} rows; {examples}"


def night_summary(
    run: RunContext, members: pl.DataFrame, contacts: pl.DataFrame, champions: Champions, tonight: pl.DataFrame
) -> str:
    """Return the summary of a night as Markdown, without any member's id.

    Args:
        run: The run.
        members: One row per member.
        contacts: One row per member to contact.
        champions: The models that scored.
        tonight: The ledger's rows of tonight.
    """
    lines = [f"# {run.settings.community.name}, {run.as_of.isoformat()}", ""]
    lines.append(
        fill(
            "summary.members",
            members=members.height,
            scored=int(members["is_eligible"].sum()),
            contacts=contacts.height,
            not_profiled=count_not_profiled(run),
        )
    )
    lines += ["", *(f"- {champion.registered.label}, {retold(champion.decided)}" for champion in champions.all), ""]
    lines += _table_head("tier", "members", "high_risk")
    lines += [f"| {name(row['tier'])} | {row['members']:,} | {row['high risk']:,} |" for row in tier_rows(members)]
    lines += ["", *_table_head("table", "read", "left_out", "merged", "replaced", "quarantined", "landed")]
    lines += [f"| {name(flow.table)} | {' | '.join(f'{n:,}' for n in _counts(flow))} |" for flow in table_flows(run, tonight)]
    return "\n".join(lines) + "\n"


def _table_head(*columns: str) -> list[str]:
    """Return the head of a Markdown table whose first column is text and whose others are numbers."""
    titles = " | ".join(fill(f"summary.column.{column}") for column in columns)
    return [f"| {titles} |", "| --- " + "| ---: " * (len(columns) - 1) + "|"]


def tier_rows(members: pl.DataFrame) -> list[dict[str, Any]]:
    """Return one row per tier, the best first: `tier`, `members`, `high risk` (those still here)."""
    counts = {
        tier: (count, high)
        for tier, count, high in members.group_by("tier").agg(pl.len(), is_high_and(STILL_HERE).sum().alias("high")).iter_rows()
    }
    return [{"tier": t, "members": counts.get(t, (0, 0))[0], "high risk": counts.get(t, (0, 0))[1]} for t in reversed(TIERS)]


def night_metrics(run: RunContext, members: pl.DataFrame, contacts: pl.DataFrame, tonight: pl.DataFrame) -> dict[str, float]:
    """Return the metrics that a night logs: counts, seconds per step, and peak memory.

    Args:
        run: The run.
        members: One row per member.
        contacts: One row per member to contact.
        tonight: The ledger's rows of tonight.
    """
    counts = {
        "members": members.height,
        "eligible": int(members["is_eligible"].sum()),
        "high_risk": int((members["churn_risk"] == "high").sum()),
        **risk_metrics(members),
        "contacts": contacts.height,
        **{f"rows_{count}": int(tonight[count].sum()) for count in ("rows_read", "quarantined", "landed") if tonight.height},
    }
    seconds = {f"seconds_{_metric_name(step)}": round(duration, 3) for step, duration in run.seconds.items()}
    steps = {
        f"counts.{_metric_name(step)}.{name}": count
        for step, step_counts in run.counts.items()
        for name, count in step_counts.items()
    }
    metrics = counts | seconds | steps | peak_memory()
    # The ledger calls one count `rows_read`, the others have no prefix.
    return {name.replace("rows_rows", "rows"): float(value) for name, value in metrics.items()}


def logged_metrics(
    run: RunContext, *, lists: NightLists, maturity: Maturity, loop: LoopMeasures, tonight: pl.DataFrame, facts: ReportFacts
) -> dict[str, float]:
    """Return all metrics that a night logs.

    Args:
        run: The run.
        lists: Tonight's lists.
        maturity: What was measured of earlier predictions.
        loop: What was measured of earlier contacts.
        tonight: The ledger's rows of tonight.
        facts: What the report tells.
    """
    own = night_metrics(run, lists.members, lists.contacts, tonight) | matured_metrics(maturity)
    return own | loop_metrics(loop) | show_metrics(run) | community_metrics(facts) | morning_metrics(facts.morning)


def arrived_counts(intake: Intake) -> dict[str, int]:
    """Return what arrived tonight: numbers of arrivals and of unchanged exports, and of rows read, left out and quarantined."""
    sums = {name: sum(arrival.facts[name] for arrival in intake.arrivals) for name in ("rows_read", "left_out", "quarantined")}
    return {"arrivals": len(intake.arrivals), "unchanged": intake.unchanged, **sums}


def landed_counts(tonight: pl.DataFrame) -> dict[str, int]:
    """Return the counts of the rows that arrived for this night, earlier runs of it included."""
    names = ("rows_read", "left_out", "merged", "replaced", "quarantined", "landed")
    return {name: int(tonight[name].sum()) for name in names}


def matured_metrics(maturity: Maturity) -> dict[str, float]:
    """Return the metrics of the newest matured night and of the watch, with names that can be compared over a list of nights."""
    watched = {} if maturity.watch is None else watch_metrics(maturity.watch)
    return watched | {
        f"matured.{purpose}.{name}": value for purpose in ("churn", "value") for name, value in maturity.metrics(purpose).items()
    }


def closing_lines(run: RunContext, *, members: int, contacts: int, tonight: pl.DataFrame, shown: Path) -> Iterator[str]:
    """Yield the last lines of the command: which files were written, and how to open them.

    Args:
        run: The run.
        members: The number of members.
        contacts: The number of members to contact.
        tonight: The ledger's rows of tonight.
        shown: The workspace as the user wrote its path.
    """
    lists, page = shown / "lists" / run.as_of.isoformat(), shown / "reports" / f"{run.as_of.isoformat()}.html"
    yield ""
    name = run.settings.community.name
    yield f"{name}, night of {run.as_of.isoformat()}: {members:,} members, {contacts:,} to talk to tomorrow"
    yield f"  {counting_line(table_flows(run, tonight))}"
    on_track, goals = goal_counts(run)
    if goals:
        yield f"  goals    {fill('summary.goals', on_track=on_track, n=goals)}"
    yield f"  lists    {lists}/   (contact_list.xlsx, members.xlsx, .csv, .parquet)"
    yield f"  report   {page}   open it in any browser"
    yield f"  checks   {shown / 'reports' / f'{run.as_of.isoformat()}-validation.html'}"
    yield f"  models   {_mlflow()} ui --backend-store-uri {_shown_uri(run, shown)}   then open http://127.0.0.1:5000/"
    if run.tracking.is_own:
        yield f"           its trainings: http://127.0.0.1:5000/{runs_page(run.tracking, 'churn')}"


def counting_line(flows: Iterable[TableFlow]) -> str:
    """Return the counting identity over one or more tables as one line."""
    read, *parts = (sum(column) for column in zip(*(_counts(flow) for flow in flows), strict=True))
    return f"{read:,} rows read = " + " + ".join(f"{count:,} {name}" for count, name in zip(parts, _COUNT_NAMES, strict=True))


def _counts(flow: TableFlow) -> tuple[int, ...]:
    return flow.read, flow.left_out, flow.merged, flow.replaced, flow.quarantined, flow.landed


def _metric_name(step: str) -> str:
    return step.replace(" ", "_")


def _mlflow() -> str:
    """Return the command for MLflow as it can be typed in the current folder."""
    installed = Path(sys.executable).parent / "mlflow"
    # In an environment that is not activated the command is there, but not on the PATH.
    if shutil.which("mlflow") == str(installed) or not installed.exists():
        return "mlflow"
    return str(installed.relative_to(Path.cwd())) if installed.is_relative_to(Path.cwd()) else str(installed)


def _shown_uri(run: RunContext, shown: Path) -> str:
    return f"sqlite:///{shown / 'mlflow.db'}" if run.tracking.is_own else run.tracking.shown_uri


def _table_validation(flow: TableFlow, intake: Intake) -> TableValidation:
    arrivals = intake.of_table(flow.table)
    findings = [finding for finding in intake.findings if finding.table == flow.table]
    stops = [retold(finding.says) for finding in findings if finding.severity == "stop"]
    return TableValidation(
        flow=flow,
        rules_run=len({outcome.rule for arrival in arrivals for outcome in arrival.outcomes}),
        broken=tuple(_broken_rule(outcome, stopped=bool(stops)) for outcome in _worst_rules(arrivals)),
        warnings=tuple(retold(finding.says) for finding in findings if finding.severity != "stop"),
        stopped_because=" ".join(stops) or None,
    )


def _broken_rule(outcome: RuleOutcome, *, stopped: bool) -> BrokenRule:
    return BrokenRule(
        retold(outcome.says),
        outcome.broken,
        tuple(ShownExample(example.row_no, outcome.column, example.value, example.file) for example in outcome.examples),
        _consequence(outcome, stopped=stopped),
    )


def _consequence(outcome: RuleOutcome, *, stopped: bool) -> Literal["set aside", "left empty", "counted as no", "stopped"]:
    if outcome.consequence == "blanked":
        return "counted as no" if outcome.column in CONSENT else "left empty"
    return "stopped" if stopped else "set aside"


def _worst_rules(arrivals: tuple[Arrival, ...]) -> list[RuleOutcome]:
    """Return one outcome per broken rule over all arrivals of a table, those with the most rows first."""
    return merge_outcomes(outcome for arrival in arrivals for outcome in arrival.outcomes)


def _flow_before_landing(table: str, arrivals: tuple[Arrival, ...]) -> TableFlow:
    """Return the row counts of a table before landing; records that would land count as landed."""
    counts = {
        count: sum(arrival.facts[count] for arrival in arrivals) for count in ("rows_read", "left_out", "merged", "quarantined")
    }
    landed = sum(arrival.records.height for arrival in arrivals)
    return TableFlow(table, counts["rows_read"], counts["left_out"], counts["merged"], 0, counts["quarantined"], landed)


def _remedy(finding: Finding) -> str:
    # If every row is bad, raising the limit is no remedy.
    is_all_bad = finding.rule == "bad_share_within_limit" and finding.value >= 1
    return fill("remedy.all_bad" if is_all_bad else f"remedy.{finding.rule}", table=section_of(finding.table))
