"""What a comparison with another community says."""

from wording.partners import counts_lines, overlap_lines

CELLS = [
    {"dimension": "topic", "value": "wine", "ours": 1200, "shared": 600, "shared_share": 0.5},
    {"dimension": "topic", "value": "beer", "ours": 800, "shared": 100, "shared_share": 0.125},
]


def test_an_overlap_is_told_with_its_table() -> None:
    lines = list(overlap_lines(ours=2000, theirs=1400, shared=700, cells=CELLS, closest=CELLS[0], fewest=10))
    assert lines[0] == "We have 2,000 members who may be compared, they have 1,400."
    assert "700 members are in both: 35 % of ours, 50 % of theirs. 50 % of theirs are new to us." in lines[1].replace("\xa0", " ")
    assert [line.split() for line in lines[2:5]] == [
        ["ours", "in", "both", "of", "ours"],
        ["topic", "wine", "1,200", "600", "50", "%"],
        ["topic", "beer", "800", "100", "12", "%"],
    ]
    assert lines[5].startswith("Closest to them is topic wine")


def test_a_small_overlap_says_only_that_it_is_small() -> None:
    lines = list(overlap_lines(ours=2000, theirs=1400, shared=None, cells=[], closest=None, fewest=10))
    assert len(lines) == 2
    assert "Fewer than 10" in lines[1]


def test_counts_are_told_with_what_fits() -> None:
    rows = [
        {"dimension": "topic", "value": "wine", "ours": 300, "theirs": 200},
        {"dimension": "topic", "value": "cars", "ours": None, "theirs": 90},
    ]
    lines = list(counts_lines(rows, {"topic": 0.7}))
    assert [line.split() for line in lines[:3]] == [
        ["ours", "theirs"],
        ["topic", "wine", "300", "200"],
        ["topic", "cars", "-", "90"],
    ]
    assert lines[-1] == "topic wine fits a joint activity: 300 of ours, 200 of theirs."
    assert len(list(counts_lines(rows[1:], {}))) == 1
