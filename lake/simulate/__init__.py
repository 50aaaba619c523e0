"""A believable community whose truth is known, written as the exports a real one would hand over.

`simulate` writes `landing/` (what Evenfall reads) and `truth/` (what it must never read; tests do).

What is true in it, so that estimates can be checked against it:

**Members.** Five archetypes (creator 5 %, regular 25 %, reader 38 %, buyer 17 %, passer_by 15 %). 40 % joined
before the first day, up to 900 days earlier, and 30 % of those are gone before it; the others join during the
simulation, half as many again a day at its end as at its start. 20 % name a referrer who joined earlier. 4 % may not
be contacted, 2 % may not be profiled, 3 % left either unanswered.

**Activity.** Sessions a day are Poisson with a personal rate, gamma distributed within the archetype (means 0.70, 0.30,
0.15, 0.06, 0.04; shapes 2.0, 1.5, 1.2, 1.2, 1.0): gamma-Poisson, skewed. It doubles on joining and the novelty fades
over 14 days. Each session is one login and Poisson many actions (mean 5, 3, 2.5, 1.5, 1.2), a share of them reading and
the rest (`diversity`) searching, posting, commenting, liking, sharing, messaging, signing up for events, voting.
Everyone has a usual hour of the day in the community's timezone; 12 % come mostly at weekends. Comments, likes and
shares go to pieces published on the last 14 days that had any, popular authors and the reader's own topic first.

**Drifting away.** Each day a member who is not yet in decline starts to decline with probability
`0.00085 × hazard_ratio × exp(1.4 / (1 + received) + 0.8 (1 - diversity) + 0.6 unanswered + 0.5 min(days since the last
message, 90) / 90 - 0.6 min(tenure days, 365) / 365)`: `received` counts comments, likes, shares and messages by others
in 28 days, `unanswered` is 1 for those who posted in 28 days and got no comment; hazard_ratio is 0.5, 0.8, 1.0, 0.8,
1.8 by archetype. In decline every rate is halved each week; after 28 days the member is gone for good
(`drifted_from`, the first day without any doing of their own; a refund may still follow).

**Spend.** Orders are Poisson with a gamma distributed rate (NBD, shape 0.9; mean days between orders 120, 90, 250, 30,
300 by archetype); order values are gamma (shape 6) around a personal mean, itself 6 / gamma(4, 1/18): gamma-gamma,
mean 36 EUR. Orders have 1 + Poisson(1.3) lines. 5 % are refunded within 14 days, 60 % of those wholly, the others
their first line.

**Contacts.** A newsletter goes to half of the contactable members on the first of each month and has no effect. Every
Tuesday from day 14 on, contactable members quiet for 10 to 120 days and not randomised in the last 28 days are split
evenly into treatment and control; both arms are in the file, control was sent nothing. A treatment brings, with
probability `contact_effect` (creator 0.05, regular 0.30, reader 0.20, buyer 0.15, each × uniform(0.5, 1.5)), exactly one
extra session (one login) on one of the next 7 days, and it ends a decline 8 days later. Passers-by are put off
instead: with probability 0.25 they are gone at once. Nothing moves a member who is gone. So the expected difference
in logins on the 7 days after sending is `truth/contacts.parquet: expected_extra_sessions`, averaged over any group.

**Bad rows.** About 0.2 % more rows are broken, in the ways of `lake.simulate.blemishes`, none of them part of the truth.
"""

from __future__ import annotations

from lake.simulate.write import SimulatedCommunity, simulate

__all__ = ["SimulatedCommunity", "simulate"]
