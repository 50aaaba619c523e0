"""What an experiment showed, or would need, as a short plain table and a few sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any, Final

from wording import numbers
from wording.catalogue import Catalogue
from wording.language import current
from wording.layout import cells, left, right
from wording.texts import fill, label

# Outcomes that are shares of members; their differences are in percentage points.
SHARES: Final = ("returned", "posted")
_MONEY: Final = "spent"
# Smaller ones are not told apart; arms whose sizes are less likely than this were not drawn as said.
_SMALLEST_P: Final = 0.001
# More digits for means and differences that would otherwise read as zero.
_DIGITS: Final = ((10, 1), (1, 2), (0.0, 4))


@dataclass(frozen=True)
class _Unit:
    """How an outcome's values are written: shares in percent and points, money with its currency, counts as numbers."""

    outcome: str
    currency: str | None
    catalogue: Catalogue | None

    def level(self, value: float) -> str:
        if self.outcome in SHARES:
            return numbers.percent(value, digits=1)
        return self._amount(value)

    def difference(self, value: float) -> str:
        sign = "+" if value > 0 else ""
        if self.outcome in SHARES:
            return fill("experiment.points", catalogue=self.catalogue, n=sign + numbers.number(value * 100, digits=1))
        return sign + self._amount(value)

    @property
    def name(self) -> str:
        known = f"experiment.outcome.{self.outcome}"
        spoken = self.catalogue or current()
        if known in spoken.sentences:
            return fill(known, catalogue=spoken)
        return fill("experiment.outcome.event", catalogue=spoken, event=spoken.event_noun(self.outcome).many)

    def _amount(self, value: float) -> str:
        digits = next(digits for least, digits in _DIGITS if abs(value) >= least)
        if self.outcome != _MONEY:
            return numbers.number(value, digits=digits)
        return numbers.money(value if digits > 2 else round(value, 2), self.currency)  # noqa: PLR2004


def experiment_lines(figures: Mapping[str, Any], *, currency: str | None, catalogue: Catalogue | None = None) -> list[str]:
    """Say what a campaign showed.

    Args:
        figures: The figures of `evenfall experiment --json`.
        currency: The community's.
        catalogue: The language; None for the one that is spoken.
    """

    def say(key: str, **values: Any) -> str:
        return fill(f"experiment.{key}", catalogue=catalogue, **values)

    unit = _Unit(figures["outcome"], currency, catalogue)
    about = {"campaign": figures["campaign"], "days": figures["horizon_days"], "outcome": unit.name}
    title = say("title", **about, as_of=numbers.short_day(date.fromisoformat(figures["as_of"])))
    compared = figures["comparisons"]
    detectable = figures["minimum_detectable_effect"]
    closing = [
        *(_verdict(one, unit, say) for one in compared),
        *([say("together")] if len(compared) > 1 else []),
        *([say("detectable", effect=unit.difference(detectable).lstrip("+"))] if detectable is not None else []),
        *(say(why, n=n) for why, n in figures["left_out"].items()),
        *([say("several_arms", n=figures["several_arms"])] if figures["several_arms"] else []),
    ]
    p_srm = figures["p_srm"]
    warning = [say("mismatch", p=_p(p_srm))] if p_srm is not None and p_srm < _SMALLEST_P else []
    return [title, "", *_table(_rows(figures, unit, say)), "", *warning, *closing]


