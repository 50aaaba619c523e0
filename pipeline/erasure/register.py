"""The members who have been erased, remembered by keyed hashes alone, and left out when an export brings them again.

The hash is HMAC-SHA256 under a key of the workspace's own, so that the register names nobody to whoever lacks the key; with
the key alone, ids can only be tried one by one. The register and the key are the two things of a workspace that no run can
make again.
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
from pipeline.erasure.id_matcher import IdMatcher

KEY_VARIABLE: Final = "EVENFALL_ERASURE_KEY"
FOLDER: Final = "erasures"
REGISTER: Final = "register.json"
KEY_FILE: Final = ".evenfall/erasure.key"
# Stands for an erased author while a piece of content is judged, which must have one; it lands without.
ERASED_AUTHOR: Final = "\x1ferased"
_OWNER: Final = "member_id"
_AUTHOR: Final = "author_id"
_REFERENCES: Final = ("referrer_id", "target_member_id")
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
        asked_at: When it was asked for, ISO with zone.
        finished_at: When nothing was left, or None while an erasure is under way.
        certificate: The name of its newest certificate, without ending.
    """

    member_hash: str
    asked_at: str
    finished_at: str | None = None
    certificate: str | None = None


@dataclass(frozen=True)
class ErasureRegister:
    """Everyone who has been erased from a workspace.

    Args:
        key: The key of the hashes; None where nobody has been erased.
        erasures: The register.
    """

    key: bytes | None = None
    erasures: tuple[Erasure, ...] = ()

    @cached_property
    def hashes(self) -> frozenset[str]:
        """The keyed hashes of all of them, erasures under way included."""
        return frozenset(erasure.member_hash for erasure in self.erasures)

    def hash_of(self, member_id: str) -> str:
        """The keyed hash of an id."""
        assert self.key is not None
        return hmac.digest(self.key, member_id.encode("utf-8", "surrogatepass"), "sha256").hex()

    def of(self, member_id: str) -> Erasure | None:
        """The register's line of a member."""
        mine = self.hash_of(member_id)
        return next((erasure for erasure in self.erasures if erasure.member_hash == mine), None)

    def among(self, ids: pl.Series) -> pl.Series:
        """Whether each id is one of theirs; a null is nobody's."""
        if not self.erasures:
            return pl.Series([False]).new_from_index(0, ids.len())
        known = [member for member in ids.drop_nulls().unique().to_list() if self.hash_of(str(member)) in self.hashes]
        return ids.is_in(pl.Series(known, dtype=ids.dtype).implode()).fill_null(value=False)

    def named_in(self, texts: pl.Series) -> pl.Series:
        """Whether each text has one of their ids as a word; ids too short to be told from other words are not looked for."""
        if not self.erasures or texts.is_empty():
            return pl.Series([False]).new_from_index(0, texts.len())
        words = texts.str.extract_all(_WORDS).explode(empty_as_null=False, keep_nulls=False).str.strip_chars(".+-").unique()
        theirs = {word for word in words if IdMatcher(word).kind != "value" and self.hash_of(word) in self.hashes}
        if not theirs:
            return pl.Series([False]).new_from_index(0, texts.len())
        # Whole words only: `anna-2` is somebody else than `anna`.
        said = (set() if text is None else {word.strip(".+-") for word in re.findall(_WORDS, text)} for text in texts)
        return pl.Series([bool(theirs & one) for one in said])

    def masked(self, path: str) -> str:
        """A path as it may be kept: where a part of it is called like an erased member, it is not."""
        if not self.erasures:
            return path
        theirs = [part for part in _parts(path) if self.hash_of(part) in self.hashes]
        for part in sorted(theirs, key=len, reverse=True):
            path = path.replace(part, mask_of(self.hash_of(part)))
        return path

    def with_erasure(self, erasure: Erasure) -> ErasureRegister:
        """The register with a line added, or replaced where the member has one."""
        others = tuple(held for held in self.erasures if held.member_hash != erasure.member_hash)
        return replace(self, erasures=(*others, erasure))


def mask_of(member_hash: str) -> str:
    """What stands in a path instead of a member's id: different members' files stay different files."""
    return f"erased-{member_hash[:12]}"


def read_register(root: Path) -> ErasureRegister:
    """Read a workspace's register; empty where nobody has been erased.

    Raises:
        ConfigurationError: The register cannot be read, or the key it was written with is not there.
    """
    file = root / FOLDER / REGISTER
    try:
        held: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        erasures = tuple(Erasure(**line) for line in held["erasures"])
        check = held["key_check"]
    except FileNotFoundError:
        return ErasureRegister()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{file} cannot be read", remedy="Put it back from a backup.", detail=str(error)) from error
    key = _held_key(root)
    if key is None or hmac.digest(key, _KEY_CHECK, "sha256").hex() != check:
        which = "missing" if key is None else "another one"
        raise ConfigurationError(
            f"the key by which erased members are recognised is {which} ({root / KEY_FILE} or {KEY_VARIABLE})",
            remedy="Put the key back; without it an export would bring erased members back.",
        )
    return ErasureRegister(key, erasures)


