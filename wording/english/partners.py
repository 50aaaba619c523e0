"""English of a comparison with another community."""

from __future__ import annotations

from typing import Final

PARTNERS: Final = {
    "partners.exported": "{n:count:hash} of members who agreed are in {file}. Send it by a way that is safe, and agree on "
    "when it is deleted.",
    "partners.counted": "{n:count:row} of counts are in {file}; none is below {fewest}.",
    "partners.sizes": "We have {ours:count:member} who may be compared, they have {theirs:number}.",
    "partners.shared": "{shared:count:member} are in both: {of_ours:percent} of ours, {of_theirs:percent} of theirs. "
    "{new:percent} of theirs are new to us.",
    "partners.small": "Fewer than {fewest} are in both, or fewer than {fewest} are on one side only: a smaller number is "
    "not shown. If you expected more, compare key, salt and what is hashed.",
    "partners.head.ours": "ours",
    "partners.head.theirs": "theirs",
    "partners.head.both": "in both",
    "partners.head.share": "of ours",
    "partners.closest": "Closest to them is {dimension} {value}: of {n:count:member} {share:percent} are there, too; of all of "
    "ours {of_all:percent}.",
    "partners.alike": "By {dimension} both communities are alike by {share:percent}.",
    "partners.fits": "{dimension} {value} fits a joint activity: {ours:number} of ours, {theirs:number} of theirs.",
    "partners.nothing": "The counts have nothing in common with ours: no platform, region or topic is in both.",
    "partners.written": "The table is in {file}.",
}
