"""The register of erased members: keyed hashes of their ids, by which rows that an export brings again are left out.

The hash is HMAC-SHA256 under a key of the workspace. Without the key the register names nobody; with it, ids can only be tried
one by one. The register and the key are the only two files of a workspace that no run can recompute.
"""

from __future__ import annotations

import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.contracts import Table
from lake.errors import ConfigurationError
from lake.sources.mapping import ROW_NO, Mapped
from pipeline.erasure.durable_file import write_durably
from pipeline.erasure.id_matcher import IdMatcher

KEY_VARIABLE: Final = "EVENFALL_ERASURE_KEY"
FOLDER: Final = "erasures"
REGISTER: Final = "register.json"
KEY_FILE: Final = ".evenfall/erasure.key"
# Placeholder for an erased author during validation, since content must have an author; it lands as null.
ERASED_AUTHOR: Final = "\x1ferased"
_OWNER: Final = "member_id"
_AUTHOR: Final = "author_id"
_REFERENCES: Final = ("referrer_id", "target_member_id")
# Its hash is stored in the register, by which a wrong key is noticed before it would let erased members return.
_KEY_CHECK: Final = b"evenfall erasure register"
_KEY_BYTES: Final = 32
_WORDS: Final = r"[\w@.+\-]+"
_BETWEEN_WORDS: Final = re.compile(r"(\W+)")
_SHORTEST_KEY: Final = 16
_FORMAT_VERSION: Final = 1


@dataclass(frozen=True)
class Erasure:
    """One line of the register.

    Args:
        member_hash: The keyed hash of the id.
        asked_at: The time of the request, ISO with zone.
        finished_at: The time at which nothing was left, ISO with zone; None while the erasure is unfinished.
        certificate: The name of its newest certificate, without ending.
    """

    member_hash: str
    asked_at: str
    finished_at: str | None = None
    certificate: str | None = None


@dataclass(frozen=True)
class ErasureRegister:
    """All members who have been erased from a workspace.

    Args:
        key: The key of the hashes; None where nobody has been erased.
        erasures: The lines of the register, unfinished erasures included.
    """

    key: bytes | None = None
    erasures: tuple[Erasure, ...] = ()

    @cached_property
    def hashes(self) -> frozenset[str]:
        """Return the keyed hashes of all members, unfinished erasures included."""
        return frozenset(erasure.member_hash for erasure in self.erasures)

    def hash_of(self, member_id: str) -> str:
        """Return the keyed hash of an id."""
        assert self.key is not None
        # surrogatepass: an id that is no valid Unicode has to be erasable, too.
        return hmac.digest(self.key, member_id.encode("utf-8", "surrogatepass"), "sha256").hex()

    def of(self, member_id: str) -> Erasure | None:
        """Return the register's line of a member, or None."""
        member_hash = self.hash_of(member_id)
        return next((erasure for erasure in self.erasures if erasure.member_hash == member_hash), None)

    def among(self, ids: pl.Series) -> pl.Series:
        """Return for each id whether it is an erased member's; False for null."""
        if not self.erasures:
            return pl.Series([False]).new_from_index(0, ids.len())
        erased_ids = [member for member in ids.drop_nulls().unique().to_list() if self.hash_of(str(member)) in self.hashes]
        return ids.is_in(pl.Series(erased_ids, dtype=ids.dtype).implode()).fill_null(value=False)

    def named_in(self, texts: pl.Series) -> pl.Series:
        """Return for each text whether it contains an erased member's id as a whole word.

        Ids that are too short to be distinguished from other words are not searched for. Only hashes are stored, so that each
        different word is hashed once and looked up, instead of searching the texts for ids.
        """
        if not self.erasures or texts.is_empty():
            return pl.Series([False]).new_from_index(0, texts.len())
        words = texts.str.extract_all(_WORDS).explode(empty_as_null=False, keep_nulls=False).str.strip_chars(".+-").unique()
        erased_words = {word for word in words if IdMatcher(word).kind != "value" and self.hash_of(word) in self.hashes}
        if not erased_words:
            return pl.Series([False]).new_from_index(0, texts.len())
        # Whole words only: `anna-2` is somebody else than `anna`.
        words_of_texts = (set() if text is None else {word.strip(".+-") for word in re.findall(_WORDS, text)} for text in texts)
        return pl.Series([bool(erased_words & words_of_text) for words_of_text in words_of_texts])

    def masked(self, path: str) -> str:
        """Return a path in which every part that is an erased member's id is replaced by the member's mask."""
        if not self.erasures:
            return path
        parts_to_mask = [part for part in _word_spans(path) if self.hash_of(part) in self.hashes]
        # Longest first: a shorter id may be a part of a longer one.
        for part in sorted(parts_to_mask, key=len, reverse=True):
            path = path.replace(part, mask_of(self.hash_of(part)))
        return path

    def with_erasure(self, erasure: Erasure) -> ErasureRegister:
        """Return the register with a line added, or replaced where the member has one."""
        others = tuple(line for line in self.erasures if line.member_hash != erasure.member_hash)
        return replace(self, erasures=(*others, erasure))


