"""The simulated community keeps the promises of its docstring."""

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lake.errors import ConfigurationError
from lake.simulate import SimulatedCommunity, life, simulate
from lake.simulate.blemishes import STRANGER
from lake.simulate.life import daily_hazard, live
from lake.simulate.population import ARCHETYPES, NEVER, draw_population
from lake.simulate.state import Life

FIRST_DAY = date(2025, 1, 1)
DAYS = 240
APP_SCHEMA = dict.fromkeys(("id", "user", "type", "ts", "item", "to", "room", "device"), pl.String)


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> SimulatedCommunity:
    return simulate(tmp_path_factory.mktemp("simulated"), seed=11, members=2_000, days=DAYS)


@pytest.fixture(scope="module")
def truth(community: SimulatedCommunity) -> pl.DataFrame:
    return pl.read_parquet(community.folder / "truth" / "members.parquet")


@pytest.fixture(scope="module")
def events(community: SimulatedCommunity) -> pl.DataFrame:
    """Good events as (member_id, event_type, content_id, target_member_id, day)."""
    folder = community.folder / "landing" / "events"
    web = pl.read_parquet(folder / "web-*.parquet")
    app = pl.read_ndjson(folder / "app-*.jsonl", schema=APP_SCHEMA)
    app = app.select(
        event_id="id", member_id="user", event_type="type", occurred_at="ts", content_id="item", target_member_id="to"
    )
    app = app.filter(~pl.col("event_id").str.starts_with("bad")).with_columns(
        pl.col("occurred_at").str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="us", time_zone="UTC")
    )
    both = pl.concat([web.select(app.columns).filter(~pl.col("event_id").str.starts_with("bad")), app])
    return both.with_columns(day=pl.col("occurred_at").dt.convert_time_zone(community.timezone).dt.date())


def order_lines(community: SimulatedCommunity) -> pl.DataFrame:
    lines = pl.read_csv(community.folder / "landing" / "orders.csv.gz", infer_schema=False)
    return lines.filter(~pl.col("order_no").str.starts_with("bad")).with_columns(
        amount=pl.col("quantity").cast(pl.Int64) * pl.col("unit_price").cast(pl.Decimal(12, 2))
    )


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    simulate(tmp_path / "one", seed=3, members=120, days=60)
    simulate(tmp_path / "two", seed=3, members=120, days=60)
    assert hashes(tmp_path / "one") == hashes(tmp_path / "two")


def test_another_seed_gives_another_community(tmp_path: Path) -> None:
    simulate(tmp_path / "one", seed=3, members=120, days=60)
    simulate(tmp_path / "two", seed=4, members=120, days=60)
    assert hashes(tmp_path / "one")["landing/members.csv"] != hashes(tmp_path / "two")["landing/members.csv"]


def test_a_new_simulation_leaves_no_events_of_the_earlier_one(tmp_path: Path) -> None:
    simulate(tmp_path, seed=3, members=120, days=60)
    simulate(tmp_path, seed=3, members=50, days=20)
    assert {path.stem[-7:] for path in (tmp_path / "landing" / "events").iterdir()} == {"2025-01"}


@pytest.mark.parametrize(("members", "days"), [(1, 1), (2, 3), (50, 30)])
def test_small_communities_work(tmp_path: Path, members: int, days: int) -> None:
    community = simulate(tmp_path, members=members, days=days)
    assert community.rows["members"] == members
    assert pl.read_parquet(tmp_path / "truth" / "members.parquet").height == members


def test_a_community_without_days_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="over 0 days"):
        simulate(tmp_path, members=5, days=0)


def test_the_shares_of_archetypes_add_up() -> None:
    assert sum(archetype.share for archetype in ARCHETYPES) == pytest.approx(1)


def test_the_actions_of_each_archetype_are_percentages() -> None:
    assert {archetype.name: sum(archetype.mix) for archetype in ARCHETYPES} == {archetype.name: 100 for archetype in ARCHETYPES}


