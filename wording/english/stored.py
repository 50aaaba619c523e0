"""Sentences that are English where they are made: rules, findings, the gate's reasons, why a model is of its kind, a stop.

They are told again in another language where a person reads them (`wording.retelling`). A template here is the sentence as the
code makes it, with a placeholder for each value; the first that fits is taken, so the narrower one stands first.
"""

from __future__ import annotations

from typing import Final

_RULES: Final = {
    "rule.has_value": "Every row has a value in {column}.",
    "rule.length_between": "{column} is {least} to {most} characters long.",
    "rule.length": "{column} is at most {most} characters long.",
    "rule.unique.figure": "{columns} together name one row only; the first row that brings them is kept.",
    "rule.counted_here": "{column} is none that is counted from the members' own rows; call that of the platform otherwise.",
    "rule.value": "{column} is a finite number between minus and plus one trillion.",
    "rule.unique": "{column} names one row only; the first row that brings it is kept.",
    "rule.known_member": "{column} is a member_id that the members table has.",
    "rule.known_content": "{column} is a content_id that the content table has.",
    "rule.not_before_1970": "{column} is not before 1970.",
    "rule.not_in_future": "{column} is not later than the clock when the row arrived, plus a small tolerance.",
    "rule.not_before_sent": "{column} is not before the message was sent.",
    "rule.score": "{column} is a finite number between minus and plus one million, whatever scale the community uses.",
    "rule.amount": "{column} is a finite number between minus and plus one trillion; refunds are negative.",
    "rule.is_time": "{column} is a time.",
    "rule.is_whole_number": "{column} is a whole number.",
    "rule.is_number": "{column} is a number.",
    "rule.is_known_word": "{column} is a known word.",
    "rule.birth_year": "{column} lies between 1900 and this year.",
}

_FINDINGS: Final = {
    "finding.never_landed": "{table} has a source, but no row of it has ever landed.",
    "finding.bad.all": "{bad} of {arrived} arrived {table} rows are bad ({share}): every one of them.",
    "finding.bad": "{bad} of {arrived} arrived {table} rows are bad ({share}); at most {limit} may be.",
    "finding.no_row": "{table} has no row on or before {day}.",
    "finding.old": "The newest {table} row is of {newest}, {days} days before {day}; at most {limit} may pass.",
    "finding.volume.range": "{table} has {rows} rows on {weekday} {day}; {low} to {high} came on the {days} days with rows "
    "before.",
    "finding.volume.weekdays": "{table} has {rows} rows on {weekday} {day}; {usual} were usual on the {days} {weekdays}s before.",
    "finding.volume.days": "{table} has {rows} rows on {weekday} {day}; {usual} were usual on the {days} days before.",
    "finding.volume": "{table} has {rows} rows on {weekday} {day}; .",
    "finding.far.one": "{table} has {rows} on {day}, more than {pause} days before the rest, which begins on {first}: kept, "
    "but not counted as history.",
    "finding.far": "{table} has {rows} on {n} days from {from} to {to}, more than {pause} days before the rest, which begins on "
    "{first}: kept, but not counted as history.",
    "finding.currencies": "{table} are in {n} currencies, and their amounts would be added up as if they were one: {currencies}.",
    "finding.currency": "All {table} that say a currency are in {currencies}, and [community] currency is {configured}.",
    "finding.not_read.no": "{column}: {n} of {of} values could not be read as {kind} and count as no{such}.",
    "finding.not_read": "{column}: {n} of {of} values could not be read as {kind} and were left empty{such}.",
    "finding.not_known": "{column}: {n} of {of} values name no row of {table} that is known and were left empty.",
    "finding.left_empty": "{column}: {n} of {of} values were left empty{such}, because of the rule: {rule}",
    "kind_of_value.time": "a time",
    "kind_of_value.whole_number": "a whole number",
    "kind_of_value.number": "a number",
    "kind_of_value.known_word": "a known word",
    "finding.rows": "{n} rows",
    "finding.row": "{n} row",
}

_MODELS: Final = {
    "gate.promoted": "promoted: {reason}",
    "gate.turned_down": "turned down: {reason}",
    "gate.first": "the first model",
    "gate.other_format": "{model} was written in the format of another version",
    "gate.rolled_back": "rolled back by hand from {model}",
    "gate.by_hand": "by hand",
    "gate.no_outcome": "no outcome has matured yet that the champion has not learnt from",
    "gate.not_better": "not surely better than the champion: {lead}",
    "gate.worse": "better ranked, {lead}, but {worse}",
    "gate.list_change": "better, {lead}, but it would change {share} of the contact list",
    "gate.better": "surely better than the champion: {lead}, changing {share} of the contact list",
    "gate.lead.here": "{measure} among those still here {lead}",
    "gate.lead": "{estimate} ({lower} to {upper})",
    "gate.calibrated": "worse calibrated than {rival} by {loss}",
    "gate.brier": "its Brier score is worse than that of {rival} by {loss}",
    "gate.the_champion": "the champion",
    "gate.the_rule": "the best simple rule, {rule}",
    "kind.starting": "{why} Until then the starting model, learnt from other communities.",
    "kind.prior": "No eligible member has a known outcome yet: a guess from days of silence and usual gaps.",
    "kind.enough": "Enough to learn from: {counts}.",
    "kind.recency": "Too few for LightGBM, which needs {members} members and {outcomes} of each outcome: {counts}.",
    "kind.base_rate": "Too few of one outcome for anything but the overall rate: {counts}.",
    "kind.past_rate": "Too few for LightGBM, which needs {members} members and {spenders} spenders: {counts}.",
    "kind.counts.spenders": "{members} members to learn from, of whom {spenders} spent after some cut-off",
    "kind.counts": "{members} members to learn from, of whom {left} left and {stayed} stayed at some cut-off",
}

# Why data stopped a night, as the terminal has it.
_STOPS: Final = {
    "stop.cause": "{finding} They are bad because {table} are.",
    "stop.rule": "{rule}: {n} rows; {examples}",
    "stop.nothing_landed": "{remedies} Nothing landed. The whole story: {page}",
}

STORED: Final = {**_STOPS, **_RULES, **_FINDINGS, **_MODELS}
