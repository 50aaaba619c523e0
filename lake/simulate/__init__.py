"""A simulated community with known parameters, written as the exports of a real one.

`simulate` writes `landing/`, which Evenfall reads, and `truth/`, which only tests may read.

The parameters, against which estimates can be checked:

**Members.** Five archetypes (creator 5 %, regular 25 %, reader 38 %, buyer 17 %, passer_by 15 %). 40 % joined
before the first day, up to 900 days earlier, and 30 % of those left before it; the others join during the simulation,
on its last day 1.5 times as many as on its first. 20 % name a referrer who joined earlier. 4 % may not be contacted,
2 % may not be profiled, 3 % answered neither question.

**Activity.** The number of sessions per day is Poisson distributed with a personal rate, gamma distributed within the
archetype (means 0.70, 0.30, 0.15, 0.06, 0.04; shapes 2.0, 1.5, 1.2, 1.2, 1.0). The rate is doubled at joining; this
novelty decays exponentially over 14 days. Each session has one login and a Poisson distributed number of actions (mean
5, 3, 2.5, 1.5, 1.2), a share of them reading and the rest (`diversity`) searching, posting, commenting, liking,
sharing, messaging, signing up for events, voting. Everyone has a usual hour of the day in the community's timezone;
12 % are active mostly at weekends. Comments, likes and shares refer to pieces published on the last 14 days with any
publication, preferably by popular authors and on the reader's own topic.

**Churn.** Each day a member who is not yet in decline starts to decline with probability
`0.00085 × hazard_ratio × exp(1.4 / (1 + received) + 0.8 (1 - diversity) + 0.6 unanswered + 0.5 min(days since the last
message, 90) / 90 - 0.6 min(tenure days, 365) / 365)`: `received` counts comments, likes, shares and messages by others
in 28 days, `unanswered` is 1 for those who posted in 28 days and got no comment; hazard_ratio is 0.5, 0.8, 1.0, 0.8,
1.8 by archetype. In decline every rate is halved each week; after 28 days the member is inactive for ever
(`drifted_from`, the first day without any activity; a refund may still follow).

**Spend.** Orders are Poisson distributed with a gamma distributed rate (NBD, shape 0.9; mean days between orders 120,
90, 250, 30, 300 by archetype); order values are gamma distributed (shape 6) around a personal mean, which is
6 / gamma(4, 1/18): gamma-gamma, mean 36 EUR. Orders have 1 + Poisson(1.3) lines. 5 % are refunded within 14 days, 60 %
of those completely, the others by their first line.

**Contacts.** A newsletter is sent to half of the contactable members on the first of each month and has no effect.
Every Tuesday from day 14 on, contactable members who were inactive for 10 to 120 days and not randomised in the last 28
days are randomised evenly into treatment and control; both arms are in the file, control was sent nothing. A treatment
causes, with probability `contact_effect` (creator 0.05, regular 0.30, reader 0.20, buyer 0.15, each × uniform(0.5,
1.5)), exactly one extra session (one login) on one of the next 7 days, and it ends a decline 8 days later. On
passers-by it has the opposite effect: with probability 0.25 they churn at once. It has no effect on churned members.
So the expected difference in logins on the 7 days after sending is `truth/contacts.parquet: expected_extra_sessions`,
averaged over any group.

**Bad rows.** About 0.2 % additional rows are broken, as listed in `lake.simulate.blemishes`; they are not in the truth.
"""

from __future__ import annotations

from lake.simulate.write import SimulatedCommunity, simulate

__all__ = ["SimulatedCommunity", "simulate"]