def with_key(root: Path, erased: ErasureRegister) -> ErasureRegister:
    """The register with its key, made now where there is none: from the environment, else drawn and kept for the owner alone.

    Raises:
        ConfigurationError: The key in the environment is too short.
    """
    if erased.key is not None:
        return erased
    key = _held_key(root)
    if key is None:
        key = secrets.token_bytes(_KEY_BYTES)
        file = root / KEY_FILE
        file.parent.mkdir(parents=True, exist_ok=True)
        _write(file, key.hex().encode(), mode=0o600)
    return replace(erased, key=key)


def write_register(root: Path, erased: ErasureRegister) -> None:
    """Write the register, all or nothing."""
    assert erased.key is not None
    lines = [asdict(erasure) for erasure in sorted(erased.erasures, key=lambda line: (line.asked_at, line.member_hash))]
    check = hmac.digest(erased.key, _KEY_CHECK, "sha256").hex()
    text = json.dumps({"format_version": _FORMAT_VERSION, "key_check": check, "erasures": lines}, indent=2) + "\n"
    (root / FOLDER).mkdir(parents=True, exist_ok=True)
    _write(root / FOLDER / REGISTER, text.encode(), mode=0o640)


def leave_out(mapped: Mapped, *, table: Table, erased: ErasureRegister) -> Mapped:
    """Leave out the rows of erased members, and write nothing of them where other members' rows name them.

    What `rows` say of them stays until `without_names`: a derived key must stay what it was before the erasure.

    Args:
        mapped: What one export became.
        table: Its contract.
        erased: The register.
    """
    if not erased.erasures:
        return mapped
    has_key = table.key in mapped.rows.columns
    gone = pl.Series([False]).new_from_index(0, mapped.rows.height)
    # A piece of content without a key of its own is referred to by nobody.
    for column in (_OWNER,) if has_key else (_OWNER, _AUTHOR):
        if column in mapped.rows.columns:
            gone |= erased.among(mapped.rows[column])
    for column in {table.key, *table.required} - {_OWNER, _AUTHOR}:
        if mapped.rows.schema.get(column) == pl.String:
            gone |= erased.named_in(mapped.rows[column])
    rows = mapped.rows.filter(~gone)
    return replace(
        mapped,
        rows=rows,
        written=mapped.written.filter(~gone).with_columns(_blanks(rows, table, erased).values()),
        rejects=mapped.rejects.filter(pl.col(ROW_NO).is_in(rows[ROW_NO].implode())),
        blanked=mapped.blanked.filter(pl.col(ROW_NO).is_in(rows[ROW_NO].implode())),
        left_out=mapped.left_out + int(gone.sum()),
    )


def without_names(rows: pl.DataFrame, *, table: Table, erased: ErasureRegister) -> pl.DataFrame:
    """Blank what names erased members in rows that have their keys; an erased author becomes `ERASED_AUTHOR`."""
    if not erased.erasures:
        return rows
    blanks = _blanks(rows, table, erased)
    if _AUTHOR in rows.columns:
        theirs = pl.lit(erased.among(rows[_AUTHOR]))
        blanks[_AUTHOR] = pl.when(theirs).then(pl.lit(ERASED_AUTHOR)).otherwise(_AUTHOR).alias(_AUTHOR)
    return rows.with_columns(blanks.values())


def _blanks(rows: pl.DataFrame, table: Table, erased: ErasureRegister) -> dict[str, pl.Expr]:
    """Column → its values without the references to erased members and the free texts that name them."""
    bound = {table.key, *table.required}
    named: dict[str, pl.Series] = {}
    for column, dtype in rows.schema.items():
        if column in (*_REFERENCES, _AUTHOR):
            named[column] = erased.among(rows[column])
        elif dtype == pl.String and column not in bound:
            named[column] = erased.named_in(rows[column])
    if _AUTHOR in named and "title" in named:
        named["title"] |= named[_AUTHOR]
    return {
        column: pl.when(~pl.lit(theirs)).then(pl.col(column)).alias(column) for column, theirs in named.items() if theirs.any()
    }


def _parts(path: str) -> set[str]:
    """Everything in a path that begins and ends with a word, folder by folder."""
    parts: set[str] = set()
    for name in path.split("/"):
        pieces = _BETWEEN_WORDS.split(name)
        spans = ((first, last) for first in range(0, len(pieces), 2) for last in range(first, len(pieces), 2))
        parts |= {"".join(pieces[first : last + 1]) for first, last in spans}
    return parts - {""}


def _held_key(root: Path) -> bytes | None:
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


def _write(file: Path, content: bytes, *, mode: int) -> None:
    """Write a small file durably, all or nothing."""
    temporary = file.with_name(f".{file.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
