"""Names of communities in words, and sentences about the network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from wording.language import current
from wording.texts import fill


def name_all(communities: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, str]:
    """Name communities, so that no two have the same name: `Home brewing, mostly in the evening`.

    Args:
        communities: Id → kind and value of what sets the community apart, the most telling first; empty where nothing does.

    Returns:
        Id → name.
    """
    names = {one: _name(traits) or fill("network.community.nameless", id=one) for one, traits in communities.items()}
    times = Counter(names.values())
    # Two topics may differ in the data and look the same in words.
    return {one: name if times[name] == 1 else fill("network.community.twice", name=name, id=one) for one, name in names.items()}


def _name(traits: Sequence[tuple[str, str]]) -> str:
    words = fill("network.community.between").join(_trait(kind, value) for kind, value in traits)
    return words[:1].upper() + words[1:]


def _trait(kind: str, value: str) -> str:
    if kind == "day_part":
        return fill(f"network.trait.{value}")
    if kind == "event_type":
        return fill("network.trait.event_type", value=current().event_noun(value).many)
    return fill(f"network.trait.{kind}", value=" ".join(value.replace("_", " ").replace("-", " ").split()))
