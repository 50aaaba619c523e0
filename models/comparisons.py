"""What the value of a feature is compared with in a reason, so that value, comparison and contribution point the same way.

A reason for leaving tells less than usual of what keeps members, or a longer silence than usual. The comparison is the first of
these that clearly says so: the rate until the member stopped, their own past, members of the same tenure band, the typical
member. A feature without any is not named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from features.feature import Feature, undeclared
from models.bands import EVERYBODY, TENURE, TENURE_BANDS, tenure_band
from models.habits import is_presence
from models.own_past import AWAY, ENOUGH_TIMES, RECENT_DAYS, SILENCE, number, past, until
from models.panel import Floats
from models.peers import BAND

UNTIL: Final = "until"
PAST: Final = "past"
COMPARED_WITH: Final = (UNTIL, PAST, *TENURE_BANDS, EVERYBODY)
NOTHING: Final = -1

# Of two numbers that differ by less than a fifth of the larger, none is clearly more; of two silences by less than a tenth.
_CLEARLY: Final = 0.2
_CLEARLY_LONGER: Final = 0.1
# Of all others whole numbers are told.
_WITH_FRACTIONS: Final = ("", "share", "ratio", "score", "nats", "currency units", "messages per message")
# Numbers that say nothing to an operator.
_UNTOLD: Final = ("event_type_entropy_365d", "gap_deviation_days_365d", "first_to_last_order_days")
# Of what 0 is no less of the same: a streak of no days is silence, a silence of no days is a visit.
_ONLY_ABOVE_ZERO: Final = ("longest_streak_days_90d", "latest_streak_days", AWAY)
# The habit whose features tell what is usual, which takes enough active days.
_RHYTHM: Final = "gap"
# Templates and habits of which more speaks for staying, and for leaving.
_KEEPS: Final = frozenset(
    {"amount", "trend", "streak", "active_weeks", "distinct_event_types", "distinct_people_given", "distinct_people_received"}
    | {"reciprocity_share", "repeat_order_days", "answered", "feedback_score", "members_referred"}
    | {"mean_feedback_score"}
)
_LOSES: Final = frozenset({"last_seen", "last_time", "gap"})
# Of what more may mean either.
_EITHER: Final = ("refund", "contact")
# Ratios, which other members' ratios make no clearer.
_WITHOUT_PEERS: Final = frozenset({"trend", "gap_now_to_mean_365d"})

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True)
class _Compared:
    """How a feature is compared.

    Args:
        feature: The feature.
        told: The number that its sentence tells; null where there is none.
        past: The member's own past; null where there is not enough of it.
        until: The rate until the member stopped; null where they did not.
        peers: Band → what is typical there, as told.
        direction: 1 if more speaks for staying, -1 if it speaks for leaving, 0 if it may do either.
        is_text: Whether it is a text.
    """

    feature: Feature
    told: pl.Expr
    past: pl.Expr
    until: pl.Expr
    peers: Mapping[str, float | str | None]
    direction: int
    is_text: bool

    @property
    def is_last_event(self) -> bool:
        """Whether it is the time since the last event of a type."""
        return self.feature.saying.template == "last_time" and self.feature.needs == {"events"}


class Comparer:
    """Chooses what the features of members are compared with."""

    def __init__(self, features: Sequence[str], catalog: Sequence[Feature], schema: pl.Schema, peers: pl.DataFrame) -> None:
        """Prepare the comparisons.

        Args:
            features: The features, in the order of the columns of `choose`.
            catalog: What they mean.
            schema: The columns of the members' frame.
            peers: As `describe_peers` has them.
        """
        declared = {feature.name: feature for feature in catalog}
        self._columns = frozenset(schema)
        self._compared = {
            name: _compared(declared.get(name) or undeclared(name, schema.get(name)), self._columns, peers) for name in features
        }

    def choose(self, frame: pl.DataFrame) -> Mapping[int, Codes]:
        """Choose for each row and feature what says that it raises the risk (1), and that it lowers it (-1).

        Codes are positions in `COMPARED_WITH`, or -1 where nothing says so.
        """
        numbers = frame.lazy().select(self._numbers()).collect()
        band = _band_positions(frame)
        silence, tenure = (_floats(frame.select(number(name, self._columns)).to_series()) for name in (SILENCE, TENURE))
        chosen = {sign: np.full((frame.height, len(self._compared)), NOTHING, dtype=np.int8) for sign in (1, -1)}
        for position, (name, one) in enumerate(self._compared.items()):
            if name not in self._columns:
                continue
            if one.is_text:
                is_rare = frame.select(_is_unlike(name, one.peers.get(EVERYBODY))).to_series().to_numpy()
                for codes in chosen.values():
                    codes[is_rare, position] = COMPARED_WITH.index(EVERYBODY)
                continue
            own = _Own(*(_floats(numbers[f"{name}:{what}"]) for what in ("told", "past", "until")))
            for sign, codes in chosen.items():
                _mark(codes[:, position], own, one, (band, tenure), wanted=sign * one.direction)
            if one.is_last_event:
                # Somebody who was here long after their last comment is not away since then.
                chosen[1][2 * silence < own.told, position] = NOTHING
        return chosen

    def read(self, name: str) -> list[str]:
        """Return the columns that `compare` reads for a feature."""
        one = self._compared[name]
        return sorted({*one.past.meta.root_names(), *one.until.meta.root_names()})

    def compare(self, name: str, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the comparison of each row with one feature: `comparison`, or for a text `comparison_text`; the other is null.

        Args:
            name: The feature.
            frame: The features of members, and `compared_with`, out of `COMPARED_WITH`.
        """
        one, compared_with = self._compared[name], pl.col("compared_with")
        number, text = pl.lit(None, pl.Float64), pl.lit(None, pl.String)
        if one.is_text:
            text = pl.lit(one.peers.get(EVERYBODY), pl.String)
        else:
            with_peers = compared_with.replace_strict(one.peers, default=None, return_dtype=pl.Float64)
            own = pl.when(compared_with == UNTIL).then(one.until).when(compared_with == PAST).then(one.past)
            number = own.otherwise(with_peers)
        return frame.with_columns(comparison=number, comparison_text=text).select("comparison", "comparison_text")

    def _numbers(self) -> list[pl.Expr]:
        numbers = {name: one for name, one in self._compared.items() if not one.is_text}
        return [
            expression.cast(pl.Float64).alias(f"{name}:{what}")
            for name, one in numbers.items()
            for what, expression in (("told", one.told), ("past", one.past), ("until", one.until))
        ]


