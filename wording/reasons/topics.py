"""What a reason is about, in words that are the same for every member: reports count members by it."""

from __future__ import annotations

import re
from typing import Final

from wording.catalogue import Catalogue
from wording.language import current
from wording.reasons.described_feature import DescribedFeature

_WINDOW: Final = re.compile(r"_\d+d$")


def topic(feature: DescribedFeature, *, catalogue: Catalogue | None = None) -> str:
    """Return what a feature is about: "Comments", "Time away"; a feature without words of its own gives its meaning."""
    spoken = catalogue or current()
    template, about = feature.saying.template, feature.saying.about
    if template in ("amount", "trend") and about.endswith("_count"):
        words = spoken.kind(about.removesuffix("_count")).noun.many
    elif template == "last_time":
        words = spoken.sentences["topic.last_time"].format(noun=spoken.kind(about).noun)
    else:
        key = about if template in ("amount", "trend") else template or _WINDOW.sub("", feature.name)
        words = spoken.topics.get(key) or re.split(r"[.;:]", feature.meaning)[0].strip()
    return words[:1].upper() + words[1:]
