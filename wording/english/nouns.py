"""What is counted: nouns, and words for kinds of activity."""

from __future__ import annotations

from typing import Final

from wording.catalogue import Kind, Noun
from wording.english.grammar import regular

_ACTION: Final = Noun("action", "actions")
NOUNS: Final = {
    **regular("day", "month", "year", "message", "kind", "member", "row", "rule", "value", "character", "contact", "decision"),
    **regular("post", "hour", "minute", "second", "warning", "change", "order"),
    "valuable_member": Noun("valuable member", "valuable members"),
    "opinion_leader": Noun("opinion leader", "opinion leaders"),
    "other": Noun("other member", "other members"),
    "hash": Noun("hash", "hashes"),
    "action_kind": Noun("kind of action", "kinds of action"),
}
KINDS: Final = {
    "activity": Kind(_ACTION, "last seen", "never active"),
    "event": Kind(_ACTION, "last action", "no action so far"),
    "other_event": Kind(Noun("action of a rare kind", "actions of rare kinds"), "last rare action", "no rare action so far"),
    "received": Kind(
        Noun("reaction from others", "reactions from others"), "last reaction from others", "no reaction from others so far"
    ),
    "given": Kind(
        Noun("interaction with others", "interactions with others"), "last interaction with others", "no interaction so far"
    ),
    "content": Kind(Noun("piece published", "pieces published"), "last published a piece", "nothing published so far"),
    "contact": Kind(Noun("message from us", "messages from us"), "last message from us", "no message from us so far"),
    "open": Kind(Noun("message opened", "messages opened"), "last opened a message", "no message opened so far"),
    "click": Kind(Noun("message clicked", "messages clicked"), "last clicked in a message", "no message clicked so far"),
    "feedback": Kind(Noun("feedback answer", "feedback answers"), "last feedback score", "no feedback score so far"),
}
