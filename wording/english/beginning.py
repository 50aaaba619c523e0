"""Comments, names and labels of the configuration that `evenfall init` writes."""

from __future__ import annotations

from typing import Final

BEGINNING: Final = {
    "init.head": "Evenfall reads this file every night. docs/configuration.md lists every key.",
    "init.name": "Our community",
    "init.timezone": 'decides which day a moment belongs to, such as "Europe/London"',
    "init.currency": "shown beside money",
    "init.horizon": "drifted away: no activity on so many days after the night",
    "init.eligible": "scored: active on one of so many days before it",
    "init.value": "expected spend over so many days",
    "init.tables": "A community needs events or orders; every other table (members, content, contacts, feedback, figures) is "
    "optional.",
    "init.columns": "On the left the contract's column, on the right an SQL expression over the columns of your export.",
    "init.path": "also .csv.gz, .jsonl, .parquet, .xlsx; patterns and lists of them",
    "init.where": "rows left out are counted",
    "init.event_id": "leave it out when there is none: Evenfall derives one",
    "init.occurred_at": "ISO text, dates and datetimes need no format",
    "init.uri": "the password comes from the environment",
    "init.bad_share": "more bad rows than this stop the night",
    "init.max_age": "older data than this stop the night",
    "init.capacity": "how many members your team can talk to in a day",
    "init.formats": "the contact list for tools that send: mautic, braze, wecom, discourse",
    "init.actions": "What operators may do for a member (docs/loop.md). Change them, add your own; every key is in "
    "docs/configuration.md.",
    "init.badges": "What members earn for good (docs/configuration.md, [[badges]]). Change them, add your own; a badge once "
    "earned stays.",
    "init.level.first": "Member",
    "init.level.second": "Mainstay",
    "init.level.third": "Pillar",
    "badge.first_contribution": "First contribution",
    "badge.ten_contributions": "Ten contributions in a year",
    "badge.heard": "Five people responded in a week",
    "badge.steady": "Eight weeks in a row",
    "badge.good_neighbour": "Helped three newcomers in four weeks",
}
