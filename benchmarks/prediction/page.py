"""The page `docs/prediction.md`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from benchmarks.prediction.goals import LEVELS, TOTAL_RATIO, Goal, goals
from benchmarks.prediction.summary import ModelRow, Part

_TITLES = {
    "still_here": "still here, may leave",
    "all": "all who are scored",
    "gone": "gone, may come back",
}
_NAMES = {
    "lightgbm": "untuned LightGBM",
    "logistic": "logistic regression",
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
}
_REACHED = {True: "yes", False: "no", None: "–"}

_DEFINITIONS = """\
## What is compared

A data set's last ten cut-offs whose outcome is known, 28 days apart, or fewer where history is short. At each, every model
learns from what was known on that night and predicts it; Evenfall as a night with the default settings trains. Churn is no
activity within the horizon, among members active in the last `eligible_days` of the example's configuration. *Still here* are
those active within one horizon before the night, *gone* those silent longer. Value is net spend within the horizon, of all
members.

- recency, past rate, recency weighted: one number, as `models/baselines.py` has it.
- BG/NBD, MBG/NBD, Pareto/NBD: buy-till-you-die, fitted on everybody's purchases up to the night, with gamma-gamma for value; for
  churn where members do nothing but buy.
- untuned LightGBM: default parameters on two dozen plain windows that the benchmark computes itself
  (`benchmarks/prediction/windows.py`, `rivals.py`), learnt from the newest thirteen cut-offs with a known outcome; Tweedie for
  value; no calibration.
- logistic regression on the same windows.

A lead is Evenfall's AUC (churn) or nGini (value) less the rival's. *Above* counts the cut-offs at which its 95 % interval, a
bootstrap over members with the same draws for both, lies wholly above 0, *below* wholly below. The interval of the mean lead
draws members with all of their cut-offs, and cut-offs as well: neighbouring ones share members and outcomes, and are no
independent sample ([decision 51](decisions/0051-benchmark-of-prediction.md)). Mean probability should be the share that left,
predicted over actual total 1. Where fewer than a hundred are still here, an interval seldom lies wholly on one side of 0,
whichever model is better: there the mean lead says more than the count.

