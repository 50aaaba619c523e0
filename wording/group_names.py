"""Readable names of behaviour groups, built from what sets each group apart.

A name is an adjective and a noun. The adjective is the most unusual of how much, how long and when; the noun is the kind
of activity the group does most of, compared with the others and with its own level. "Night-time readers", "Big-spending
buyers", "Quiet newcomers".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from wording.catalogue import Catalogue, GroupWords
from wording.language import LANGUAGES, catalogue_of, current

PLAIN_DEVIATION: Final = 0.35
FAINT_DEVIATION: Final = 0.1
# Of eight groups not more can be called alike.
_MOST_ALIKE: Final = 9


@dataclass(frozen=True)
class GroupNames:
    """Names groups in a language, by default the one that is spoken.

    A name is stored with the groups and published in the lists. `said` turns a name of any language into that of this one.
    """

    catalogue: Catalogue | None = None

    def said(self, name: str) -> str:
        """Return a group's name in this language, whatever language it was given in; what is no such name stays."""
        # First, because reading the other languages takes half a second.
        if name in _names(self._spoken):
            return name
        return _renamed(self._spoken).get(name) or self._of_other_kind(name)

    def _of_other_kind(self, name: str) -> str:
        """Rename a group that is called after a kind of activity without a noun here: `Night-time solve puzzle regulars`."""
        for other in _catalogues():
            for theirs, ours in zip(_adjectives(other.groups), _adjectives(self._words), strict=True):
                form = other.sentences["group.name"].format(adjective=theirs, noun=other.groups.regulars)
                before, _, after = form.partition("{kind}")
                kind = name.removeprefix(before).removesuffix(after)
                if name == before + kind + after:
                    return self._called(ours, self._words.regulars.format(kind=kind))
        return name

    @property
    def never_active(self) -> str:
        """Members never active."""
        return self._words.never_active

    @property
    def away_for_a_year(self) -> str:
        """Members without activity in a year."""
        return self._words.away_for_a_year

    @property
    def everyone(self) -> str:
        """All others, where they are one group."""
        return self._words.everyone

    def name(
        self, deviations: Mapping[str, float], levels: Mapping[str, float], *, kinds: Mapping[str, str], taken: Collection[str]
    ) -> str:
        """Name a group that no other group is named like.

        Args:
            deviations: Habit → how far the group's mean lies from the mean of all members, in standard deviations.
            levels: Habit → the group's mean on the habit's own scale; for a kind of activity, above 0 is more than of others.
            kinds: Habit → the kind of activity that it is, for those that are one.
            taken: Names that are already given.
        """
        adjectives, nouns = self._adjectives(deviations), self._nouns(deviations, levels, kinds)
        pairs = [(adjective, noun) for noun in nouns for adjective in adjectives]
        names = [self._called(*pair) for pair in pairs if not self._repeats(*pair)]
        numbered = (self._numbered(names[0], number) for number in range(2, len(taken) + 3))
        return next(name for name in (*names, *numbered) if name not in taken)

    @property
    def _words(self) -> GroupWords:
        return self._spoken.groups

    @property
    def _spoken(self) -> Catalogue:
        return self.catalogue or current()

    def _called(self, adjective: str, noun: str) -> str:
        return self._spoken.sentences["group.name"].format(adjective=adjective, noun=noun)

    def _numbered(self, name: str, number: int) -> str:
        return self._spoken.sentences["group.numbered"].format(name=name, n=number)

    def _adjectives(self, deviations: Mapping[str, float]) -> list[str]:
        """Return the fitting adjectives, the most telling first."""
        fitting = []
        for habit, (much, little) in self._words.adjectives.items():
            deviation = deviations.get(habit, 0.0)
            word = much if deviation > 0 else little
            if word is not None and abs(deviation) >= FAINT_DEVIATION:
                fitting.append((-abs(deviation), word))
        fitting.sort()
        plain = [word for deviation, word in fitting if -deviation >= PLAIN_DEVIATION]
        faint = [word for deviation, word in fitting if -deviation < PLAIN_DEVIATION]
        return [*(plain or [self._words.plain_adjective]), *faint]

    def _nouns(self, deviations: Mapping[str, float], levels: Mapping[str, float], kinds: Mapping[str, str]) -> list[str]:
        """Return the fitting nouns, the most telling first; newcomers are newcomers before anything else."""
        telling = sorted(
            (-deviations[habit], habit) for habit in kinds if deviations[habit] >= FAINT_DEVIATION and levels[habit] > 0
        )
        is_new = deviations.get("tenure_days", 0.0) <= -2 * PLAIN_DEVIATION
        newcomers = [self._words.newcomers] if is_new else []
        return list(dict.fromkeys([*newcomers, *(self._noun(kinds[habit]) for _, habit in telling), self._words.plain_noun]))

    def _noun(self, kind: str) -> str:
        return self._words.nouns.get(kind) or self._words.regulars.format(kind=kind.replace("_", " "))

    def _repeats(self, adjective: str, noun: str) -> bool:
        return noun == self._words.newcomers and adjective in self._words.of_newcomers


def _catalogues() -> list[Catalogue]:
    return [catalogue_of(language) for language in LANGUAGES]


def _adjectives(words: GroupWords) -> list[str]:
    """Return the adjectives of a language, in an order that is the same in all."""
    return [words.plain_adjective, *(word for pair in words.adjectives.values() for word in pair if word is not None)]


def _nouns(words: GroupWords) -> list[str]:
    return [words.plain_noun, words.newcomers, *words.nouns.values()]


def _renamed(spoken: Catalogue) -> dict[str, str]:
    """Return the name in any language → that in the language spoken, for all names that are made of the catalogue's words."""
    return {before: after for other in _catalogues() for before, after in zip(_names(other), _names(spoken), strict=True)}


def _names(catalogue: Catalogue) -> list[str]:
    words, form, numbered = catalogue.groups, catalogue.sentences["group.name"], catalogue.sentences["group.numbered"]
    plain = [form.format(adjective=adjective, noun=noun) for adjective in _adjectives(words) for noun in _nouns(words)]
    names = [*plain, *(numbered.format(name=name, n=n) for name in plain for n in range(2, _MOST_ALIKE))]
    return [*names, words.never_active, words.away_for_a_year, words.everyone]
