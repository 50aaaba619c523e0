"""Behaviour groups: members who live in the community in the same way.

K-means (Lloyd) on standardised habits, `segments.habits`. Of 3 to 8 groups, only numbers whose smallest group holds at
least 3 % of the members are considered, and their mean silhouettes (Rousseeuw 1987) compared: the largest number with at
least 0.7 of the best silhouette is taken, because more groups that are nearly as distinct say more; the number of the
previous fit stays while it has at least 0.6 of the best. With fewer than 200 members, or where no number qualifies,
everyone is in one group.

Between fits, nights only assign. After a fit, groups are matched to the previous ones by the Hungarian assignment of their
centroids and keep their names; a group far from every previous one gets a new name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import BaseModel, ConfigDict, Field
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from segments.habits import ACTIVE_DAYS, Matrix, habit_columns, habit_matrix, kind_of

_FEW_MEMBERS: Final = 1_000
_DECIMALS: Final = 6


class GroupPolicy(BaseModel):
    """How groups are formed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fewest_groups: int = Field(default=3, ge=2, description="Fewest groups tried.")
    most_groups: int = Field(default=8, ge=2, description="Most groups tried.")
    fewest_members: int = Field(default=200, ge=2, description="With fewer members active in a year there is one group.")
    smallest_share: float = Field(default=0.03, ge=0, lt=0.5, description="No group may hold a smaller share of the members.")
    enough_silhouette: float = Field(default=0.7, gt=0, le=1, description="Share of the best silhouette that is enough.")
    keep_silhouette: float = Field(
        default=0.6, gt=0, le=1, description="Share of it that is enough to keep the number of groups."
    )
    match_distance: float = Field(
        default=1.0, gt=0, description="Farthest a group may move and keep its name, in mean standard deviations per habit."
    )
    fitted_members: int = Field(default=10_000, ge=10, description="Members the groups are fitted on at most.")
    silhouette_members: int = Field(default=2_000, ge=10, description="Members the silhouette is measured on at most.")
    seed: int = Field(default=0, ge=0, description="Seed of the clustering.")


class Names(Protocol):
    """The names of groups, which `wording` makes: this room has no words."""

    @property
    def never_active(self) -> str:
        """The group of members never active."""

    @property
    def away_for_a_year(self) -> str:
        """The group of members without activity in 365 days."""

    @property
    def everyone(self) -> str:
        """The group of all others, where they are one group."""

    def name(
        self, deviations: Mapping[str, float], levels: Mapping[str, float], *, kinds: Mapping[str, str], taken: Collection[str]
    ) -> str:
        """Name a group by how far its habits lie from everybody's.

        Args:
            deviations: Habit → distance of the group's mean from the mean of all members, in standard deviations.
            levels: Habit → the group's mean, not scaled.
            kinds: Habit → kind of activity, for the habits that are one.
            taken: Names of other groups; the result is none of them.
        """


