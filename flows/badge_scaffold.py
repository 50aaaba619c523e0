"""A small set of badges as `[[badges]]` of a configuration, for `evenfall init`, the demo and the examples."""

from __future__ import annotations

from typing import Final

from wording.texts import fill

_LEVELS: Final = (("first", 1), ("second", 10), ("third", 30))
BADGES: Final = (
    ("first_contribution", "posts_365d >= 1", 1),
    ("ten_contributions", "posts_365d >= 10", 5),
    ("heard", "people_reached_7d >= 5", 5),
    ("steady", "streak_weeks >= 8", 10),
    ("good_neighbour", "newcomers_helped_28d >= 3", 10),
)


def badges_toml() -> str:
    """Write the badges and the levels that their points make, as TOML."""
    levels = ", ".join(f'"{fill(f"init.level.{level}")}" = {points}' for level, points in _LEVELS)
    sections = [_section(name, rule, points) for name, rule, points in BADGES]
    head = f"# {fill('init.badges')}\n\n[recognition]\nlevels = {{ {levels} }}"
    return "\n\n".join([head, *sections]) + "\n"


def _section(name: str, rule: str, points: int) -> str:
    label = fill(f"badge.{name}")
    return f'[[badges]]\nname = "{name}"\nlabel = "{label}"\nrule = "{rule}"\npoints = {points}'