def mask_of(member_hash: str) -> str:
    """Return the text that replaces a member's id in paths; files of different members keep different names."""
    return f"erased-{member_hash[:12]}"


def read_register(root: Path) -> ErasureRegister:
    """Read a workspace's register; empty where nobody has been erased.

    Raises:
        ConfigurationError: The register cannot be read, or the key that it was written with is missing.
    """
    file = root / FOLDER / REGISTER
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        erasures = tuple(Erasure(**line) for line in content["erasures"])
        check = content["key_check"]
    except FileNotFoundError:
        return ErasureRegister()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file} cannot be read", remedy="Put it back from a backup.", detail=str(error)) from error
    key = _read_key(root)
    if key is None or hmac.digest(key, _KEY_CHECK, "sha256").hex() != check:
        which = "missing" if key is None else "another one"
        raise ConfigurationError(
            f"the key by which erased members are recognised is {which} ({root / KEY_FILE} or {KEY_VARIABLE})",
            remedy="Put the key back; without it an export would bring erased members back.",
        )
    return ErasureRegister(key, erasures)


def with_key(root: Path, register: ErasureRegister) -> ErasureRegister:
    """Return the register with its key; create the key if there is none.

    A new key is taken from the environment, or else drawn at random and stored in a file that only the owner may read.

    Raises:
        ConfigurationError: The key in the environment is too short.
    """
    if register.key is not None:
        return register
    key = _read_key(root)
    if key is None:
        key = secrets.token_bytes(_KEY_BYTES)
        file = root / KEY_FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        # For the owner alone: with the key, ids can be tried against the register.
        write_durably(file, key.hex().encode(), mode=0o600)
    return replace(register, key=key)


def write_register(root: Path, register: ErasureRegister) -> None:
    """Write the register durably; lines are sorted by request, so that equal registers are equal files."""
    assert register.key is not None
    lines = [asdict(erasure) for erasure in sorted(register.erasures, key=lambda line: (line.asked_at, line.member_hash))]
    check = hmac.digest(register.key, _KEY_CHECK, "sha256").hex()
    text = json.dumps({"format_version": _FORMAT_VERSION, "key_check": check, "erasures": lines}, indent=2) + "\n"
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    # Readable by the group as far as the umask allows: without the key the register names nobody.
    write_durably(root / FOLDER / REGISTER, text.encode(), mode=0o640)