def test_bad_rows_are_as_many_as_documented(community: SimulatedCommunity) -> None:
    landing = community.folder / "landing"
    lines = pl.read_csv(landing / "orders.csv.gz", infer_schema=False)
    content = pl.read_ndjson(landing / "content.jsonl")
    assert lines.height == community.rows["orders"]
    assert {
        "text_in_amount": lines.filter(pl.col("unit_price") == "n/a").height,
        "impossible_date": lines.filter(pl.col("ordered_at").str.starts_with("2025-02-30")).height,
        "unknown_member": lines.filter(pl.col("customer") == STRANGER).height,
    } == community.bad_rows["orders"]
    assert content.filter(pl.col("author_id") == STRANGER).height == community.bad_rows["content"]["unknown_member"] > 0
    assert sum(community.bad_rows["events"].values()) == pytest.approx(0.002 * community.rows["events"], rel=0.02)


def test_good_rows_refer_only_to_what_exists(community: SimulatedCommunity, events: pl.DataFrame, truth: pl.DataFrame) -> None:
    members = truth["member_id"].implode()
    content = pl.read_ndjson(community.folder / "landing" / "content.jsonl")["content_id"].implode()
    assert events["member_id"].is_in(members).all()
    assert events["target_member_id"].drop_nulls().is_in(members).all()
    assert events["content_id"].drop_nulls().is_in(content).all()


def test_nobody_reacts_to_what_is_not_yet_published(community: SimulatedCommunity, events: pl.DataFrame) -> None:
    content = pl.read_ndjson(community.folder / "landing" / "content.jsonl").select(
        "content_id", published_day=pl.col("published_at").str.to_datetime(time_zone="UTC").dt.date()
    )
    reactions = events.filter(pl.col("event_type").is_in(["comment", "like", "share"])).join(content, on="content_id")
    assert reactions.height > 1_000
    assert (reactions["day"] >= reactions["published_day"]).all()


def test_nobody_acts_before_joining_or_after_drifting_away(events: pl.DataFrame, truth: pl.DataFrame) -> None:
    seen = events.join(truth, on="member_id")
    assert (seen["day"] >= seen["joined_day"]).all()
    assert (seen["day"] < seen["drifted_from"]).fill_null(value=True).all()