def plan_lines(figures: Mapping[str, Any], *, currency: str | None, catalogue: Catalogue | None = None) -> list[str]:
    """Say what an experiment would need.

    Args:
        figures: The figures of `evenfall experiment --plan --json`.
        currency: The community's.
        catalogue: The language; None for the one that is spoken.
    """

    def say(key: str, **values: Any) -> str:
        return fill(f"plan.{key}", catalogue=catalogue, **values)

    unit = _Unit(figures["outcome"], currency, catalogue)
    as_of = numbers.short_day(date.fromisoformat(figures["as_of"]))
    title = say("title", outcome=unit.name, days=figures["horizon_days"], n=figures["members"], as_of=as_of)
    if figures["members_per_arm"] is None:
        return [title, "", say("still")]
    explained = numbers.percent(figures["correlation"] ** 2)
    past = say(
        "past", mean=unit.level(figures["mean"]), unit="" if unit.outcome in SHARES else say("past.member"), explained=explained
    )
    relative = figures["relative"]
    needed = say(
        "needed",
        effect=unit.difference(figures["effect"]),
        relative="" if relative is None else say("needed.relative", relative=_relative(relative)),
        n=figures["members_per_arm"],
        duration=say("needed.nobody")
        if figures["days"] is None
        else say(
            "needed.duration",
            days=figures["days"],
            per_day=numbers.number(figures["members_per_day"], digits=1).removesuffix(".0"),
        ),
    )
    known = [(days, effect) for days, effect in figures["smallest_effects"].items() if effect is not None]
    rows = [[say("head.days"), say("head.smallest")], *([days, unit.difference(effect).lstrip("+")] for days, effect in known)]
    return [title, "", past, needed, *(["", *_table(rows)] if known else [])]


def _rows(figures: Mapping[str, Any], unit: _Unit, say: Any) -> list[list[str]]:
    level = "share" if unit.outcome in SHARES else "mean"
    head = [say(f"head.{name}") for name in ("arm", "members", level, "effect", "interval", "relative", "p")]
    compared = {one["arm"]: one for one in figures["comparisons"]}
    begun = {arm: [arm, numbers.number(n), unit.level(figures["rates"][arm])] for arm, n in figures["arms"].items()}
    return [head, *(_row(cells, compared.get(arm), unit, say) for arm, cells in begun.items())]


def _row(cells: list[str], one: Mapping[str, Any] | None, unit: _Unit, say: Any) -> list[str]:
    if one is None:
        return [*cells, "", "", "", ""]
    low, high, relative = one["low"], one["high"], one["relative"]
    return [
        *cells,
        unit.difference(one["effect"]),
        numbers.DASH if low is None else say("between", low=unit.difference(low), high=unit.difference(high)),
        numbers.DASH if relative is None else _relative(relative),
        numbers.DASH if one["p"] is None else _p(one["p"]),
    ]


def _verdict(one: Mapping[str, Any], unit: _Unit, say: Any) -> str:
    low, high = one["low"], one["high"]
    if low is None:
        return str(say("unknown", arm=one["arm"], control=one["control"]))
    key = "more" if low > 0 else "less" if high < 0 else "open"
    bounds = {"low": unit.difference(low), "high": unit.difference(high)}
    return str(say(key, arm=one["arm"], control=one["control"], effect=unit.difference(one["effect"]), **bounds))


def _relative(share: float) -> str:
    return ("+" if share > 0 else numbers.MINUS if share < 0 else "") + numbers.percent(abs(share))


def _p(p: float) -> str:
    return f"< {_SMALLEST_P}" if p < _SMALLEST_P else f"{p:.3f}"


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Set the first column to the left, the others to the right."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            left(cell, width) if not number else right(cell, width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def effects_lines(figures: Mapping[str, Any], *, currency: str | None, catalogue: Catalogue | None = None) -> list[str]:
    """Say whether talking worked.

    Args:
        figures: The figures of `evenfall effects --json`.
        currency: The community's.
        catalogue: The language; None for the one that is spoken.
    """

    def say(key: str, **values: Any) -> str:
        return fill(f"effects.{key}", catalogue=catalogue, **values)

    measured = {**figures["actions"], say("total"): figures["total"]}
    title = say("title", as_of=numbers.short_day(date.fromisoformat(figures["as_of"])))
    head = [say(f"head.{name}") for name in ("action", "outcome", "listed", "held_out", "with", "without", "effect", "interval")]
    rows = [head, *(effect_row(name, one, currency=currency, catalogue=catalogue) for name, one in measured.items())]
    spoken_of = {**figures["actions"], say("total.verdict"): figures["total"]}
    verdicts = [effect_verdicts(name, one, currency=currency, catalogue=catalogue) for name, one in spoken_of.items()]
    return [title, "", *_table(rows), "", *chain.from_iterable(verdicts), say("how")]