def leave_out(mapped: Mapped, *, table: Table, erased: ErasureRegister) -> Mapped:
    """Remove the rows of erased members from a mapped export, and blank their names in other members' written rows.

    In `rows` their names stay until `without_names`: a derived key is a hash of the row and must not change by an erasure.

    Args:
        mapped: One mapped export.
        table: The contract of its table.
        erased: The register.
    """
    if not erased.erasures:
        return mapped
    has_key = table.key in mapped.rows.columns
    is_left_out = pl.Series([False]).new_from_index(0, mapped.rows.height)
    # Content without a key of its own is referred to by no other row, so that the whole row can go with its author.
    for column in (_OWNER,) if has_key else (_OWNER, _AUTHOR):
        if column in mapped.rows.columns:
            is_left_out |= erased.among(mapped.rows[column])
    # A required text that contains an id cannot be blanked, since the row would become invalid.
    for column in {table.key, *table.required} - {_OWNER, _AUTHOR}:
        if mapped.rows.schema.get(column) == pl.String:
            is_left_out |= erased.named_in(mapped.rows[column])
    rows = mapped.rows.filter(~is_left_out)
    return replace(
        mapped,
        rows=rows,
        written=mapped.written.filter(~is_left_out).with_columns(_blanks(rows, table, erased).values()),
        rejects=mapped.rejects.filter(pl.col(ROW_NO).is_in(rows[ROW_NO].implode())),
        blanked=mapped.blanked.filter(pl.col(ROW_NO).is_in(rows[ROW_NO].implode())),
        left_out=mapped.left_out + int(is_left_out.sum()),
    )


def without_names(rows: pl.DataFrame, *, table: Table, erased: ErasureRegister) -> pl.DataFrame:
    """Blank everything that names erased members in rows with keys; an erased author becomes `ERASED_AUTHOR`.

    Args:
        rows: One row per mapped row, keys included.
        table: The contract of the table.
        erased: The register.
    """
    if not erased.erasures:
        return rows
    blanks = _blanks(rows, table, erased)
    if _AUTHOR in rows.columns:
        is_erased = pl.lit(erased.among(rows[_AUTHOR]))
        blanks[_AUTHOR] = pl.when(is_erased).then(pl.lit(ERASED_AUTHOR)).otherwise(_AUTHOR).alias(_AUTHOR)
    return rows.with_columns(blanks.values())


def _blanks(rows: pl.DataFrame, table: Table, erased: ErasureRegister) -> dict[str, pl.Expr]:
    """Return column → expression without references to erased members and without free texts that name them.

    Columns in which nothing changes are not in the result.
    """
    not_blankable = {table.key, *table.required}
    names_erased: dict[str, pl.Series] = {}
    for column, dtype in rows.schema.items():
        if column in (*_REFERENCES, _AUTHOR):
            names_erased[column] = erased.among(rows[column])
        elif dtype == pl.String and column not in not_blankable:
            names_erased[column] = erased.named_in(rows[column])
    # The title is the author's own text, whatever it says.
    if _AUTHOR in names_erased and "title" in names_erased:
        names_erased["title"] |= names_erased[_AUTHOR]
    return {
        column: pl.when(~pl.lit(is_named)).then(pl.col(column)).alias(column)
        for column, is_named in names_erased.items()
        if is_named.any()
    }


def _word_spans(path: str) -> set[str]:
    """Return every part of a path that starts and ends with a word, folder by folder: an id may contain separators itself."""
    spans_of_words: set[str] = set()
    for name in path.split("/"):
        pieces = _BETWEEN_WORDS.split(name)
        ranges = ((first, last) for first in range(0, len(pieces), 2) for last in range(first, len(pieces), 2))
        spans_of_words |= {"".join(pieces[first : last + 1]) for first, last in ranges}
    return spans_of_words - {""}


def _read_key(root: Path) -> bytes | None:
    from_environment = os.environ.get(KEY_VARIABLE)
    if from_environment is not None:
        if len(from_environment) < _SHORTEST_KEY:
            raise ConfigurationError(
                f"{KEY_VARIABLE} is shorter than {_SHORTEST_KEY} characters", remedy="Use a long random text, and keep it."
            )
        return from_environment.encode()
    try:
        return bytes.fromhex((root / KEY_FILE).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{root / KEY_FILE} cannot be read", remedy="Put it back from a backup.") from error
