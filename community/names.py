"""Names of communities, as data: what sets the members of a community apart from all others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

# What a name is made of, the most telling first; a name has at most one of each.
KINDS: Final = ("topic", "channel", "event_type", "day_part", "region", "platform")
TRAIT_SCHEMA: Final = pl.Schema({"member_no": pl.Int32(), "kind": pl.String(), "value": pl.String()})
# How certain it has to be that a trait is more frequent in the community: standard errors of the log odds ratio.
_CERTAIN: Final = 2.0
# Members with the trait, and the share of those of whom it is known.
_FEWEST_WITH_IT: Final = 3
_LEAST_SHARE: Final = 0.1
_TRAITS_OF_A_KIND: Final = 3


@dataclass(frozen=True, order=True)
class Trait:
    """What many members of a community have and few others.

    Args:
        kind: One of `KINDS`.
        value: As the data call it, such as a topic.
    """

    kind: str
    value: str


Name = tuple[Trait, ...]


def name_communities(
    communities: pl.DataFrame, traits: pl.DataFrame, before: Mapping[str, Name] | None = None
) -> dict[str, Name]:
    """Name each community by the traits that set it apart; no two have the same name, but for those without any trait.

    A name of the night before is kept while the traits in it are still more frequent in the community than elsewhere.
    Larger communities choose first.

    Args:
        communities: One row per member_no: community_id.
        traits: One row per member_no, kind and value; columns of `TRAIT_SCHEMA`.
        before: The names of the night before by id.

    Returns:
        Id → traits, the most telling first; empty for a community that nothing sets apart.
    """
    rated = rate_traits(communities, traits)
    sizes = communities.group_by("community_id").len().sort("len", "community_id", descending=[True, False])
    names: dict[str, Name] = {}
    taken: set[Name] = set()
    for community_id in sizes["community_id"]:
        own = rated.filter(pl.col("community_id") == community_id)
        kept = (before or {}).get(community_id)
        is_kept = bool(kept) and kept not in taken and _still_holds(kept or (), own)
        name = kept if is_kept and kept is not None else _new_name(own, taken)
        names[community_id] = name
        taken |= {name} if name else set()
    return names


def rate_traits(communities: pl.DataFrame, traits: pl.DataFrame) -> pl.DataFrame:
    """Rate how much each trait sets a community apart from all other members of whom traits of the kind are known.

    One row per community_id, kind and value: `members` with the trait, their `share`, `certainty` (log odds ratio against the
    others in standard errors). Sorted by them, the most certain first. Source of the rating: Monroe, Colaresi and Quinn,
    "Fightin' Words", 2008, with half a member added to each count.

    Args:
        communities: One row per member_no: community_id.
        traits: One row per member_no, kind and value.
    """
    known = traits.unique().join(communities, on="member_no", how="left")
    of_kind = known.select("member_no", "kind", "community_id").unique()
    with_kind = of_kind.filter(pl.col("community_id").is_not_null()).group_by("community_id", "kind").agg(known=pl.len())
    with_it = known.filter(pl.col("community_id").is_not_null()).group_by("community_id", "kind", "value").agg(members=pl.len())
    rated = (
        with_it.join(with_kind, on=["community_id", "kind"])
        .join(of_kind.group_by("kind").agg(all_known=pl.len()), on="kind")
        .join(known.group_by("kind", "value").agg(all_members=pl.len()), on=["kind", "value"])
    )
    a, b = pl.col("members") + 0.5, pl.col("known") - pl.col("members") + 0.5
    c = pl.col("all_members") - pl.col("members") + 0.5
    d = pl.col("all_known") - pl.col("known") - (pl.col("all_members") - pl.col("members")) + 0.5
    certainty = ((a / b).log() - (c / d).log()) / (1 / a + 1 / b + 1 / c + 1 / d).sqrt()
    return rated.select(
        "community_id", "kind", "value", "members", share=pl.col("members") / pl.col("known"), certainty=certainty.round(6)
    ).sort("community_id", "certainty", "kind", "value", descending=[False, True, False, False])


def _still_holds(name: Sequence[Trait], own: pl.DataFrame) -> bool:
    frequent = {Trait(kind, value) for kind, value in own.filter(pl.col("certainty") > 0).select("kind", "value").iter_rows()}
    return set(name) <= frequent


def _new_name(own: pl.DataFrame, taken: set[Name]) -> Name:
    """Return the best name that is free: of traits that certainly set the community apart, else of those that may."""
    frequent = own.filter((pl.col("members") >= _FEWEST_WITH_IT) & (pl.col("share") >= _LEAST_SHARE))
    for certainty in (_CERTAIN, 0.0):
        for name in _names_of(frequent.filter(pl.col("certainty") > certainty)):
            if name not in taken:
                return name
    return ()


def _names_of(telling: pl.DataFrame) -> Iterator[Name]:
    """Yield names: the most telling kind of trait, with a second one of another kind where there is one."""
    traits = [
        Trait(kind, value) for kind in KINDS for value in telling.filter(pl.col("kind") == kind)["value"].head(_TRAITS_OF_A_KIND)
    ]
    pairs = [
        (one, other)
        for place, one in enumerate(traits)
        for other in traits[place + 1 :]
        # A channel is often called like its topic.
        if one.kind != other.kind and one.value != other.value
    ]
    # Two traits say more than one; the best one says more than two of the others.
    yield from pairs[:1]
    yield from ((one,) for one in traits[:1])
    yield from pairs
    yield from ((one,) for one in traits)
