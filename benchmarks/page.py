"""The figures as tables for the terminal and as the page `docs/benchmarks.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.measure import Cost, MeasuredNight
from benchmarks.results import Results, Target, median_night, targets
from benchmarks.rivalry import Comparison

_HEADS = ("", "wall s", "CPU s", "peak MiB", "rows", "rows/s")


def page(results: Results) -> str:
    """The whole page in Markdown."""
    return "\n".join(
        [
            "# What a night costs",
            "",
            _told_of_size(results),
            "",
            f"    {results.command}",
            "",
            "`make bench` measures a scaled-down community in minutes, `make bench-full` 500,000 members with 50 million events.",
            "Both write this page. Rivals do the same work on the same files in the same run, turn by turn; their results are",
            "compared with ours value by value, and a difference fails the run. Medians; peak memory is the highest seen.",
            "Ratios hold better than seconds on another machine.",
            "",
            *_table(("machine", ""), results.machine.items()),
            "",
            tables(results),
        ]
    )


def tables(results: Results) -> str:
    """Every table, with a heading each."""
    parts = [
        "## What must be reached at full size, and what this run found",
        "",
        *_table(("", "limit", "measured", "reached"), map(_target_row, targets(results))),
        "",
        f"## A night with {results.nights[0].total.rows:,} new events",
        "",
        *_table(_HEADS, _night_rows(median_night(results.nights))),
        "",
        "Starting is the command line, its imports and the configuration. A step lasts until the next begins, so it holds what",
        "Prefect does in between. Rows are new events for taking in, landing and rolling up, members for the others. Peaks are",
        "the night's own; the process that validates beside it until landing begins is not in them.",
        "",
        *_overheads_part(median_night(results.nights)),
        "## The first night: trains",
        "",
        *_table(_HEADS, [*_night_rows(results.first_night), _cost_row("before it: the history taken in", results.load)]),
        "",
        *_twice_part(results),
        "## The same work by others",
        "",
        "A ratio above 1 says how many times longer the other took; the floor reads, or scores, and does nothing else. Window",
        "features are those of a night: it reads the totals of the night before, carries them on and keeps them for the next.",
        "",
        *_table((*_HEADS, "wall ratio", "CPU ratio", "the same result"), _comparison_rows(results.comparisons)),
        "",
        *_failures(results.comparisons),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _told_of_size(results: Results) -> str:
    size = results.size
    return (
        f"{size['members']:,} members, {size['events']:,} events and {size['events'] // 20:,} orders on {size['days']} days, "
        "generated with power-law activity, weekly rhythm, joining, fading, leaving and returning; twelve event types, two "
        "fifths of the events directed at another member. Made with:"
    )


def _twice_part(results: Results) -> list[str]:
    twice = results.twice
    if twice is None:
        return []
    once, longer = median_night(twice.once), median_night(twice.longer)
    rows = [_cost_row("the history", once.total), _cost_row("twice as long", longer.total)]
    ratio = longer.total.wall_seconds / once.total.wall_seconds
    cpu_ratio = longer.total.cpu_seconds / once.total.cpu_seconds
    return [
        "## A night on twice the history",
        "",
        f"{twice.members:,} members, {twice.events:,} and {2 * twice.events:,} events, equally busy days, nights in turn: "
        f"{ratio:.2f} times the wall seconds, {cpu_ratio:.2f} times the CPU seconds.",
        "",
        *_table(_HEADS, rows),
        "",
    ]


def _overheads_part(night: MeasuredNight) -> list[str]:
    if not night.overheads:
        return []
    whole = night.total.wall_seconds
    rows = [(kind, f"{seconds:.2f}", f"{seconds / whole:.3f}") for kind, seconds in night.overheads.items()]
    return [
        "Of these, by a watcher that looked every 5 ms at what the night was in the middle of (`benchmarks/overhead.py`); the",
        "imports of Prefect and MLflow are in it and all waiting for Great Expectations, those of what the work needs are not:",
        "",
        *_table(("", "wall s", "share of the night"), rows),
        "",
    ]


def _night_rows(night: MeasuredNight) -> list[tuple[str, ...]]:
    return [*(_cost_row(name, cost) for name, cost in night.steps.items()), _cost_row("the whole night", night.total)]


def _cost_row(name: str, cost: Cost) -> tuple[str, ...]:
    rows = (f"{cost.rows:,}", f"{cost.rows_per_second:,.0f}") if cost.rows else ("", "")
    return (name, f"{cost.wall_seconds:.2f}", f"{cost.cpu_seconds:.2f}", f"{cost.peak_mib:,.0f}", *rows)


def _comparison_rows(comparisons: Iterable[Comparison]) -> Iterable[tuple[str, ...]]:
    for found in comparisons:
        yield (*_cost_row(f"{found.work}: Evenfall", found.ours), "1", "1", "")
        for name, rival in found.rivals.items():
            wall = rival.cost.wall_seconds / found.ours.wall_seconds
            cpu = rival.cost.cpu_seconds / max(found.ours.cpu_seconds, 1e-9)
            same = ""
            if rival.agreement is not None:
                same = (
                    f"{rival.agreement.values:,} values, {rival.agreement.columns} of {rival.agreement.columns_of_ours} columns"
                )
            yield (*_cost_row(f"{found.work}: {name}", rival.cost), f"{wall:.2f}", f"{cpu:.2f}", same)


def _failures(comparisons: Iterable[Comparison]) -> list[str]:
    return [f"- {found.work}: {rival} did not finish: {why}" for found in comparisons for rival, why in found.failed.items()]


def _target_row(target: Target) -> tuple[str, ...]:
    limit = f"{'≤' if target.at_most else '≥'} {target.limit:g}"
    measured = "not measured" if target.measured is None else f"{target.measured:,.2f}"
    return (target.says, limit, measured, {True: "yes", False: "no", None: ""}[target.is_reached])


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    ruler = "| " + " | ".join(["---", *("---:" for _ in heads[1:])]) + " |"
    return [f"| {' | '.join(heads)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]