def test_activity_fades_in_the_weeks_before_drifting_away(events: pl.DataFrame, truth: pl.DataFrame) -> None:
    gone = truth.filter(pl.col("decline_from").is_between(date(2025, 3, 1), date(2025, 7, 1)))
    weeks = (
        events.filter(pl.col("event_type") == "login")
        .join(gone, on="member_id")
        .with_columns(week=(pl.col("day") - pl.col("decline_from")).dt.total_days() // 7)
    )
    logins = dict(weeks.group_by("week").len().iter_rows())
    before = sum(logins[week] for week in range(-4, 0)) / 4
    assert [logins[week] / before for week in range(3)] == pytest.approx([1 / 2, 1 / 4, 1 / 8], abs=0.12)


def test_spend_adds_up_to_the_truth(community: SimulatedCommunity, truth: pl.DataFrame) -> None:
    spent = order_lines(community).group_by(member_id="customer").agg(minor=(pl.col("amount") * 100).sum().cast(pl.Int64))
    both = truth.join(spent, on="member_id", how="left").with_columns(pl.col("minor").fill_null(0))
    assert both["minor"].to_list() == both["net_spend_minor"].to_list()
    assert truth["net_spend_minor"].sum() > 0


def test_a_week_has_its_rhythm_and_one_member_in_eight_comes_mostly_at_weekends(events: pl.DataFrame) -> None:
    logins = events.filter(pl.col("event_type") == "login").with_columns(weekday=pl.col("day").dt.weekday())
    by_weekday = logins.group_by("weekday").agg(pl.len() / pl.col("day").n_unique()).sort("weekday")["len"]
    usual, weekenders = [0.9, 0.95, 1.0, 1.0, 0.9, 1.05, 1.2], [0.5, 0.5, 0.5, 0.5, 0.5, 2.25, 2.25]
    mixed = [0.88 * one + 0.12 * other for one, other in zip(usual, weekenders, strict=True)]
    assert (by_weekday / by_weekday.mean()).to_list() == pytest.approx(mixed, abs=0.06)
    often = logins.group_by("member_id").agg(pl.len(), at_weekends=(pl.col("weekday") >= 6).mean()).filter(pl.col("len") >= 40)
    assert (often["at_weekends"] > 0.48).mean() == pytest.approx(0.12, abs=0.04)


def test_orders_have_lines_and_refunds(community: SimulatedCommunity) -> None:
    orders = order_lines(community).group_by("order_no").agg(pl.len().alias("lines"), pl.col("amount").sum())
    refunds = orders.filter(pl.col("amount") < 0).height
    assert orders["lines"].mean() == pytest.approx(1 + 1.3, abs=0.1)
    assert refunds / (orders.height - refunds) == pytest.approx(0.05, abs=0.015)


def test_mean_order_values_follow_their_documented_mean(truth: pl.DataFrame) -> None:
    assert truth["mean_order_value"].mean() == pytest.approx(6 * 18 / (4 - 1), rel=0.05)


@pytest.mark.parametrize(("driver", "rises"), [("received", False), ("uncontacted_days", True), ("tenure_days", False)])
def test_the_hazard_is_monotone_in_each_driver(driver: str, rises: bool) -> None:
    people = draw_population(np.random.default_rng(1), members=50, days=30)
    zeros = np.zeros(50, dtype=np.int64)
    drivers = dict.fromkeys(("received", "replies", "posts", "uncontacted_days", "tenure_days"), zeros)
    steps = np.array([daily_hazard(people, **drivers | {driver: zeros + level}) for level in (0, 1, 5, 30)])
    assert (np.diff(steps, axis=0) > 0).all() if rises else (np.diff(steps, axis=0) < 0).all()


def test_the_hazard_is_the_documented_formula() -> None:
    people = draw_population(np.random.default_rng(1), members=1, days=30)
    several = {"received": 4, "replies": 0, "posts": 2, "uncontacted_days": 45, "tenure_days": 73}
    hazard = daily_hazard(people, **{name: np.array([level]) for name, level in several.items()})
    exponent = 1.4 / (1 + 4) + 0.8 * (1 - people.diversity[0]) + 0.6 + 0.5 * 45 / 90 - 0.6 * 73 / 365
    assert hazard[0] == pytest.approx(0.00085 * people.hazard_ratio[0] * np.exp(exponent))


def test_a_member_may_start_to_decline_on_the_day_of_joining(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life, "HAZARD_PER_DAY", 1e9)
    people = draw_population(np.random.default_rng(1), members=300, days=30)
    community = Life.begin(people, np.random.default_rng(2))
    steady = community.gone_from == NEVER
    day = int(people.joined_day.max())
    life._start_declines(community, day)
    assert (people.joined_day[steady] == day).any()
    assert (community.decline_from[steady] == day + 1).all()


def test_replies_are_the_comments_among_what_is_received() -> None:
    community = live(
        draw_population(np.random.default_rng(1), members=300, days=20),
        np.random.default_rng(2),
        first_day=date(2025, 6, 1),
        days=20,
    )
    assert (community.replies <= community.received).all()
    assert 0 < community.replies.sum() < community.received.sum()


def test_members_who_receive_less_start_to_decline_more_often(
    community: SimulatedCommunity, events: pl.DataFrame, truth: pl.DataFrame
) -> None:
    authors = pl.read_ndjson(community.folder / "landing" / "content.jsonl").select("content_id", "author_id")
    aimed = events.filter(pl.col("event_type").is_in(["comment", "like", "share", "message"])).join(
        authors, on="content_id", how="left"
    )
    received = aimed.select(giver="member_id", member_id=pl.coalesce("target_member_id", "author_id"), day="day")
    received = received.filter(pl.col("giver") != pl.col("member_id"))
    rows = []
    for as_of in (date(2025, 3, 1), date(2025, 4, 15), date(2025, 6, 1), date(2025, 7, 15)):
        recent = received.filter(pl.col("day").is_between(pl.lit(as_of).dt.offset_by("-27d"), as_of)).group_by("member_id").len()
        steady = truth.filter((pl.col("joined_day") <= as_of) & ~(pl.col("decline_from") <= as_of).fill_null(value=False))
        starts = pl.col("decline_from").is_between(as_of, pl.lit(as_of).dt.offset_by("28d")).fill_null(value=False)
        rows.append(steady.join(recent, on="member_id", how="left").select(pl.col("len").fill_null(0), starts=starts))
    level = pl.sum_horizontal(pl.col("len") > bound for bound in (0, 3))
    by_level = pl.concat(rows).group_by(level=level).agg(pl.col("starts").mean())
    shares = by_level.sort("level")["starts"].to_list()
    assert len(shares) == 3
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > 1.5 * shares[-1]


def test_the_treatment_brings_as_many_sessions_as_documented(community: SimulatedCommunity, events: pl.DataFrame) -> None:
    sent = pl.read_csv(community.folder / "landing" / "contacts.csv", separator=";", infer_schema=False).select(
        "contact_id", sent_day=pl.col("sent_at").str.head(10).str.to_date("%d/%m/%Y", strict=False)
    )
    trial = pl.read_parquet(community.folder / "truth" / "contacts.parquet").join(sent, on="contact_id")
    trial = trial.filter(pl.col("sent_day") <= pl.lit(community.last_day).dt.offset_by("-7d"))
    logins = events.filter(pl.col("event_type") == "login").join(trial, on="member_id")
    days_later = (pl.col("day") - pl.col("sent_day")).dt.total_days()
    returned = logins.filter(days_later.is_between(1, 7)).group_by("contact_id").len("logins")
    outcome = trial.join(returned, on="contact_id", how="left").with_columns(pl.col("logins").fill_null(0))
    arms = {arm: frame["logins"].to_numpy() for (arm,), frame in outcome.partition_by("arm", as_dict=True).items()}
    effect = arms["treatment"].mean() - arms["control"].mean()
    error = float(np.sqrt(sum(values.var() / len(values) for values in arms.values())))
    expected = outcome["expected_extra_sessions"].mean()
    assert isinstance(expected, float)
    assert abs(effect - expected) < 3 * error
    assert effect > 3 * error


def test_only_members_who_may_be_contacted_are(community: SimulatedCommunity) -> None:
    landing = community.folder / "landing"
    refused = pl.read_csv(landing / "members.csv", infer_schema=False).filter(pl.col("can_contact") == "false")
    contacts = pl.read_csv(landing / "contacts.csv", separator=";", infer_schema=False)
    assert refused.height > 0
    assert not contacts["member_id"].is_in(refused["member_id"].implode()).any()


def test_the_clock_change_makes_no_time_invalid(tmp_path: Path) -> None:
    community = simulate(tmp_path, seed=5, members=400, days=3, first_day=date(2025, 3, 29))
    events = pl.read_parquet(tmp_path / "landing" / "events" / "web-2025-03.parquet")
    assert events["occurred_at"].null_count() == 0
    assert community.last_day == date(2025, 3, 31)


def test_texts_are_hostile_but_survive_a_round_trip(community: SimulatedCommunity) -> None:
    landing = community.folder / "landing"
    titles = pl.read_ndjson(landing / "content.jsonl")["title"]
    comments = pl.read_csv(landing / "feedback.csv", infer_schema=False)
    assert titles.str.starts_with("=").any()
    assert titles.str.contains("🌱").any()
    assert comments.height == community.rows["feedback"]