@dataclass(frozen=True)
class _Own:
    """The numbers of every member for one feature; NaN where there is none."""

    told: Floats
    past: Floats
    until: Floats


def _compared(feature: Feature, columns: frozenset[str], peers: pl.DataFrame) -> _Compared:
    name, is_text = feature.name, feature.unit == "category"
    has_peers = name in peers.columns and feature.saying.template not in _WITHOUT_PEERS and name not in _WITHOUT_PEERS
    typical = dict(peers.select(BAND, name).iter_rows()) if has_peers else {}
    return _Compared(
        feature=feature,
        told=_told(feature, columns),
        past=past(feature, columns),
        until=until(feature, columns),
        peers=typical if is_text else {band: _rounded(feature, value) for band, value in typical.items()},
        direction=_direction(feature),
        is_text=is_text,
    )


def _told(feature: Feature, columns: frozenset[str]) -> pl.Expr:
    """Return the number that the sentence of a feature tells, as told: rounded where whole numbers are told."""
    own, saying = number(feature.name, columns), feature.saying
    key = saying.template or feature.name
    # A single day is no habit: whoever joined today was active on 1 day, and most others were not.
    if feature.name in _UNTOLD or saying.days == 1 or is_presence(feature.name) or feature.unit == "category":
        return pl.lit(None, pl.Float64)
    if saying.template == "trend":
        own = number(f"{saying.about}_{RECENT_DAYS}d", columns)
    if saying.template == "last_time" and feature.name in columns:
        # Never is longer ago than any day.
        own = own.fill_null(float("inf"))
    if key in _ONLY_ABOVE_ZERO:
        own = pl.when(own > 0).then(own)
    if feature.habit == _RHYTHM:
        # The one gap between two visits is no average.
        own = pl.when(number("active_days_365d", columns) >= ENOUGH_TIMES).then(own)
    if feature.unit == "share":
        # All of two actions in the evening make no habit.
        own = pl.when(number(f"active_days_{saying.days}d", columns) >= ENOUGH_TIMES).then(own)
    return own if feature.unit in _WITH_FRACTIONS else own.round(0, mode="half_away_from_zero")


