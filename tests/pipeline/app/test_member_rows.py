"""Members of a night filtered, sorted and paged; lists beside them; the members behind each figure."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from lake.arrivals import REFUSALS
from lake.errors import ConfigurationError
from pipeline.app.member_rows import FILTERS, ORDERS, PAGE_ROWS, Choice, NightLists, as_csv, behind_figure, chosen, page_of
from pipeline.app.other_lists import changes_page, contact_page, figures_of_week, files_of, tier_rows
from pipeline.community.figure_drill import has_members, members_behind
from pipeline.figure_rows import read_figures
from runtime.run_context import RunContext, open_run
from tests.communities import LAST_DAY
from tests.explored import REFUSED, Explored

# Figures that count members once each.
COUNTED = ("dau", "wau", "mau", "new_members", "first_time_members", "returning_members", "resurrected_members", "lost_members",
           "buyers", "readers", "contributors", "creators")  # fmt: skip


@pytest.fixture(scope="module")
def run(explored: Explored) -> RunContext:
    return open_run(explored.root, LAST_DAY)


@pytest.fixture(scope="module")
def lists(run: RunContext) -> NightLists:
    return NightLists(run)


@pytest.fixture(scope="module")
def members(run: RunContext, lists: NightLists) -> pl.DataFrame:
    return lists.members(run)


def written(run: RunContext) -> pl.DataFrame:
    return pl.read_parquet(run.workspace.night(run.as_of) / "members.parquet")


def ids(run: RunContext, members: pl.DataFrame, **wanted: str) -> list[str]:
    choice = Choice.of(wanted)
    return members[chosen(run, members, choice, behind_figure(run, choice))]["member_id"].to_list()


def test_without_a_choice_the_list_is_the_list(run: RunContext, members: pl.DataFrame) -> None:
    assert ids(run, members) == written(run)["member_id"].to_list()


@pytest.mark.parametrize("column", FILTERS)
def test_each_filter_keeps_what_the_list_says(run: RunContext, members: pl.DataFrame, column: str) -> None:
    listed = written(run).filter(pl.col("member_id") != REFUSED)
    if column not in listed.columns:
        pytest.skip("this community has none")
    for value in listed[column].drop_nulls().unique():
        assert ids(run, members, **{column: value}) == listed.filter(pl.col(column) == value)["member_id"].to_list()


def test_text_is_an_id_or_a_reason_of_somebody_who_may_be_profiled(run: RunContext, members: pl.DataFrame) -> None:
    assert ids(run, members, text=" C012 ") == ["c012"]
    said = written(run).select("member_id", pl.col("reasons").list.first().struct.field("text"))
    for text in ("usual", "last", "=1"):
        has = said.filter(
            pl.col("text").str.to_lowercase().str.contains(text, literal=True)
            | pl.col("member_id").str.contains(text, literal=True)
        )
        assert sorted(ids(run, members, text=text)) == sorted(set(has["member_id"]))


@pytest.mark.parametrize(("order", "column"), [(order, column) for order, column in ORDERS.items() if column is not None])
def test_an_order_puts_the_highest_first_and_who_has_none_last(
    run: RunContext, members: pl.DataFrame, order: str, column: str
) -> None:
    values = members[chosen(run, members, Choice(order=order), None)][column].to_list()
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=True)
    assert values == known + [None] * (len(values) - len(known))


def test_pages_together_are_the_whole_list_once(run: RunContext, members: pl.DataFrame) -> None:
    first = page_of(run, members, Choice(), page=1)
    assert first.pages == -(-members.height // PAGE_ROWS)
    every = [row for page in range(1, first.pages + 1) for row in page_of(run, members, Choice(), page=page).rows["row"]]
    assert every == list(range(members.height))
    assert page_of(run, members, Choice(), page=10_000).page == first.pages


@pytest.mark.parametrize(
    "wanted",
    [{"figure": "mau"}, {"figure": "mau", "day": "yesterday"}, {"figure": "nonsense", "day": "2025-07-01"}, {"day": "2025-07-01"},
     {"order": "member_id"}],
)  # fmt: skip
def test_a_choice_that_means_nothing_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError):
        Choice.of(wanted)


def test_an_address_holds_the_choice_but_no_text() -> None:
    choice = Choice.of({"tier": "gold", "text": "c012", "order": "risk", "figure": "mau", "day": "2025-07-01", "other": "x"})
    linked = choice.linked()
    assert linked == {"tier": "gold", "order": "risk", "figure": "mau", "day": "2025-07-01"}
    assert Choice.of(linked | {"text": "c012"}) == choice


def test_the_download_is_the_rows_as_the_night_wrote_them(run: RunContext, members: pl.DataFrame) -> None:
    rows = chosen(run, members, Choice(order="risk"), None)
    lines = (run.workspace.night(run.as_of) / "members.csv").read_bytes().splitlines(keepends=True)
    expected = [lines[0], *(lines[1 + row] for row in rows)]
    assert as_csv(run, rows).splitlines(keepends=True) == expected


@pytest.mark.parametrize("back", [0, 1, 13, 60, 150])
@pytest.mark.parametrize("figure", COUNTED)
def test_as_many_members_are_behind_a_figure_as_it_says(run: RunContext, figure: str, back: int) -> None:
    day = LAST_DAY - timedelta(days=back)
    figures = read_figures(run.workspace.lake, first=day, last=day).filter(pl.col("dimension") == "")
    values = figures.filter(pl.col("figure") == figure)["value"]
    behind = members_behind(run, figure, day)
    assert behind.len() == (values[0] if values.len() else 0)
    assert behind.is_unique().all()


def test_behind_a_share_are_those_who_make_it(run: RunContext) -> None:
    figures = read_figures(run.workspace.lake, first=LAST_DAY, last=LAST_DAY).filter(pl.col("dimension") == "")
    value = dict(figures.select("figure", "value").iter_rows())
    mau = members_behind(run, "mau", LAST_DAY).len()
    assert members_behind(run, "conversion_rate_30d", LAST_DAY).len() == pytest.approx(value["conversion_rate_30d"] * mau)
    assert members_behind(run, "stickiness", LAST_DAY).len() == pytest.approx(value["stickiness"] * mau)
    assert not has_members("open_rate_30d")


def test_who_refused_is_counted_and_not_shown_behind_a_figure(run: RunContext, members: pl.DataFrame) -> None:
    page = page_of(run, members, Choice(figure="mau", day=LAST_DAY), page=1)
    assert page.found == members_behind(run, "mau", LAST_DAY).len() - 1
    assert page.hidden == 1
    assert page_of(run, members, Choice(figure="mau", day=LAST_DAY, tier="gold"), page=1).hidden == 0


def test_a_refusal_of_today_hides_what_an_older_list_says(explored: Explored, tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(explored.root, folder)
    run = open_run(folder, LAST_DAY)
    lists = NightLists(run)
    listed = contact_page(run, lists.members(run), page=1).rows["member_id"]
    refuses = listed[0]
    assert lists.members(run).filter(pl.col("member_id") == refuses)["tier"].item() is not None
    refusals = run.workspace.lake.scan(REFUSALS).collect()
    yes = pl.lit(value=True)
    said = refusals.head(1).with_columns(member_id=pl.lit(refuses), refuses_profile=yes, refuses_contact=yes)
    run.workspace.lake.replace(REFUSALS, pl.concat([refusals, said]))
    after = lists.members(run).filter(pl.col("member_id") == refuses)
    assert after.select(pl.exclude("row", "member_id", "is_eligible")).row(0) == (None,) * (after.width - 3)
    page = contact_page(run, lists.members(run), page=1)
    assert page.rows["member_id"].to_list() == listed.to_list()[1:]
    assert page.refused == 1
    line = as_csv(run, after["row"]).decode("utf-8-sig").splitlines()[1]
    assert set(line.split(",")) == {str(LAST_DAY), refuses, "false", ""}


def test_tiers_add_up_with_those_of_the_night_before(run: RunContext, members: pl.DataFrame) -> None:
    rows = tier_rows(members)
    assert [row.tier for row in rows] == ["diamond", "gold", "silver", "regular"]
    assert sum(row.members for row in rows) == members["tier"].count()
    assert sum(row.came for row in rows) == sum(row.left for row in rows)
    known = members.filter(pl.col("previous_tier").is_not_null())
    for row in rows:
        assert row.previous_members == known.filter(pl.col("previous_tier") == row.tier).height
        assert (
            row.members - row.came + row.left - row.previous_members
            == members.filter((pl.col("tier") == row.tier) & pl.col("previous_tier").is_null()).height
        )


def test_contacts_and_changes_are_those_of_the_files(run: RunContext, members: pl.DataFrame) -> None:
    folder = run.workspace.night(run.as_of)
    contacts = contact_page(run, members, page=1)
    assert contacts.found == pl.read_csv(folder / "contact_list.csv").height
    assert contacts.rows["row"].null_count() == 0
    changes, kinds = changes_page(run, what=None, page=1)
    assert changes.found == sum(kinds.values())
    assert changes.found + changes.refused == pl.read_csv(folder / "changes.csv").height
    for kind, n in kinds.items():
        assert changes_page(run, what=kind, page=1)[0].found == n


def test_files_are_those_of_the_receipt(run: RunContext) -> None:
    folder = run.workspace.night(run.as_of)
    assert set(files_of(run)) == {path.name for path in folder.iterdir()}


def test_a_week_of_figures_ends_with_its_day(run: RunContext) -> None:
    week = figures_of_week(run, last=None)
    assert week.days == [LAST_DAY - timedelta(days=n) for n in range(6, -1, -1)]
    assert week.after is None
    earlier = figures_of_week(run, last=week.before)
    assert earlier.days[-1] == week.days[0] - timedelta(days=1)
    assert earlier.after == LAST_DAY
    assert figures_of_week(run, last=date(1990, 1, 1)).days == []
