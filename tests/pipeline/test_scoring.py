"""A blind panel: sentences of scored nights, judged one by one by rules, as somebody would who knows only the member's row."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest

from features.feature import Feature
from models.bands import TENURE_BANDS
from models.peers import BAND, describe_peers
from outputs.lists import order_reasons
from pipeline.scoring import add_reasons
from tests.scored_nights import ScoredNight, beer_night, simulated_night

LONGEST = 120
STAYING = " (speaks for staying)"
COMPARED = re.compile(
    r", usually |, before that |times as long as usual|no longer than usual|, (down|up) from |a month until "
    r"|newcomers: |first year: |over a year: |typical member: |most members: |unlike most|of all members"
)
WINDOW = re.compile(r"(?:in|of) the last (\d+) (?:days|weeks)|in an average (\d+) days")
PEERS = {"other newcomers: ": "new", "first year: ": "first_year", "over a year: ": "longer", "typical member: ": "everybody"}
# How a side of a comparison tells its number; both sides tell it alike.
WHEN = re.compile(r"\b(ago|today|yesterday)\b")
SHARE = re.compile(r"\d %")
ALL = re.compile(r"(All|None) of ")
# Of these the number needs a word of its own on the other side: it has no noun, or another one.
UNCOUNTED = re.compile(r"(Not active|Never|Usually back|Comes|Came|Interacted|Reactions|No reactions|No action|Joined) ")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
# Of what a sentence tells, more speaks for staying, or for leaving.
KEEPS = re.compile(
    r"^(Active on|\d[\d,]* (?!%)|No |Spent|Nothing spent|Interacted with|Reactions from|Active in|Not active|Ordered)"
)
LOSES = re.compile(r"^(Last (?!active for|feedback)|Seen|Away|Usually back|Comes|Came|Longest break|No .* so far)")


@pytest.fixture(scope="module", params=["simulated", "beer"])
def night(request: pytest.FixtureRequest) -> ScoredNight:
    return simulated_night() if request.param == "simulated" else beer_night()


@pytest.fixture(scope="module")
def eligible(night: ScoredNight) -> pl.DataFrame:
    explained = add_reasons(night.scored, night.model, night.catalog, as_of=night.as_of, currency=night.currency)
    assert explained.filter(~pl.col("is_eligible"))["reasons"].null_count() == explained.filter(~pl.col("is_eligible")).height
    return explained.filter("is_eligible")


def panel(eligible: pl.DataFrame, *, sentences: int = 200) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The member and one of their reasons, of members spread evenly over all probabilities."""
    spread = eligible.sort("churn_probability", "member_no").gather_every(max(1, eligible.height // sentences))
    judged = spread.explode("reasons").gather_every(max(1, spread["reasons"].list.len().sum() // sentences))
    assert judged.height >= sentences
    return ((row, row["reasons"]) for row in judged.iter_rows(named=True))


def test_a_panel_finds_each_sentence_short_and_compared_and_pointing_where_the_model_does(eligible: pl.DataFrame) -> None:
    pointing = 0
    for _, reason in panel(eligible):
        text, contribution = reason["text"], reason["contribution"]
        assert len(text) <= LONGEST, text
        assert COMPARED.search(text), text
        assert text.endswith(STAYING) == (contribution < 0), text
        direction = points(text.removesuffix(STAYING))
        assert direction in (0, 1 if contribution > 0 else -1), (text, contribution)
        pointing += direction != 0
    assert pointing > 100


def test_a_panel_finds_each_number_in_the_members_row_or_among_similar_members(
    night: ScoredNight, eligible: pl.DataFrame
) -> None:
    features = {feature.name: feature for feature in night.catalog}
    peers = {row[BAND]: row for row in describe_peers(eligible.drop("reasons")).iter_rows(named=True)}
    level = eligible["churn_probability"].mean()
    for member, reason in panel(eligible):
        feature, text = features[reason["feature"]], reason["text"]
        own = [*values(member, feature), 100 * member["churn_probability"], 100 * level]  # type: ignore[operator]
        band = next((peer for words, peer in PEERS.items() if words in text), None)
        if band is not None and peers[band][feature.name] is not None:
            assert band == "everybody" or band == band_of(member["tenure_days"]), text
            own.append(float(peers[band][feature.name]))
        for written in NUMBER.findall(WINDOW.sub("", text)):
            number = float(written.replace(",", ""))
            known = [form for value in own for form in (value, value / 30.4, value / 365, value * 100)]
            assert any(abs(number - one) <= 0.5 + 1e-9 for one in known), (text, own)


def test_a_panel_finds_both_sides_of_each_comparison_of_the_same_kind_and_days(
    night: ScoredNight, eligible: pl.DataFrame
) -> None:
    features = {feature.name: feature for feature in night.catalog}
    with_others = 0
    for member in eligible.iter_rows(named=True):
        for reason in member["reasons"]:
            text = reason["text"].removesuffix(STAYING)
            told, words, other = text.rpartition(next((words for words in PEERS if words in text), "\0"))
            if not words:
                continue
            with_others += 1
            told, days = told.rpartition(", ")[0], features[reason["feature"]].saying.days
            assert are_alike(told, other), text
            # So far is as long as the window only for those who have all been here for less.
            all_for_less = {"new": 28, "first_year": 365}.get(PEERS[words], math.inf)
            assert ("so far" in told and days is not None and days < all_for_less) is False, text
            assert days != 1, text
    assert with_others > 200


@pytest.mark.parametrize(
    ("told", "other"),
    [
        ("No message opened so far", "64 days ago"),
        ("Active on 1 day today", "on 0"),
        ("Active on 2 days in the last 28 days", "on 0"),
        ("Not active in the last 90 days", "1"),
        ("Comes every 126 days on average", "7"),
        ("Joined today", "15 days"),
        ("Opened 1 of 5 messages from us in the last 90 days", "33 %"),
        ("Interacted with nobody in the last 28 days", "2"),
        ("No action in the last 90 days", "5"),
    ],
)
def test_the_panel_rejects_sides_of_two_kinds(told: str, other: str) -> None:
    assert not are_alike(told, other)


def are_alike(told: str, other: str) -> bool:
    """Whether a member's number and that of others are told in the same terms, and none in words."""
    if re.search(r"\b0$", other):
        return False
    if other.startswith("most recently "):
        return told.startswith(("No ", "Nothing ")) and told.endswith("so far")
    if bool(WHEN.search(told)) != bool(WHEN.search(other)):
        return False
    if not other.endswith(" of theirs") and bool(SHARE.search(told) or ALL.match(told)) != bool(SHARE.search(other)):
        return False
    return not (UNCOUNTED.match(told) and NUMBER.fullmatch(other))


def test_nobody_is_without_a_reason_and_of_who_is_at_risk_the_first_raises_the_risk(eligible: pl.DataFrame) -> None:
    assert eligible["reasons"].list.len().min() >= 1  # type: ignore[operator]
    contribution = pl.col("reasons").list.first().struct.field("contribution")
    at_risk, others = (
        eligible.with_columns(order_reasons(pl.col("reasons"), is_at_risk=pl.lit(value=is_at_risk)).alias("reasons"))
        for is_at_risk in (True, False)
    )
    assert at_risk.select(contribution.min()).item() >= 0
    assert others["reasons"].list.len().min() >= 1  # type: ignore[operator]
    assert others.select((contribution < 0).any()).item()


def test_no_two_reasons_of_a_member_tell_the_same_kind_of_activity_in_opposite_directions(
    night: ScoredNight, eligible: pl.DataFrame
) -> None:
    # What is told of the silence and of all activity before it may well differ: somebody was often here, and is away.
    kind_of = {feature.name: feature.habit.removeprefix("days_since_last_").removesuffix("_count") for feature in night.catalog}
    told = eligible.select("member_no", "reasons").explode("reasons").unnest("reasons").filter(pl.col("contribution") != 0)
    kinds = told.with_columns(kind=pl.col("feature").replace_strict(kind_of)).filter(
        ~pl.col("kind").is_in(["activity", "active_days"])
    )
    signs = kinds.group_by("member_no", "kind").agg(pl.col("contribution").sign().n_unique(), pl.col("text"))
    assert signs.filter(pl.col("contribution") > 1).is_empty()
    assert told.group_by("member_no").agg(pl.col("text").is_duplicated().any())["text"].any() is False


def test_who_has_few_active_days_is_never_told_what_they_usually_do(eligible: pl.DataFrame) -> None:
    told = eligible.select("active_days_365d", "reasons").explode("reasons").unnest("reasons")
    of_own_past = told.filter(pl.col("text").str.contains("(?i)usual|before that|a month until|an average|on average"))
    assert of_own_past.height >= 5
    assert of_own_past["active_days_365d"].min() >= 6  # type: ignore[operator]


def points(text: str) -> int:
    """Say by the words alone what a sentence speaks for: 1 for leaving, -1 for staying, 0 where the words leave it open."""
    if "a month until" in text or "times as long as usual" in text:
        return 1
    if "no longer than usual" in text:
        return -1
    match = re.search(r", (?:usually(?: back)?|before that|down from|up from|[^,]*:) (.*)$", text)
    if match is None or not (KEEPS.match(text) or LOSES.match(text)):
        return 0
    told, other = text[: match.start()], match[1]
    is_time = re.search(r"\b(ago|today|yesterday|back|every|next day)\b", other + text) is not None
    if is_time and told.startswith("No "):
        return 1
    more = amount(told) - amount(other)
    return (-1 if is_time else 0) if more == 0 else int(math.copysign(1, more if is_time else -more))


def amount(words: str) -> float:
    """Read the amount that words tell, of a time as days."""
    words = WINDOW.sub("", words)
    small = {
        "today": 0.0,
        "nobody": 0.0,
        "none": 0.0,
        "nothing": 0.0,
        "No ": 0.0,
        "Nothing": 0.0,
        "Not ": 0.0,
        "yesterday": 1.0,
        "next day": 1.0,
        "every day": 1.0,
    }
    for word, number in small.items():
        if word in words:
            return number
    days = next((days for unit, days in ((" month", 30.4), (" year", 365.0)) if f"{unit}s ago" in words), 1.0)
    return float(NUMBER.findall(words)[0].replace(",", "")) * days


def band_of(tenure_days: int) -> str:
    return [name for name, first_day in TENURE_BANDS.items() if tenure_days >= first_day][-1]


def values(member: dict[str, Any], feature: Feature) -> list[float]:
    """Give what may be told of a member's own: the value, and what is usual for them, worked out anew."""
    about, days = feature.saying.about, feature.saying.days
    member_days = min(member["tenure_days"] + 1, 365)
    since = member["days_since_last_activity"]
    own = [member[feature.name], member["gap_median_days_365d"], since]
    if feature.saying.template == "amount" and days is not None and 1 < days < 365:
        year, value = member[f"{about}_365d"], member[feature.name]
        own.append((year - value) * days / max(member_days - days, 1))
        last = member.get("days_since_last_activity" if about == "active_days" else _last(about))
        own.append(None if last is None or last >= member_days else year / (member_days - last) * 30.4)
    if feature.saying.template == "trend":
        assert days is not None
        own += [recent := member[f"{about}_28d"], (member[f"{about}_{days}d"] - recent) * 28 / (days - 28)]
    if feature.saying.template == "last_time" and member.get(f"{about}_count_365d"):
        own.append((member_days - (member[feature.name] or 0)) / member[f"{about}_count_365d"])
    return [float(value) for value in own if value is not None and not isinstance(value, str)]


def _last(about: str) -> str:
    return f"days_since_last_{ {'spend': 'order', 'refund_spend': 'refund'}.get(about, about.removesuffix('_count')) }"
