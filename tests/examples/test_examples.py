"""Real communities: what lands is what the files hold, and predictions come true better than the simple rule's."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from flows.scaffold import make_demo
from lake.arrivals import read_arrivals
from lake.quarantine import read_quarantine
from lake.storage.delta import Lake
from tests.examples.conftest import EXAMPLES, copy_of
from tests.forum import take_in
from tests.nights import Run
from tests.tiers import activity_days, check_tiers, spend_of_year

RETAIL_NIGHT = date(2011, 8, 31)
CDNOW_NIGHT = date(1998, 3, 31)
# The committer of what is merged on the web.
WEB_INTERFACE = "66c1cede74755f49"
# Most of a first night is learning from a year of past nights, for each of two models, twice.
AS_SHIPPED = pytest.param("", id="as shipped", marks=pytest.mark.soak)
LITTLE = "\n[prediction]\nmax_cutoffs = 3\nrounds = 60\n"
# The starting model predicts where nothing is asked of predictions but that there are some.
NOTHING = "\n[prediction]\nmax_cutoffs = 3\nmin_members_to_learn = 1_000_000\n"


def outcome(workspace: Path, members: pl.DataFrame, as_of: date, horizon_days: int) -> pl.DataFrame:
    """One row per eligible member: what became of them, beside how long they had been silent."""
    days = activity_days(workspace)
    later = days.filter(pl.col("event_date").is_between(as_of + timedelta(days=1), as_of + timedelta(days=horizon_days)))
    last = days.filter(pl.col("event_date") <= as_of).group_by("member_id").agg(last=pl.col("event_date").max())
    return (
        members.filter("is_eligible")
        .join(last, on="member_id")
        .with_columns(
            churned=~pl.col("member_id").is_in(later["member_id"].unique().implode()),
            silence_days=(pl.lit(as_of) - pl.col("last")).dt.total_days(),
        )
    )


def identity_holds(workspace: Path) -> bool:
    ledger = read_arrivals(Lake(workspace / "lake"))
    counted = pl.sum_horizontal("left_out", "merged", "replaced", "quarantined", "landed")
    return bool(ledger.select((counted == pl.col("rows_read")).all()).item())


@pytest.mark.parametrize("more", [pytest.param(LITTLE, id="learning from little"), AS_SHIPPED])
def test_online_retail_lands_every_order_once_and_beats_recency(run: Run, tmp_path: Path, more: str) -> None:
    workspace = copy_of("online-retail-ii", tmp_path, more=more)
    done = run("nightly", "--workspace", workspace, "--as-of", RETAIL_NIGHT)
    assert done.code == 0, done.err
    sheets = pl.concat(
        [
            pl.read_parquet(EXAMPLES / "online-retail-ii" / "data" / f"sheet_{years}.parquet").select(
                pl.nth(0).alias("order"),
                pl.nth(3).alias("quantity"),
                pl.nth(5).alias("price"),
                pl.nth(6).alias("customer"),
                sheet=pl.lit(years),
            )
            for years in ("2009_2010", "2010_2011")
        ]
    )
    known = sheets.drop_nulls("customer")
    ledger = read_arrivals(Lake(workspace / "lake"))
    assert ledger["rows_read"].sum() == sheets.height == 1_067_370
    assert ledger["left_out"].sum() == sheets.height - known.height
    assert identity_holds(workspace)
    assert "1,067,370 rows read = 243,007 left out" in done.out
    newest = known.group_by("order", "sheet").agg(minor=(pl.col("quantity") * pl.col("price")).sum() * 100).sort("order", "sheet")
    once = newest.unique("order", keep="last")
    landed = Lake(workspace / "lake").scan("orders").collect()
    assert landed.height == once.height
    assert (
        landed.join(once, left_on="order_id", right_on="order").select(pl.col("amount_minor") - pl.col("minor"))
    ).to_series().abs().max() < 0.51
    refunds = landed.filter(pl.col("order_id").str.starts_with("C"))
    assert refunds.height == once.filter(pl.col("order").str.starts_with("C")).height
    assert (refunds["amount_minor"] <= 0).all()

    members = pl.read_parquet(workspace / "lists" / str(RETAIL_NIGHT) / "members.parquet")
    check_tiers(members, activity_days(workspace), RETAIL_NIGHT, spend_of_year(workspace, RETAIL_NIGHT))
    seen = outcome(workspace, members, RETAIL_NIGHT, 90)
    auc = roc_auc_score(seen["churned"], seen["churn_probability"])
    assert auc >= roc_auc_score(seen["churned"], seen["silence_days"]) + 0.03


@pytest.mark.parametrize("more", [pytest.param(NOTHING, id="learning nothing"), AS_SHIPPED])
def test_stack_exchange_gives_lists_without_spend_pretending_to_be_a_fact(run: Run, tmp_path: Path, more: str) -> None:
    workspace = copy_of("stack-exchange-beer", tmp_path, more=more)
    done = run("nightly", "--workspace", workspace)
    assert done.code == 0, done.err
    assert identity_holds(workspace)
    night = workspace / "lists" / "2020-05-30"
    members = pl.read_parquet(night / "members.parquet")
    for column in ("expected_value", "commercial_score", "value_model"):
        assert members[column].is_null().all(), column
    check_tiers(members, activity_days(workspace), date(2020, 5, 30))
    report = (workspace / "reports" / "2020-05-30.html").read_text()
    assert "spen" not in report.split("</style>")[-1].lower()
    assert "-1" not in members["member_id"].to_list()
    assert pl.read_csv(night / "contact_list.csv")["expected_value"].is_null().all()
    # The one question of these 90 days that nobody has answered, by somebody who had joined on the same day.
    waiting = pl.read_csv(night / "unanswered.csv", infer_schema=False)
    assert waiting.select("content_id", "is_first_post", "member_id").rows() == [("8036", "true", "11238")]
    assert run("verify", "--workspace", workspace).code == 0
    assert 'id="unanswered"' in report
    assert 'id="what-works"' in report
    # Questions draw answers; that is no reason to ask more and to answer less.
    assert "Posts of the form" not in report
    lake = Lake(workspace / "lake")
    assert read_quarantine(lake).is_empty()
    # Concerning posts of deleted accounts, or no post at all.
    page = (workspace / "reports" / "2020-05-30-validation.html").read_text()
    assert "events.content_id: 55 of " in page


def test_cdnow_lands_each_purchase_though_none_has_a_key(tmp_path: Path) -> None:
    workspace = copy_of("cdnow", tmp_path)
    take_in(workspace, night=CDNOW_NIGHT)
    assert identity_holds(workspace)
    published = [
        line.split() for line in (EXAMPLES / "cdnow" / "data" / "CDNOW_master.txt").read_text().splitlines()[1:] if line.strip()
    ]
    landed = Lake(workspace / "lake").scan("orders").collect()
    assert landed.height == len(published) == 69_659
    assert landed["amount_minor"].sum() == sum(round(float(row[3]) * 100) for row in published)


@pytest.mark.soak
def test_cdnow_is_predicted_better_than_by_silence(run: Run, tmp_path: Path) -> None:
    workspace = copy_of("cdnow", tmp_path)
    done = run("nightly", "--workspace", workspace, "--as-of", CDNOW_NIGHT)
    assert done.code == 0, done.err
    members = pl.read_parquet(workspace / "lists" / str(CDNOW_NIGHT) / "members.parquet")
    assert members.height == 23_570
    check_tiers(members, activity_days(workspace), CDNOW_NIGHT, spend_of_year(workspace, CDNOW_NIGHT))
    seen = outcome(workspace, members, CDNOW_NIGHT, 91)
    assert roc_auc_score(seen["churned"], seen["churn_probability"]) > roc_auc_score(seen["churned"], seen["silence_days"])


def test_the_tiers_of_a_simulated_community_are_those_operators_rely_on(run: Run, tmp_path: Path) -> None:
    make_demo(tmp_path, members=800, days=400, seed=3)
    with (tmp_path / "evenfall.toml").open("a") as file:
        file.write(NOTHING)
    done = run("nightly", "--workspace", tmp_path)
    assert done.code == 0, done.err
    (night,) = (tmp_path / "lists").iterdir()
    as_of = date.fromisoformat(night.name)
    members = pl.read_parquet(night / "members.parquet").drop_nulls("tier")
    check_tiers(members, activity_days(tmp_path), as_of, spend_of_year(tmp_path, as_of))


@pytest.mark.parametrize("more", [pytest.param(NOTHING, id="learning nothing"), AS_SHIPPED])
def test_a_git_community_lands_what_people_did_when_they_did_it(run: Run, tmp_path: Path, more: str) -> None:
    workspace = copy_of("git-communities/fastlane", tmp_path, more=more)
    done = run("nightly", "--workspace", workspace, "--as-of", "2021-06-30")
    assert done.code == 0, done.err
    assert identity_holds(workspace)
    commits, trailers = (pl.read_parquet(workspace / "data" / f"{name}.parquet") for name in ("commits", "trailers"))
    bots = commits.filter("is_bot")["author"].unique()
    is_timely = (pl.col("committed_at") - pl.col("authored_at")).dt.total_seconds() <= 30 * 86_400
    written = commits.filter(is_timely, ~pl.col("is_bot"))
    taken_in = commits.filter(~pl.col("is_bot"), pl.col("committer") != pl.col("author"), pl.col("committer") != WEB_INTERFACE)
    named = trailers.filter(is_timely, ~pl.col("is_bot"), pl.col("person") != pl.col("author"))
    landed = Lake(workspace / "lake").scan("events").collect()
    assert landed.height == written.height + taken_in.height + named.height
    assert landed.group_by("event_type").len().filter(pl.col("event_type") == "take_in")["len"].item() == taken_in.height
    towards_others = landed.drop_nulls("target_member_id")
    assert towards_others.height == taken_in.height + named.height
    assert (towards_others["member_id"] != towards_others["target_member_id"]).all()
    members = pl.read_parquet(workspace / "lists" / "2021-06-30" / "members.parquet")
    scored = members.filter(pl.col("churn_probability").is_not_null())["member_id"]
    assert scored.len() > 0
    assert not set(scored) & {*bots, WEB_INTERFACE}


@pytest.mark.parametrize("example", ["online-retail-ii", "stack-exchange-beer", "cdnow", "git-communities"])
def test_an_example_names_its_source_and_licence(example: str) -> None:
    told = (EXAMPLES / example / "README.md").read_text()
    assert "Source:" in told
    assert "licen" in told.lower()
