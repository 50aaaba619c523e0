from __future__ import annotations

from typing import Any

from wording.effects import experiment_lines, plan_lines

FIGURES: dict[str, Any] = {
    "campaign": "spring",
    "arms": {"control": 1_000, "mail": 1_000, "call": 40},
    "p_srm": 0.4,
    "outcome": "returned",
    "comparisons": [
        {"arm": "mail", "control": "control", "effect": 0.045, "effect_unadjusted": 0.05, "low": 0.03, "high": 0.06,
         "relative": 0.45, "p": 1e-9},
        {"arm": "call", "control": "control", "effect": -0.01, "effect_unadjusted": -0.01, "low": -0.05, "high": 0.03,
         "relative": -0.1, "p": 0.62},
    ],
    "minimum_detectable_effect": 0.02,
    "horizon_days": 14,
    "as_of": "2025-06-30",
    "rates": {"control": 0.1, "mail": 0.145, "call": 0.09},
    "left_out": {"refused": 1, "not_matured": 3},
    "several_arms": 2,
}  # fmt: skip
PLAN: dict[str, Any] = {
    "outcome": "spent", "horizon_days": 28, "as_of": "2025-06-30", "members": 5_000, "mean": 12.5, "variance": 400.0,
    "correlation": 0.6, "members_per_day": 40.0, "effect": 1.25, "relative": 0.1, "members_per_arm": 2_572, "days": 157,
    "smallest_effects": {"7": 5.35, "14": None},
}  # fmt: skip


def test_an_experiment_is_a_table_and_a_sentence_for_each_arm() -> None:
    assert "\n".join(experiment_lines(FIGURES, currency="EUR")).replace("\u00a0", " ") == (
        "Campaign spring: who came back within 14 days of the first contact, as far as 30 Jun 2025\n"
        "\n"
        "Arm      Members   Share   Difference               95 % interval  Relative        p\n"
        "control    1,000  10.0 %\n"
        "mail       1,000  14.5 %  +4.5 points  +3.0 points to +6.0 points     +45 %  < 0.001\n"
        "call          40   9.0 %  −1.0 points  −5.0 points to +3.0 points     −10 %    0.620\n"
        "\n"
        "mail had more than control: +4.5 points, with 95 % certainty between +3.0 points and +6.0 points.\n"
        "call and control cannot be told apart: the difference may be anything from −5.0 points to +3.0 points.\n"
        "With several arms, the intervals hold together (Bonferroni) and p is corrected (Holm).\n"
        "Four of five experiments like this one would find an effect of 2.0 points; a smaller one may stay hidden.\n"
        "Left out: 1 member who may not be profiled.\n"
        "Not yet in it: 3 members whose window is not over.\n"
        "2 members had contacts in several arms and count in that of the first one."
    )


def test_arms_of_the_wrong_size_are_said_before_anything_else() -> None:
    lines = experiment_lines({**FIGURES, "p_srm": 0.00001}, currency=None)
    assert lines[lines.index("", 2) + 1].startswith("Do not trust this: the arms do not have the sizes")
    assert "(p < 0.001)" in lines[7]


def test_what_is_unknown_is_a_dash_and_said() -> None:
    unknown = {**FIGURES["comparisons"][0], "low": None, "high": None, "p": None, "relative": None}
    lines = experiment_lines(
        {**FIGURES, "comparisons": [unknown], "minimum_detectable_effect": None, "left_out": {}, "several_arms": 0}, currency=None
    )
    assert lines[4].split("  ")[-1].strip() == "–"
    assert lines[-1] == "mail and control cannot be compared: there are too few members, or nothing varies."


def test_money_and_counts_are_written_as_such() -> None:
    less = {**FIGURES["comparisons"][0], "effect": -1.5, "low": -2.25, "high": -0.75}
    spent = {**FIGURES, "outcome": "spent", "rates": {"control": 12.0, "mail": 10.5}, "arms": {"control": 5, "mail": 5}}
    lines = experiment_lines({**spent, "comparisons": [less]}, currency="EUR")
    assert lines[4].split() == ["mail", "5", "€10.50", "−€1.50", "−€2.25", "to", "−€0.75", "+45", "%", "<", "0.001"]
    assert lines[6].startswith("mail had less than control: −€1.50")
    likes = experiment_lines({**spent, "outcome": "like", "comparisons": [less]}, currency="EUR")
    assert likes[0].startswith("Campaign spring: likes within")
    assert "−2.25 to −0.7500" in likes[4]


def test_a_plan_is_said_with_its_durations() -> None:
    assert "\n".join(plan_lines(PLAN, currency="EUR")).replace("\u00a0", " ") == (
        "An experiment on what was spent within 28 days, by the past of 5,000 members until 30 Jun 2025\n"
        "\n"
        "Without a campaign: €12.50 per member. The window before explains 36 % of what differs between members.\n"
        "An effect of +€1.25 (+10 %) needs 2,572 members in each of two arms, "
        "which takes 157 days with 40 members entering a day and the window at the end.\n"
        "\n"
        "Days of entering  Smallest effect found in four of five\n"
        "7                                                 €5.35"
    )


def test_a_plan_that_nobody_enters_or_that_nothing_varies_in_is_said() -> None:
    nobody = plan_lines({**PLAN, "days": None, "relative": None, "smallest_effects": {"7": None}}, currency=None)
    assert nobody[-1] == "An effect of +1.25 needs 2,572 members in each of two arms; nobody enters at present."
    assert plan_lines({**PLAN, "members_per_arm": None}, currency=None)[-1].startswith("Nothing varies")