class GroupState(BaseModel):
    """Fitted groups: everything that assigning needs; `model_dump` gives plain JSON.

    Args:
        habits: Feature columns, in the order of everything below.
        centres: Mean of each habit over the fitted members.
        scales: Standard deviation of each habit.
        centroids: One row per group, in standard deviations from the centres.
        names: One per group, no name twice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    habits: tuple[str, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    centroids: tuple[tuple[float, ...], ...]
    names: tuple[str, ...]


def fit_groups(features: pl.DataFrame, previous: GroupState | None, *, policy: GroupPolicy, names: Names) -> GroupState:
    """Form groups of the members active in the last 365 days.

    Args:
        features: One row per member: member_no and feature columns; habits it lacks are left out.
        previous: The groups of the fit before, whose names are kept where groups match; None the first time.
        policy: How groups are formed.
        names: The names of groups.
    """
    active = features.filter(pl.col(ACTIVE_DAYS) > 0).sort("member_no")
    if active.height < policy.fewest_members:
        return _one_group(names.everyone)
    # Every k-th member by number: early and late members alike, and the same choice every time.
    fitted = active[:: -(-active.height // policy.fitted_members)]
    habits = habit_columns(fitted)
    if not habits:
        return _one_group(names.everyone)
    raw = habit_matrix(fitted, habits)
    # Rounded, so that the last bits of the sums do not reach the state; a scale of 0 could not be divided by.
    centres: Matrix = np.round(np.asarray(raw.mean(axis=0)), _DECIMALS)
    scales: Matrix = np.round(np.maximum(np.asarray(raw.std(axis=0)), 10.0**-_DECIMALS), _DECIMALS)
    centroids = _best_centroids(_standardised(raw, centres, scales), previous, policy)
    if centroids is None:
        return _one_group(names.everyone)
    state = GroupState(
        habits=habits,
        centres=tuple(centres.tolist()),
        scales=tuple(scales.tolist()),
        centroids=tuple(tuple(row) for row in centroids.tolist()),
        names=(),
    )
    return state.model_copy(update={"names": _names(state, previous, policy, words=names)})


def assign_groups(features: pl.DataFrame, state: GroupState, *, names: Names) -> pl.Series:
    """Return the name of each member's group as `segment`, in the order of the rows, never null.

    Members never active and members without activity in 365 days are groups of their own.

    Args:
        features: One row per member: days_since_last_activity and feature columns.
        state: Fitted groups.
        names: What groups are called.
    """
    raw = habit_matrix(features, state.habits)
    nearest_position = _nearest(_standardised(raw, np.array(state.centres), np.array(state.scales)), np.array(state.centroids))
    name_of_nearest = pl.Series(state.names, dtype=pl.String).gather(nearest_position)
    segment = (
        pl.when(pl.col("days_since_last_activity").is_null())
        .then(pl.lit(names.never_active))
        .when(pl.col(ACTIVE_DAYS).fill_null(0) == 0)
        .then(pl.lit(names.away_for_a_year))
        .otherwise(pl.lit(name_of_nearest))
    )
    return features.select(segment.alias("segment")).to_series()


def _one_group(name: str) -> GroupState:
    return GroupState(habits=(), centres=(), scales=(), centroids=((),), names=(name,))


def _standardised(raw: Matrix, centres: Matrix, scales: Matrix) -> Matrix:
    standardised: Matrix = (raw - centres) / scales
    return standardised


def _nearest(points: Matrix, centroids: Matrix) -> npt.NDArray[np.int64]:
    """Return the position of the nearest centroid; the first of several at the same distance."""
    # Centroid by centroid: an array of members × groups × habits would be several times larger.
    distance = np.column_stack([((points - centroid) ** 2).sum(axis=1) for centroid in centroids])
    nearest: npt.NDArray[np.int64] = distance.argmin(axis=1)
    return nearest


def _best_centroids(points: Matrix, previous: GroupState | None, policy: GroupPolicy) -> Matrix | None:
    """Return the centroids for the number of groups that the rule takes, largest group first; None when none qualifies."""
    # Imported here and not above: nights that only assign, and commands that only read the configuration, do not need it.
    from sklearn.metrics import silhouette_score

    step = -(-len(points) // policy.silhouette_members)
    fit_of_number: dict[int, tuple[float, Matrix]] = {}
    # Members who have all left may have equal habits, and there cannot be more groups than distinct points.
    most_groups = min(policy.most_groups, _count_distinct(points, enough=policy.most_groups))
    for number in range(policy.fewest_groups, most_groups + 1):
        centroids = _centroids(points, number, policy)
        labels = _nearest(points, centroids)
        smallest_size = np.bincount(labels, minlength=number).min()
        if smallest_size >= max(policy.smallest_share * len(points), 1) and len(np.unique(labels[::step])) > 1:
            fit_of_number[number] = float(silhouette_score(points[::step], labels[::step])), centroids
    best_silhouette = max((silhouette for silhouette, _ in fit_of_number.values()), default=0.0)
    if best_silhouette <= 0:
        return None
    previous_number = len(previous.names) if previous is not None else 0
    if previous_number in fit_of_number and fit_of_number[previous_number][0] >= policy.keep_silhouette * best_silhouette:
        return fit_of_number[previous_number][1]
    return fit_of_number[
        max(
            number
            for number, (silhouette, _) in fit_of_number.items()
            if silhouette >= policy.enough_silhouette * best_silhouette
        )
    ][1]


def _count_distinct(points: Matrix, *, enough: int) -> int:
    """Count distinct points; where the first thousand rows already have enough of them, the others are not compared."""
    kinds_among_first = len(np.unique(points[:_FEW_MEMBERS], axis=0))
    return kinds_among_first if kinds_among_first >= enough else len(np.unique(points, axis=0))


def _centroids(points: Matrix, number: int, policy: GroupPolicy) -> Matrix:
    from sklearn.cluster import KMeans

    # Several threads add up in the order in which they finish, which changes the last digits; one gives the same groups.
    with threadpool_limits(limits=1):
        model = KMeans(n_clusters=number, n_init=4, random_state=policy.seed).fit(points)
    # Adding 0.0 turns the negative zeros of rounding into zeros, which are written differently as JSON.
    centroids: Matrix = np.round(model.cluster_centers_, _DECIMALS) + 0.0
    # The largest group first, equal sizes by centroid: K-means numbers its clusters by its random start.
    sizes = np.bincount(model.labels_, minlength=number)
    return centroids[np.lexsort((*centroids.T[::-1], -sizes))]


def _names(state: GroupState, previous: GroupState | None, policy: GroupPolicy, *, words: Names) -> tuple[str, ...]:
    """Give matched groups their previous names and the others new ones, the largest group first."""
    name_of_position = {} if previous is None else _matched_names(state, previous, policy)
    unscaled = _unscaled_centroids(state, state.habits).tolist()
    kinds = {habit: kind for habit in state.habits if (kind := kind_of(habit)) is not None}
    for position, (centroid, levels) in enumerate(zip(state.centroids, unscaled, strict=True)):
        if position not in name_of_position:
            deviations = dict(zip(state.habits, centroid, strict=True))
            level_of_habit = dict(zip(state.habits, levels, strict=True))
            name_of_position[position] = words.name(
                deviations, level_of_habit, kinds=kinds, taken=tuple(name_of_position.values())
            )
    return tuple(name_of_position[position] for position in range(len(state.centroids)))


def _matched_names(state: GroupState, previous: GroupState, policy: GroupPolicy) -> dict[int, str]:
    """Match groups to the previous ones on the habits that both have; position → name for those that moved little."""
    shared = [habit for habit in state.habits if habit in previous.habits]
    # On fewer than half of the habits a match says too little.
    if 2 * len(shared) < len(state.habits):
        return {}
    scales = _columns_of(state.scales, state, shared)
    differences = (_unscaled_centroids(state, shared)[:, None, :] - _unscaled_centroids(previous, shared)[None, :, :]) / scales
    distance = np.sqrt((differences**2).mean(axis=2))
    # Imported here and not above: reading the settings imports this module for `GroupPolicy`, and must stay fast.
    from scipy.optimize import linear_sum_assignment

    pairs = zip(*linear_sum_assignment(distance), strict=True)
    return {int(i): previous.names[int(j)] for i, j in pairs if distance[i, j] <= policy.match_distance}


def _unscaled_centroids(state: GroupState, habits: Sequence[str]) -> Matrix:
    """Return the centroids in the habits' own units, for some of the habits."""
    unscaled = np.array(state.centroids) * np.array(state.scales) + np.array(state.centres)
    return _columns_of(unscaled, state, habits)


def _columns_of(values: npt.ArrayLike, state: GroupState, habits: Sequence[str]) -> Matrix:
    """Return the columns of some habits."""
    columns: Matrix = np.asarray(values)[..., [state.habits.index(habit) for habit in habits]]
    return columns
