"""One sentence says by what an action is ranked, and why."""

from __future__ import annotations

from wording.ranking import ranking_line

FIGURES = {"decisions": 1_200, "qini": 0.0077, "champion_qini": -0.0002, "low": 0.0051, "high": 0.0121}


def test_an_accepted_model_is_said_to_rank() -> None:
    assert ranking_line("win_back", accepted=True, **FIGURES) == (
        "win_back goes first to members whom it moves: judged by 1,200 later decisions, that order surely gains more than the "
        "order by what is at stake (Qini 0.0077 against −0.0002, difference 0.0051 to 0.0121)."
    )


def test_a_challenger_that_stays_one_is_said_to_be_not_surely_better() -> None:
    said = ranking_line("win_back", accepted=False, **FIGURES | {"low": -0.001})
    assert said.startswith("win_back goes first to members for whom most is at stake: ")
    assert said.endswith("is not surely better (Qini 0.0077 against −0.0002, difference −0.0010 to 0.0121).")
