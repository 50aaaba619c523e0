"""What the report and MLflow tell of leaving and of coming back, counted apart."""

import polars as pl
import pytest

from outputs.report.risk_facts import Outlook
from pipeline.risk_facts import outlook, risk_metrics

MEMBERS = pl.DataFrame(
    {
        "presence": ["still_here", "still_here", "gone", "gone", None],
        "churn_risk": ["high", "low", "high", "medium", None],
        "churn_probability": [0.7, 0.1, 0.9, 0.4, None],
    }
)


def test_members_still_here_and_gone_are_counted_apart() -> None:
    assert outlook(MEMBERS, None, "still_here") == Outlook(2, 1, 0, 1, pytest.approx(0.7 + 0.1))
    assert outlook(MEMBERS, MEMBERS, "gone") == Outlook(2, 0, 1, 1, pytest.approx(0.9 + 0.4), 1)
    assert outlook(MEMBERS, MEMBERS, "gone").staying == pytest.approx(2 - 1.3)


@pytest.mark.parametrize("earlier", [MEMBERS.drop("presence"), MEMBERS.with_columns(presence=pl.lit(None, pl.String))])
def test_a_night_before_that_does_not_tell_who_was_still_here_is_not_compared_with(earlier: pl.DataFrame) -> None:
    assert outlook(MEMBERS, earlier, "still_here").high_previous is None


def test_a_night_logs_both_kinds_of_members() -> None:
    assert risk_metrics(MEMBERS) == {
        "still_here.members": 2,
        "still_here.high_risk": 1,
        "still_here.expected_to_leave": pytest.approx(0.8),
        "gone.members": 2,
        "gone.high_risk": 1,
        "gone.expected_to_leave": pytest.approx(1.3),
    }
