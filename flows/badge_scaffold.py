"""A small set of badges as `[[badges]]` of a configuration, for `evenfall init`, the demo and the examples."""

from __future__ import annotations

from typing import Final

_HEAD: Final = """\
# What members earn for good (docs/configuration.md, [[badges]]). Change them, add your own; a badge once earned stays.
"""
_LEVELS: Final = 'levels = { "Member" = 1, "Regular" = 10, "Pillar" = 30 }'
BADGES: Final = (
    ("first_contribution", "First contribution", "posts_365d >= 1", 1),
    ("ten_contributions", "Ten contributions in a year", "posts_365d >= 10", 5),
    ("heard", "Five people responded in a week", "people_reached_7d >= 5", 5),
    ("steady", "Eight weeks in a row", "streak_weeks >= 8", 10),
    ("good_neighbour", "Helped three newcomers in four weeks", "newcomers_helped_28d >= 3", 10),
)


def badges_toml() -> str:
    """Write the badges and the levels that their points make, as TOML."""
    sections = [_section(*badge) for badge in BADGES]
    return "\n\n".join([_HEAD.rstrip(), f"[recognition]\n{_LEVELS}", *sections]) + "\n"


def _section(name: str, label: str, rule: str, points: int) -> str:
    return f'[[badges]]\nname = "{name}"\nlabel = "{label}"\nrule = "{rule}"\npoints = {points}'
