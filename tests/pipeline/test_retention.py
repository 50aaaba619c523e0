"""What is past its keeping time is removed, and nothing else."""

from datetime import timedelta
from pathlib import Path

from lake.storage.delta import Lake
from pipeline.retention import apply_retention
from pipeline.stored_nights import NIGHT as COLUMN
from pipeline.stored_nights import SCORES
from runtime.run_context import open_run
from tests.nights import NIGHT

KEEPING = """
[retention.scores]
keep_days = 5
[retention.lists]
keep_days = 5
"""


def test_lists_reports_and_scores_go_when_their_time_is_over(begun: Path) -> None:
    file = begun / "evenfall.toml"
    file.write_text(file.read_text() + KEEPING)
    of_people = begun / "lists" / "notes of ours"
    of_people.mkdir()
    report = begun / "reports" / f"{NIGHT}.html"
    edition = begun / "reports" / f"{NIGHT}.week.html"
    edition.write_text("a week")

    apply_retention(open_run(begun, NIGHT + timedelta(days=4)))
    assert (begun / "lists" / str(NIGHT)).exists()
    assert report.exists()
    assert Lake(begun / "lake").days(SCORES, column=COLUMN) == {NIGHT}

    apply_retention(open_run(begun, NIGHT + timedelta(days=5)))
    assert [path.name for path in (begun / "lists").iterdir()] == [of_people.name]
    assert not report.exists()
    assert not edition.exists()
    assert not report.with_name(f"{NIGHT}-validation.html").exists()
    assert Lake(begun / "lake").days(SCORES, column=COLUMN) == set()