def effect_verdicts(name: str, one: Mapping[str, Any], *, currency: str | None, catalogue: Catalogue | None = None) -> list[str]:
    """Say in sentences what one action has shown, and what to think of it.

    Args:
        name: The action, in words.
        one: Its figures.
        currency: The community's.
        catalogue: The language; None for the one that is spoken.
    """

    def say(key: str, **values: Any) -> str:
        return fill(f"effects.{key}", catalogue=catalogue, name=label(name), **values)

    unit = _Unit(one["outcome"], currency, catalogue)
    if (one["effect"] is None or one["low"] is None) and (one["n_treated"] or one["n_holdout"]):
        return [say("untold", listed=one["n_treated"], held_out=one["n_holdout"])]
    if one["effect"] is None or one["low"] is None:
        return [say("waiting", n=one["waiting"]) if one["waiting"] else say("nothing")]
    bounds = {"low": unit.difference(one["low"]), "high": unit.difference(one["high"]), "effect": unit.difference(one["effect"])}
    bounds["outcome"] = unit.name
    verdict = say("works" if one["low"] > 0 else "harms" if one["high"] < 0 else "open", **bounds)
    if one["p_srm"] is not None and one["p_srm"] < _SMALLEST_P:
        return [say("mismatch", p=_p(one["p_srm"]))]
    if not one["is_trustworthy"]:
        return [say("few", n=one["n_holdout"])]
    kept = one["value_kept"]
    if kept is None or one["low"] <= 0:
        return [verdict]
    worth = "worth" if kept > 0 else "no_worth"
    return [verdict, say(worth, value=numbers.money(kept, currency), cost=numbers.money(one["cost"], currency))]


def unit_of_difference(outcome: str, *, catalogue: Catalogue | None = None) -> str:
    """Say what a difference in an outcome is counted in, as an axis has it."""
    unit = "share" if outcome in SHARES else outcome if outcome == _MONEY else "events"
    return fill(f"effects.unit.{unit}", catalogue=catalogue)


def mismatch_warning(name: str | None, p_srm: float | None, *, catalogue: Catalogue | None = None) -> str | None:
    """Warn of arms that do not have the sizes they were drawn with; None where they do.

    Args:
        name: The action; None for all together.
        p_srm: p value of the sizes.
        catalogue: The language; None for the one that is spoken.
    """
    if p_srm is None or p_srm >= _SMALLEST_P:
        return None
    shown = label(fill("effects.total", catalogue=catalogue) if name is None else name)
    return fill("effects.mismatch", name=shown, p=_p(p_srm), catalogue=catalogue)


def effect_row(name: str, one: Mapping[str, Any], *, currency: str | None, catalogue: Catalogue | None = None) -> list[str]:
    """Return the figures of an action as cells: name, outcome, listed, held out, both levels, difference, interval."""
    unit = _Unit(one["outcome"], currency, catalogue)
    figures = [one["rate_treated"], one["rate_holdout"]]
    levels = [numbers.DASH if level is None else unit.level(level) for level in figures]
    effect = numbers.DASH if one["effect"] is None else unit.difference(one["effect"])
    interval = numbers.DASH
    if one["low"] is not None:
        low, high = unit.difference(one["low"]), unit.difference(one["high"])
        interval = fill("experiment.between", catalogue=catalogue, low=low, high=high)
    counts = [numbers.number(one["n_treated"]), numbers.number(one["n_holdout"])]
    return [label(name), unit.name, *counts, *levels, effect, interval]
