"""Actions go where they gain most, within every limit, and members held out are chosen by the rule that chose the listed."""

from __future__ import annotations

from itertools import product
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement import transportation
from engagement.assignment import Assignment, Limits, assign

SCHEMA = {
    "member_no": pl.Int32(),
    "action": pl.String(),
    "priority": pl.Int32(),
    "net_gain": pl.Float64(),
    "is_held_out": pl.Boolean(),
}
CHANNEL = {"call": "phone", "mail": "post", "text": "phone"}
ACTIONS = tuple(CHANNEL)


def frame(*rows: tuple[int, str, int, float | None, bool]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def treated(*rows: tuple[int, str, float]) -> pl.DataFrame:
    return frame(*((number, action, 1, gain, False) for number, action, gain in rows))


def taken(result: Assignment) -> dict[int, str]:
    return dict(result.chosen.filter(~pl.col("is_held_out")).select("member_no", "action").iter_rows())


def held_out(result: Assignment) -> dict[int, str]:
    return dict(result.chosen.filter("is_held_out").select("member_no", "action").iter_rows())


def value(result: Assignment) -> float:
    return float(result.chosen.filter(~pl.col("is_held_out"))["net_gain"].sum())


def with_channels(candidates: pl.DataFrame) -> pl.DataFrame:
    return candidates.with_columns(channel=pl.col("action").replace_strict(CHANNEL, return_dtype=pl.String))


def is_within(actions: list[str], limits: Limits) -> bool:
    counts = [(len(actions), limits.total)]
    counts += [(actions.count(name), most) for name, most in limits.actions.items()]
    counts += [(sum(CHANNEL[action] == name for action in actions), most) for name, most in limits.channels.items()]
    return all(most is None or count <= most for count, most in counts)


def greatest_value(candidates: pl.DataFrame, limits: Limits) -> float:
    """Try every assignment there is."""
    options = [
        [("", 0.0), *rows.select("action", "net_gain").iter_rows()]
        for _, rows in candidates.group_by("member_no", maintain_order=True)
    ]
    chosen = ([pick for pick in picks if pick[0]] for picks in product(*options))
    return max(sum(gain for _, gain in picks) for picks in chosen if is_within([action for action, _ in picks], limits))


gains = st.one_of(st.integers(-2, 6).map(float), st.integers(-1000, 9000).map(lambda thousandths: thousandths / 1000))
rooms = st.one_of(st.none(), st.integers(0, 4))
limits_of_all = st.builds(
    Limits,
    total=rooms,
    actions=st.dictionaries(st.sampled_from(ACTIONS), rooms),
    channels=st.dictionaries(st.sampled_from(["phone", "post"]), rooms),
)


@st.composite
def candidates_of(draw: st.DrawFn, *, members: int = 5, are_held_out: bool = False) -> pl.DataFrame:
    cells = [(number, action) for number in range(members) for action in ACTIONS]
    kept = draw(st.lists(st.sampled_from(cells), unique=True, max_size=len(cells)))
    held = st.booleans() if are_held_out else st.just(value=False)
    return with_channels(frame(*((number, action, 1, draw(gains), draw(held)) for number, action in kept)))


def test_a_member_gets_one_action_and_the_sum_is_greatest() -> None:
    candidates = treated((1, "call", 9.0), (1, "mail", 8.0), (2, "call", 7.0), (2, "mail", 1.0))
    result = assign(candidates, limits=Limits(None, {"call": 1}))
    assert taken(result) == {1: "mail", 2: "call"}
    assert value(result) == 8.0 + 7.0
    assert (result.gap, result.is_exact) == (0.0, True)


def test_the_frame_has_one_row_per_member_taken_in_order() -> None:
    result = assign(frame((7, "mail", 1, 2.0, False), (3, "call", 1, 1.0, True)), limits=Limits(None, {}))
    assert result.chosen.equals(
        pl.DataFrame(
            [(3, "call", 1.0, True), (7, "mail", 2.0, False)],
            schema={key: SCHEMA[key] for key in ("member_no", "action", "net_gain", "is_held_out")},
            orient="row",
        )
    )


@pytest.mark.parametrize("gain", [0.0, -1.0, None, float("nan")])
def test_nobody_is_taken_for_no_gain(gain: float | None) -> None:
    result = assign(frame((1, "call", 1, gain, False), (2, "call", 1, gain, True)), limits=Limits(5, {"call": 5}))
    assert result.chosen.is_empty()


def test_nobody_may_be_a_candidate() -> None:
    result = assign(frame(), limits=Limits(5, {"call": 5}))
    assert result.chosen.schema == {key: SCHEMA[key] for key in ("member_no", "action", "net_gain", "is_held_out")}
    assert (result.chosen.height, result.gap, result.is_exact, result.prices) == (0, 0.0, True, {})


def test_a_pair_is_a_candidate_once() -> None:
    with pytest.raises(AssertionError, match="one candidate"):
        assign(treated((1, "call", 1.0), (1, "call", 2.0)), limits=Limits(None, {}))


def test_the_price_is_what_one_place_less_would_cost() -> None:
    candidates = treated((1, "call", 9.0), (2, "call", 7.0), (3, "call", 4.0), (4, "mail", 3.0))
    assert assign(candidates, limits=Limits(None, {"call": 2})).prices == {"call": 7.0, "mail": 0.0}
    assert assign(candidates, limits=Limits(2, {})).prices == {"call": 7.0, "mail": 7.0}
    assert assign(candidates, limits=Limits(3, {"mail": 0})).prices == {"call": 4.0, "mail": float("inf")}


def test_a_channel_holds_for_all_its_actions() -> None:
    candidates = with_channels(treated((1, "call", 9.0), (2, "text", 7.0), (3, "mail", 1.0)))
    assert taken(assign(candidates, limits=Limits(None, {}, channels={"phone": 1}))) == {1: "call", 3: "mail"}


def test_of_equals_the_lower_numbers_are_taken() -> None:
    candidates = treated(*((number, "call", 2.0) for number in range(20)))
    assert set(taken(assign(candidates, limits=Limits(3, {})))) == {0, 1, 2}
    assert set(taken(assign(candidates, limits=Limits(3, {}), exact_up_to=0))) == {0, 1, 2}


@given(candidates_of(), limits_of_all)
def test_no_assignment_within_the_limits_is_worth_more(candidates: pl.DataFrame, limits: Limits) -> None:
    result = assign(candidates, limits=limits)
    assert is_within(list(taken(result).values()), limits)
    assert value(result) == pytest.approx(greatest_value(candidates.filter(pl.col("net_gain") > 0), limits))
    assert result.is_exact


@given(candidates_of(), limits_of_all)
def test_the_greedy_gap_covers_the_true_loss(candidates: pl.DataFrame, limits: Limits) -> None:
    greedy, exact = assign(candidates, limits=limits, exact_up_to=0), assign(candidates, limits=limits)
    assert is_within(list(taken(greedy).values()), limits)
    assert value(greedy) <= value(exact) + 1e-9
    assert value(exact) * (1 - greedy.gap) <= value(greedy) + 1e-9
    assert greedy.is_exact == (greedy.gap == 0.0)


@given(candidates_of(are_held_out=True), limits_of_all, st.randoms(use_true_random=False), st.sampled_from([0, 60_000]))
def test_the_order_of_rows_changes_nothing(candidates: pl.DataFrame, limits: Limits, random: Random, exact_up_to: int) -> None:
    order = list(range(candidates.height))
    random.shuffle(order)
    result = assign(candidates, limits=limits, exact_up_to=exact_up_to)
    again = assign(candidates[order], limits=limits, exact_up_to=exact_up_to)
    assert again.chosen.equals(result.chosen)
    assert (again.gap, again.prices) == (result.gap, result.prices)


@given(candidates_of(are_held_out=True), limits_of_all, st.sampled_from([0, 60_000]))
def test_members_are_chosen_once_by_their_own_candidates(candidates: pl.DataFrame, limits: Limits, exact_up_to: int) -> None:
    result = assign(candidates, limits=limits, exact_up_to=exact_up_to)
    assert result.chosen["member_no"].is_unique().all()
    assert result.chosen.join(candidates, on=result.chosen.columns).height == result.chosen.height
    assert is_within(list(taken(result).values()), limits)


@given(candidates_of(), candidates_of(members=1), limits_of_all)
def test_who_is_held_out_is_chosen_exactly_if_it_would_be_listed(others: pl.DataFrame, one: pl.DataFrame, limits: Limits) -> None:
    newcomer = one.with_columns(member_no=pl.lit(99, dtype=pl.Int32))
    with_one = assign(pl.concat([others, newcomer]), limits=limits)
    held = assign(pl.concat([others, newcomer.with_columns(is_held_out=pl.lit(value=True))]), limits=limits)
    without = assign(others, limits=limits)
    assert taken(held) == taken(without)
    assert held.prices.items() >= without.prices.items()
    raised = round(value(with_one) - value(without), 6)
    assert (99 in held_out(held)) == (raised > 0)
    if raised > 0:
        surplus = {action: gain - held.prices[action] for action, gain in newcomer.select("action", "net_gain").iter_rows()}
        assert surplus[held_out(held)[99]] == pytest.approx(raised)


@given(candidates_of(), candidates_of(members=1, are_held_out=True), limits_of_all)
def test_who_is_held_out_from_some_actions_is_chosen_exactly_if_one_of_them_would_be_better(
    others: pl.DataFrame, one: pl.DataFrame, limits: Limits
) -> None:
    newcomer = one.with_columns(member_no=pl.lit(99, dtype=pl.Int32))
    of_none = assign(pl.concat([others, newcomer.with_columns(is_held_out=pl.lit(value=False))]), limits=limits)
    without = assign(pl.concat([others, newcomer.filter(~pl.col("is_held_out"))]), limits=limits)
    result = assign(pl.concat([others, newcomer]), limits=limits)
    assert (99 in held_out(result)) == (round(value(of_none) - value(without), 6) > 0)


def test_a_higher_priority_takes_its_members_and_places_first() -> None:
    candidates = frame(
        (1, "call", 2, 1.0, False),
        (1, "mail", 1, 50.0, False),
        (2, "mail", 1, 5.0, False),
        (3, "mail", 1, 7.0, False),
        (4, "call", 2, 0.5, True),
        (4, "mail", 1, 9.0, False),
    )
    result = assign(candidates, limits=Limits(2, {}))
    assert (taken(result), held_out(result)) == ({1: "call", 3: "mail"}, {4: "call"})
    assert taken(assign(candidates, limits=Limits(1, {}))) == {1: "call"}
    assert assign(candidates, limits=Limits(1, {})).prices == {"call": 1.0, "mail": float("inf")}


@given(candidates_of(are_held_out=True, members=4), candidates_of(are_held_out=True, members=4), limits_of_all)
def test_lower_priorities_change_nothing_above(upper: pl.DataFrame, lower: pl.DataFrame, limits: Limits) -> None:
    above = upper.with_columns(priority=pl.lit(2, dtype=pl.Int32))
    below = lower.join(upper, on=["member_no", "action"], how="anti")
    result = assign(pl.concat([above, below]), limits=limits).chosen
    assert result.join(upper, on=["member_no", "action"], how="semi").equals(assign(above, limits=limits).chosen)


def test_members_held_out_take_no_place_and_get_nothing_else() -> None:
    candidates = frame(
        (1, "call", 1, 9.0, True),
        (1, "mail", 1, 8.0, False),
        (2, "mail", 1, 5.0, False),
        (3, "call", 1, 4.0, False),
        (4, "call", 1, 3.0, True),
    )
    result = assign(candidates, limits=Limits(2, {"mail": 1}))
    assert taken(result) == {2: "mail", 3: "call"}
    assert held_out(result) == {1: "call"}


def test_who_is_level_with_the_last_listed_is_chosen_by_number() -> None:
    candidates = frame(*((number, "call", 1, 2.0, number % 2 == 1) for number in range(20)))
    result = assign(candidates, limits=Limits(4, {}))
    assert set(taken(result)) == {0, 2, 4, 6}
    assert set(held_out(result)) == {1, 3, 5}


def random_night(seed: int, members: int, share: float, *, by_action: bool = False) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    worth = random.gamma(0.7, 10.0, members)[:, None] * random.random((members, len(ACTIONS))) - 0.5
    held = random.random((members, len(ACTIONS) if by_action else 1)) < share
    return pl.DataFrame(
        {
            "member_no": np.repeat(np.arange(members), len(ACTIONS)),
            "action": ACTIONS * members,
            "priority": np.ones(worth.size),
            "net_gain": worth.ravel(),
            "is_held_out": np.broadcast_to(held, worth.shape).ravel(),
        },
        schema=SCHEMA,
    )


@pytest.mark.parametrize("by_action", [False, True])
@pytest.mark.parametrize("exact_up_to", [0, 60_000])
def test_who_is_held_out_is_like_who_is_listed(by_action: bool, exact_up_to: int) -> None:
    limits = Limits(30, {"call": 10, "mail": 15})
    nights = [
        assign(random_night(seed, 300, 0.2, by_action=by_action), limits=limits, exact_up_to=exact_up_to).chosen.with_columns(
            night=pl.lit(seed)
        )
        for seed in range(150)
    ]
    arms = pl.concat(nights).group_by("is_held_out").agg(pl.len(), pl.col("net_gain").mean(), spread=pl.col("net_gain").std())
    listed, held = arms.sort("is_held_out").iter_rows(named=True)
    noise = (listed["spread"] ** 2 / listed["len"] + held["spread"] ** 2 / held["len"]) ** 0.5
    assert held["net_gain"] == pytest.approx(listed["net_gain"], abs=3 * noise)
    assert held["len"] / (held["len"] + listed["len"]) == pytest.approx(
        0.2, abs=3 * (0.16 / (held["len"] + listed["len"])) ** 0.5
    )


@pytest.mark.parametrize("seed", range(6))
def test_members_decided_by_price_lose_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = with_channels(random_night(seed, 1500, 0.1, by_action=True))
    limits = Limits(400, {"call": 120, "text": 60 * seed}, channels={"phone": 200} if seed % 2 else {})
    whole = assign(candidates, limits=limits)
    monkeypatch.setattr(transportation, "CORE_MEMBERS", 10)
    monkeypatch.setattr(transportation, "SAMPLE_MEMBERS", 100)
    result = assign(candidates, limits=limits)
    assert result.is_exact
    assert result.chosen.equals(whole.chosen)
    assert result.prices == pytest.approx(whole.prices)


def test_many_equals_are_taken_greedily_with_a_stated_gap() -> None:
    candidates = random_night(1, 3000, 0.0).with_columns(pl.col("net_gain").round())
    limits = Limits(500, {"call": 100, "mail": 100})
    exact, greedy = assign(candidates, limits=limits), assign(candidates, limits=limits, exact_up_to=100)
    assert exact.is_exact
    assert 0 <= 1 - value(greedy) / value(exact) <= greedy.gap < 0.05