Some defaults of Evenfall's settings were once chosen on nights of Online Retail II and CDNOW ([experiments](experiments.md));
nothing was chosen on the git communities."""


@dataclass(frozen=True)
class DataSet:
    """A data set of the page.

    Args:
        title: Its title, with the horizon.
        cutoffs: Its cut-offs as ISO dates, ascending.
        asked: How many were asked for.
        parts: Its parts.
    """

    title: str
    cutoffs: tuple[str, ...]
    asked: int
    parts: tuple[Part, ...]


def page(sets: Sequence[DataSet], *, not_run: Mapping[str, str], command: str, machine: Mapping[str, str], minutes: float) -> str:
    """Return the whole page in Markdown.

    Args:
        sets: The data sets.
        not_run: Title → why it was not run.
        command: What was run.
        machine: What it ran on.
        minutes: Minutes it took, those of earlier runs that were gone on with included.
    """
    judged = goals({one.title: one.parts for one in sets})
    missing = [f"- {title}: {why}" for title, why in not_run.items()]
    return "\n".join(
        [
            "# How well it predicts",
            "",
            f"    {command}",
            "",
            "`make bench-prediction` writes this page, in at most an hour on two cores; `make bench-full` with the whole budget",
            "of a training night. `python -m benchmarks.prediction --only beer --cutoffs 3` is for trying. Figures are means.",
            "",
            "## What must be reached, and what this run found",
            "",
            *_table(("", "needed", "found", "reached"), map(_goal_row, judged)),
            "",
            "## Those still here: AUC",
            "",
            *_overview(sets),
            "",
            *[line for one in sets for line in _data_set(one)],
            *(["## Not run", "", *missing, ""] if missing else []),
            _DEFINITIONS,
            "",
            *_table(("machine", ""), [*machine.items(), ("processor minutes of the models", f"{minutes:.0f}")]),
            "",
        ]
    )


def _overview(sets: Sequence[DataSet]) -> Iterable[str]:
    rivals = ("recency", "past_rate", "pareto_nbd", "logistic", "lightgbm")
    rows = []
    for one in sets:
        for part in one.parts:
            if part.population == "still_here":
                by_model = {row.model: row for row in part.rows}
                theirs = [_number(by_model[rival].means.get("auc")) if rival in by_model else "" for rival in rivals]
                lead = _lead(by_model["lightgbm"]) if "lightgbm" in by_model else ""
                rows.append((one.title, f"{part.members:,.0f}", _number(part.ours.means.get("auc")), *theirs, lead))
    heads = ("", "members", "Evenfall", *(_name(rival) for rival in rivals), "lead on untuned LightGBM")
    return _table(heads, rows)


def _data_set(one: DataSet) -> list[str]:
    fewer = f"; history allows no more of the {one.asked} asked for" if len(one.cutoffs) < one.asked else ""
    between = f"{one.cutoffs[0]} to {one.cutoffs[-1]}" if one.cutoffs else "none"
    lines = [f"## {one.title}", "", f"{len(one.cutoffs)} cut-offs, {between}{fewer}.", ""]
    for part in one.parts:
        lines += [_told(part), "", *_table(*_churn_table(part) if part.purpose == "churn" else _value_table(part)), ""]
    return lines


def _told(part: Part) -> str:
    if part.purpose == "churn":
        within = [sum(abs(miss) <= limit for miss in part.misses) for limit, _ in LEVELS]
        return (
            f"Churn, {_TITLES[part.population]}: {part.members:,.0f} members on average, {part.happened:.1%} of whom left; mean "
            f"probability within .05 of that at {within[0]} and within .10 at {within[1]} of {len(part.misses)} cut-offs."
        )
    within_total = sum(TOTAL_RATIO[0] <= ratio <= TOTAL_RATIO[1] for ratio in part.misses)
    covered = f"; {sum(part.covered) / len(part.covered):.0%} of members within the 80 % interval" if part.covered else ""
    return (
        f"Value, {_TITLES[part.population]}: {part.members:,.0f} members on average; total predicted within .85 and 1.15 of the "
        f"actual at {within_total} of {len(part.misses)} cut-offs{covered}."
    )


def _churn_table(part: Part) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    heads = ("", "AUC", "average precision", "Brier", "mean probability", "our lead in AUC", "above", "below")
    return heads, [(*_figures(row, ("auc", "average_precision", "brier", "mean")), *_leads(row)) for row in part.rows]


def _value_table(part: Part) -> tuple[Sequence[str], Iterable[Sequence[str]]]:
    heads = ("", "nGini", "predicted / actual total", "our lead in nGini", "above", "below")
    return heads, [(*_figures(row, ("ngini", "total_ratio")), *_leads(row)) for row in part.rows]


def _figures(row: ModelRow, metrics: Sequence[str]) -> tuple[str, ...]:
    return (_name(row.model), *(_number(row.means.get(metric)) for metric in metrics))


def _leads(row: ModelRow) -> tuple[str, str, str]:
    if row.lead is None:
        return "", "", ""
    return _lead(row), f"{row.above} of {row.compared}", f"{row.below} of {row.compared}"


def _lead(row: ModelRow) -> str:
    if row.lead is None:
        return ""
    estimate, lower, upper = (_number(figure, sign="+") for figure in (row.lead.estimate, row.lead.lower, row.lead.upper))
    return f"{estimate} ({lower} to {upper})"


def _goal_row(goal: Goal) -> Sequence[str]:
    return goal.says, goal.needed, goal.found, _REACHED[goal.reached]


def _name(model: str) -> str:
    return _NAMES.get(model, model.replace("_", " "))


def _number(figure: float | None, *, sign: str = "") -> str:
    if figure is None or isnan(figure):
        return "–"
    return f"{figure:{sign}.3f}".replace("0.", ".", 1).replace("-", "−")


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *(_line(row) for row in rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
