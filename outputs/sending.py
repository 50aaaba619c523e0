"""The contact list in the import formats of the tools that send messages.

One CSV file per tool, with the columns that its import documents and the action as a tag; how to import it is in
docs/sending.md. A member is named by `handle` where it is known, else by `member_id`.

These files are read by programs, not by people. They have no byte-order mark, which would become a part of the first column's
name, and nothing is escaped against spreadsheet formulas: an apostrophe in front of an id would make it another id, and in
front of a message it would be sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

import polars as pl

Format: TypeAlias = Literal["mautic", "braze", "wecom", "discourse"]

# `|` separates tags in Mautic, `;` groups in Discourse, and Mautic removes a tag that begins with a hyphen.
_NOT_IN_TAGS: Final = r"^-|[^\p{L}\p{N}_-]"


def write_formats(folder: Path, contacts: pl.DataFrame, *, formats: Sequence[Format]) -> dict[str, str]:
    """Write the contact list once for each tool, `contact_list.<tool>.csv`.

    Args:
        folder: An existing folder.
        contacts: One row per member to contact, best first, with the columns of the contact list; values as they are, that is
            without apostrophes against formulas.
        formats: The tools.

    Returns:
        File name → SHA-256 of the file.
    """
    hashes: dict[str, str] = {}
    for name in formats:
        content = _SHAPES[name](contacts).write_csv().encode()
        path = folder / _file_name(name)
        path.write_bytes(content)
        hashes[path.name] = hashlib.sha256(content).hexdigest()
    return hashes


def formats_among(names: Iterable[str]) -> tuple[Format, ...]:
    """Return the tools whose files are among these names of files."""
    present = set(names)
    return tuple(name for name in sorted(_SHAPES) if _file_name(name) in present)


def mautic(contacts: pl.DataFrame) -> pl.DataFrame:
    """Shape the contact list for Mautic's import of contacts.

    Documented: UTF-8; a header with the names of contact fields is mapped by itself; several tags are separated by `|`; rows are
    matched to contacts by the fields set as unique identifiers. Its own importer lists `tags` among the special attributes.
    `member_id` and `message` are for custom fields of these names; columns that are not mapped are not imported.

    Source: https://docs.mautic.org/en/contacts/import-contacts
    """
    return contacts.select(email=_key(), firstname="display_name", tags=_tag(), member_id="member_id", message="message")


def braze(contacts: pl.DataFrame) -> pl.DataFrame:
    """Shape the contact list for Braze's CSV import of user attributes.

    Documented: `external_id` identifies the user; a header that is no default attribute becomes a custom attribute; dates are
    ISO 8601; arrays cannot be imported by CSV; a blank value does not overwrite. Users have no tags, so that the action is a
    custom attribute. Since it stays on the profile of a member who leaves the list, the night stands beside it.

    Source: https://www.braze.com/docs/user_guide/data/unification/user_data/import_users/csv/
    """
    return contacts.select(
        external_id=_key(), evenfall_action=_tag(), evenfall_as_of=pl.col("as_of").dt.to_string("iso"), evenfall_message="message"
    )


def wecom(contacts: pl.DataFrame) -> pl.DataFrame:
    """Shape the contact list for the customer interfaces of WeCom (企业微信).

    Documented: a customer is tagged by `externalcontact/mark_tag` with `external_userid` and `add_tag`, and written to by
    `externalcontact/add_msg_template` with `external_userid` and `text.content`, which an employee confirms. An import of tags by
    CSV is not documented. The file has one row per member with these parameters; `add_tag` holds the tag's name, for which
    `externalcontact/get_corp_tag_list` gives the id.

    Sources: https://developer.work.weixin.qq.com/document/path/92697 (mark_tag), /92117 (tags), /92135 (add_msg_template).
    """
    return contacts.select(_key().alias("external_userid"), _tag().alias("add_tag"), pl.col("message").alias("text.content"))


def discourse(contacts: pl.DataFrame) -> pl.DataFrame:
    """Shape the contact list for the bulk invite of Discourse.

    Documented: the columns `email`, `groups` and `topic_id`, the e-mail address first and required, several groups separated by
    `;`; an address that has an account is added to the groups. Users have no tags, so that there is a group for each action; it
    must exist.

    Source: https://meta.discourse.org/t/send-bulk-invites/16468
    """
    return contacts.select(email=_key(), groups=_tag(), topic_id=pl.lit(None, dtype=pl.String))


def _file_name(name: Format) -> str:
    return f"contact_list.{name}.csv"


def _key() -> pl.Expr:
    handle = pl.col("handle")
    return pl.when(handle.str.strip_chars().str.len_bytes() > 0).then(handle).otherwise("member_id")


def _tag() -> pl.Expr:
    return pl.col("action").str.replace_all(_NOT_IN_TAGS, "_")


_SHAPES: Final[Mapping[Format, Callable[[pl.DataFrame], pl.DataFrame]]] = {
    "braze": braze,
    "discourse": discourse,
    "mautic": mautic,
    "wecom": wecom,
}