def _rounded(feature: Feature, value: float | None) -> float | None:
    # Halves away from zero, as sentences are written.
    return value if value is None or feature.unit in _WITH_FRACTIONS else float(np.floor(value + 0.5))


def _direction(feature: Feature) -> int:
    words = {feature.saying.template, feature.habit}
    if any(f"{what}_" in f"{word}_" for what in _EITHER for word in (feature.habit, feature.saying.about)):
        return 0
    return 1 if words & _KEEPS else -1 if words & _LOSES else 0


def _mark(codes: Codes, own: _Own, one: _Compared, standing: tuple[npt.NDArray[np.intp], Floats], *, wanted: int) -> None:
    """Note what says that a number is clearly less than the other (`wanted` 1), clearly more (-1), or clearly either (0).

    `standing` are the position of each member's tenure band, and their days of tenure, NaN where unknown.
    """
    band, tenure = standing
    # What is noted last counts: the typical member first, then what is closer to the member.
    clearly = _CLEARLY_LONGER if one.feature.name == SILENCE else _CLEARLY
    everybody, *bands = (_nan(one.peers.get(name)) for name in (EVERYBODY, *TENURE_BANDS))
    codes[_says(own.told, _had_time(own.told, everybody, tenure), wanted, clearly)] = COMPARED_WITH.index(EVERYBODY)
    similar = np.array([*bands, np.nan])[band]
    is_similar = _says(own.told, _had_time(own.told, similar, tenure), wanted, clearly)
    codes[is_similar] = COMPARED_WITH.index(next(iter(TENURE_BANDS))) + band[is_similar]
    codes[_says(own.told, own.past, wanted, clearly)] = COMPARED_WITH.index(PAST)
    if one.direction == -1 and wanted > 0:
        # A silence no longer than usual is none, however little shorter it is.
        codes[own.told <= own.past] = COMPARED_WITH.index(PAST)
    if one.direction == 1 and wanted > 0:
        codes[np.isfinite(own.until)] = COMPARED_WITH.index(UNTIL)


def _had_time(told: Floats, others: Floats | float, tenure: Floats) -> Floats:
    """Return what is typical of others; NaN for a member who never did it and has not been here for as long as that."""
    return np.where(np.isinf(told) & (tenure < others), np.nan, others)


def _says(told: Floats, other: Floats, wanted: int, clearly: float) -> npt.NDArray[np.bool_]:
    """Whether the number told is clearly less than the other (1), clearly more (-1), or clearly either (0)."""
    with np.errstate(invalid="ignore"):
        difference = told - other
        # An infinite number differs clearly; NaN compares as false.
        is_clear = np.abs(difference) >= clearly * np.maximum(np.abs(np.where(np.isfinite(told), told, 0)), np.abs(other))
        says: npt.NDArray[np.bool_] = is_clear & (difference != 0) & (difference * wanted <= 0)
    return says


def _is_unlike(name: str, most: object) -> pl.Expr:
    return (pl.col(name).cast(pl.String) != pl.lit(most, pl.String)).fill_null(value=False)


def _band_positions(frame: pl.DataFrame) -> npt.NDArray[np.intp]:
    """Return the position of each member's tenure band; -1, the last, where it is not known."""
    if TENURE not in frame.columns:
        return np.full(frame.height, -1)
    band = frame.select(tenure_band(pl.col(TENURE))).to_series()
    return band.replace_strict(list(TENURE_BANDS), range(len(TENURE_BANDS)), default=-1, return_dtype=pl.Int64).to_numpy()


def _floats(numbers: pl.Series) -> Floats:
    return numbers.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _nan(value: float | str | None) -> float:
    return float("nan") if value is None else float(value)
