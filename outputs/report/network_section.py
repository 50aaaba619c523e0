"""The section of the morning report about who carries the community."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

from outputs.report.facts import ReportFacts
from outputs.report.frame import render_fragment
from outputs.report.network_facts import AbsencePoint, Carriers, CommunityChange, CommunityRow
from outputs.report.sections import Section
from wording.numbers import number, share
from wording.texts import fill, listing, sentences

_ORDER: Final = 30
_COMMUNITIES_SHOWN: Final = 8
_CHANGES_SHOWN: Final = 6
# Below so many members still here, a share of them says little.
_FEWEST_STILL_HERE: Final = 5
_LARGE_SHARE: Final = 0.3
# The absence factor at which the loss of one person is felt.
_FEW_PEOPLE: Final = 3
# The factor has moved when the median of so many periods differs by so many people and by such a share.
_PERIODS_COMPARED: Final = 3
_LEAST_MOVE: Final = 2
_LEAST_SHARE_MOVED: Final = 0.25


def carriers_section(facts: ReportFacts) -> Section | None:
    """Show who carries the community: the team of leaders, what hangs on few people, and the communities."""
    carriers = facts.carriers
    if carriers is None:
        return None
    shown = carriers.communities[:_COMMUNITIES_SHOWN]
    body = render_fragment(
        "section_carriers.html.j2",
        sentences=[*_team(carriers), *_absence(carriers), *_at_risk(carriers)],
        communities=shown,
        smallest=facts.smallest_group,
        has_before=any(one.previous_members is not None for one in shown),
        others=_others(carriers),
        notes=[*(_change(one) for one in carriers.changes[:_CHANGES_SHOWN]), *_rings(carriers)],
    )
    return Section("carriers", fill("carriers.title"), body, _ORDER)


def _team(carriers: Carriers) -> Iterator[str]:
    if not carriers.leaders:
        yield fill("carriers.no_team", n=carriers.members, days=carriers.window_days)
        return
    reached = share(carriers.reached, carriers.members)
    yield fill("carriers.team", n=carriers.leaders, share=reached, members=carriers.members, days=carriers.window_days)
    if carriers.team_posts_share is not None:
        yield fill("carriers.team.posts", share=carriers.team_posts_share)
    if carriers.leaders_at_risk:
        yield fill("carriers.team.at_risk", n=carriers.leaders_at_risk)
    if carriers.loss is not None and carriers.loss.alone:
        yield _loss(carriers)


def _loss(carriers: Carriers) -> str:
    loss = carriers.loss
    assert loss is not None
    parts = [
        fill(key, share=of_all)
        for key, of_all in (("carriers.loss.posts", loss.posts_share), ("carriers.loss.given", loss.given_share))
        if of_all is not None
    ]
    told = fill("carriers.loss", n=loss.alone, share=share(loss.alone, carriers.members))
    return sentences(told, fill("carriers.loss.more", what=listing(parts))) if parts else told


def _absence(carriers: Carriers) -> Iterator[str]:
    if not carriers.absence or not carriers.absence[-1].factor:
        return
    now = carriers.absence[-1]
    said = [fill("carriers.absence", n=now.factor, contributors=now.contributors)]
    if now.factor <= _FEW_PEOPLE:
        said.append(fill("carriers.absence.few"))
    yield sentences(*said)
    yield from _absence_trend(carriers.absence)


def _absence_trend(periods: Sequence[AbsencePoint]) -> Iterator[str]:
    """Say how the factor moved; single periods vary by chance, so that the median of the first ones stands beside the last."""
    if len(periods) < 2 * _PERIODS_COMPARED:
        return
    first, last = (median(one.factor for one in part) for part in (periods[:_PERIODS_COMPARED], periods[-_PERIODS_COMPARED:]))
    is_same = abs(last - first) < max(_LEAST_MOVE, _LEAST_SHARE_MOVED * first)
    key = "same" if is_same else "fewer" if last < first else "more"
    factors = fill("listing.between").join(number(one.factor) for one in periods)
    yield sentences(fill("carriers.absence.periods", factors=factors), fill(f"carriers.absence.{key}"))


def _at_risk(carriers: Carriers) -> Iterator[str]:
    """Name the community whose members still here most often have a high risk, so that somebody begins there."""
    large = [one for one in carriers.communities if one.still_here >= _FEWEST_STILL_HERE]
    most = max(large, key=_risk, default=None)
    if most is not None and _risk(most) >= _LARGE_SHARE:
        key = "carriers.start_here" if most.leaders else "carriers.start_here.no_leader"
        yield fill(key, name=most.name, high=most.high_risk, n=most.still_here, leaders=most.leaders)


def _risk(community: CommunityRow) -> float:
    return community.high_risk / community.still_here


def _others(carriers: Carriers) -> str:
    more = len(carriers.communities) - _COMMUNITIES_SHOWN
    outside = carriers.members - carriers.in_communities
    parts = [fill("carriers.more_communities", n=more)] if more > 0 else []
    return sentences(*parts, *([fill("carriers.outside", n=outside)] if outside and carriers.communities else []))


def _change(change: CommunityChange) -> str:
    return fill(f"carriers.change.{change.what}", before=listing(change.before), after=listing(change.after))


def _rings(carriers: Carriers) -> Iterator[str]:
    if carriers.rings:
        sizes = listing([str(size) for size in carriers.rings])
        yield fill("carriers.rings", n=len(carriers.rings), sizes=sizes)
