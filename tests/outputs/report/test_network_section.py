from __future__ import annotations

import html
import re
from dataclasses import replace

from outputs.report.network_facts import AbsencePoint, Carriers
from outputs.report.network_section import carriers_section
from tests.outputs.examples import AS_OF, HOSTILE, carriers, ordinary_night


def told(facts: Carriers | None) -> str:
    section = carriers_section(replace(ordinary_night(), carriers=facts))
    assert section is not None
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", section.body)).split())


def test_it_says_who_carries_the_community_and_what_hangs_on_whom() -> None:
    said = told(carriers())
    for sentence in (
        "10 opinion leaders together reach 50 % of the 1,204 members who respond to each other",
        "They wrote 25 % of what was posted in a year.",
        "1 opinion leader has a high risk of leaving: talk to them in person.",
        "The one who would be missed most reaches 151 members (13 %) whom nobody else of the team reaches.",
        "With them would go 9 % of what is posted and under 1 % of all responses.",
        "Half of what was posted in the last 28 days came from 2 members, of 40 who posted. If one of them stops, it shows",
        "Over the year, 28 days by 28 days: 8, 7, 6, 5, 4, 3, 2. Fewer people carry the community than before.",
        f"Begin with “{HOSTILE}”: 8 of its 11 members still here have a high risk of leaving, and 2 opinion leaders can",
        "1,009 members belong to none.",
        "Became one: Wine and Grapes are now “Wine”.",
        "Became several: “Beer” is now Beer and Ale.",
        f"New: “{HOSTILE}”.",
        "Gone: “Mead”.",
        "2 groups of 5 and 4 members respond almost only to each other",
    ):
        assert sentence in said, sentence
    assert "<script" not in str(carriers_section(ordinary_night()))


def test_where_nobody_responds_there_is_no_section() -> None:
    assert carriers_section(replace(ordinary_night(), carriers=None)) is None


def test_a_small_network_without_leaders_says_so_and_nothing_more() -> None:
    said = told(Carriers(members=3, window_days=365, leaders=0, reached=0))
    assert said.startswith("3 members responded to each other in the last 365 days, and nobody of those still here")
    for absent in ("posted", "Begin with", "belong to none"):
        assert absent not in said


def test_a_factor_that_varies_by_chance_is_no_trend() -> None:
    periods = tuple(AbsencePoint(AS_OF, factor, 20) for factor in (6, 3, 4, 6, 3, 2, 2, 5, 5, 4, 3, 6, 4))
    assert "That is about as many as before." in told(replace(carriers(), absence=periods))
    assert "before" not in told(replace(carriers(), absence=periods[:5]))
