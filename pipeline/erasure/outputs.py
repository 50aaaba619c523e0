"""Remove members from everything that nights have written outside the lake: lists, pages, databases, caches."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake.errors import OutsideServiceError
from lake.storage.bucket import Bucket
from lake.storage.storage import File
from outputs.content_lists import CONTENT_LISTS, without_members
from outputs.lists import CHANGES_SCHEMA, CONTACT_SCHEMA, SHOWN_COLUMNS, has_mark, unescape_formulas, write_lists
from outputs.people_lists import BOARD, PEOPLE_SCHEMAS
from outputs.publishing.folder import publish, recover, staging_folder
from outputs.sending import formats_among
from pipeline.erasure.file_search import SQLITE_HEADER, files_below, quoted
from pipeline.erasure.id_matchers import IdMatchers
from pipeline.receipt import RECEIPT
from runtime.file_access import OWN_FOLDERS
from runtime.workspace import Workspace

ERASURES_KEY: Final = "erasures"
_TEXTS: Final = frozenset({".html", ".json", ".jsonl", ".md", ".txt", ".log", ".csv", ".toml", ".yaml", ".yml", ".xml"})
_BUSY_SECONDS: Final = 30
# The lake is listed by itself: it may lie in a bucket or in another folder.
_FOLDERS_BESIDE_LAKE: Final = tuple(name for name in OWN_FOLDERS if name != "lake")
_OWN_FILES: Final = "mlflow.db*"


def own_files(workspace: Workspace, *, without: set[File]) -> list[File]:
    """Return every file that Evenfall or one of its tools has written: in the workspace, and in the lake wherever it is."""
    in_folders = [path for folder in _FOLDERS_BESIDE_LAKE for path in files_below(workspace.root / folder, without=without)]
    # The pattern includes the write-ahead log of the database, which has text that is not in the database yet.
    return [*lake_files(workspace, without=without), *in_folders, *sorted(workspace.root.glob(_OWN_FILES))]


def lake_files(workspace: Workspace, *, without: set[File]) -> list[File]:
    """Return every file of the lake, in a folder or in a bucket."""
    root = workspace.lake.root
    if isinstance(root, Bucket):
        return [file for file in root.files() if file not in without]
    return list(files_below(root, without=without))


def other_files(workspace: Workspace, *, without: set[File]) -> list[File]:
    """Return every file of the workspace that people have put there."""
    own = set(own_files(workspace, without=set()))
    return [path for path in files_below(workspace.root, without=without) if path not in own]


def erase_from_lists(
    workspace: Workspace, matchers: IdMatchers, *, currency: str | None, certificate: str, community: str | None = None
) -> int:
    """Publish the lists of every night again without the members, and add the certificate to every receipt.

    Args:
        workspace: The workspace, locked by this run.
        matchers: The members.
        currency: The currency of the amounts in the lists.
        certificate: The name of the certificate.
        community: The community's name, for the board page.

    Returns:
        The number of nights whose lists named a member.
    """
    # A night that a killed run has left half published is completed or undone first.
    recover(workspace.lists)
    nights = [path for path in sorted(workspace.lists.iterdir()) if path.is_dir()] if workspace.lists.exists() else []
    return sum(
        _erase_from_night(folder, matchers, currency=currency, certificate=certificate, community=community) for folder in nights
    )


def clean(paths: Iterable[Path], matchers: IdMatchers) -> tuple[int, int]:
    """Remove the members from single files: texts and databases are edited, other files, which can be recomputed, deleted.

    Returns:
        The number of files edited, and the number of files deleted.

    Raises:
        OutsideServiceError: A database is in use.
    """
    edited = removed = 0
    for path in paths:
        if not path.exists():
            continue
        with path.open("rb") as stream:
            is_database = stream.read(len(SQLITE_HEADER)) == SQLITE_HEADER
        if is_database:
            _clean_database(path, matchers)
            edited += 1
        elif path.suffix in _TEXTS:
            _replace(path, matchers.redacted_bytes(path.read_bytes()))
            edited += 1
        else:
            path.unlink()
            removed += 1
    return edited, removed


def _erase_from_night(
    folder: Path, matchers: IdMatchers, *, currency: str | None, certificate: str, community: str | None
) -> bool:
    members, contacts = _members(folder), _read_csv(folder / "contact_list.csv", {**CONTACT_SCHEMA, **SHOWN_COLUMNS})
    changes = _read_csv(folder / "changes.csv", CHANGES_SCHEMA)
    if members is None or contacts is None:
        return False
    content = {name: _read_csv(folder / f"{name}.csv", schema) for name, schema in CONTENT_LISTS.items()}
    is_erased = pl.col("member_id").is_in(matchers.ids)
    read = {name: _read_csv(folder / f"{name}.csv", schema) for name, schema in PEOPLE_SCHEMAS.items()}
    people = {name: rows for name, rows in read.items() if rows is not None}
    named = any(frame.filter(is_erased).height for frame in (members, contacts, *people.values()))
    if not named:
        _update_receipt(folder, {}, certificate)
        return False
    staging = staging_folder(folder)
    # The night is published as a whole folder: whatever else is in it, such as the receipt, is copied.
    for path in sorted(folder.iterdir()):
        # Made of the lists again; one that names nobody else any more is not.
        if path.is_file() and path.stem not in (*people, Path(BOARD).stem):
            shutil.copyfile(path, staging / path.name)
    lists = write_lists(
        staging,
        members=members.filter(~is_erased),
        contacts=contacts.filter(~is_erased),
        changes=None if changes is None else changes.filter(~is_erased),
        content={name: without_members(rows, is_erased) for name, rows in content.items() if rows is not None},
        currency=currency,
        bom=has_mark(folder / "contact_list.csv"),
        formats=formats_among(path.name for path in folder.iterdir()),
        people={name: rows.filter(~is_erased) for name, rows in people.items()},
        community=community,
    )
    _update_receipt(staging, lists, certificate, without=(*people, Path(BOARD).stem))
    publish(staging, folder)
    return True


def _members(folder: Path) -> pl.DataFrame | None:
    path = folder / "members.parquet"
    return pl.read_parquet(path, hive_partitioning=False) if path.exists() else None


def _read_csv(path: Path, schema: Mapping[str, pl.DataType]) -> pl.DataFrame | None:
    """Read a CSV list with its values as they were before spreadsheets were thought of; None when it is missing."""
    if not path.exists():
        return None
    read = pl.read_csv(path, schema_overrides=dict(schema), infer_schema_length=None)
    return read.with_columns(unescape_formulas(pl.col(pl.String)))


def _update_receipt(folder: Path, lists: dict[str, str], certificate: str, *, without: Collection[str] = ()) -> None:
    """Write the new hashes of the lists and the certificate into a receipt.

    The receipts of nights that did not name the members are changed, too: their tables can no longer be read as they were.
    """
    path = folder / RECEIPT
    if not path.exists():
        return
    receipt: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    stays = {name: digest for name, digest in receipt.get("lists", {}).items() if Path(name).stem not in without}
    receipt["lists"] = dict(sorted({**stays, **lists}.items()))
    receipt[ERASURES_KEY] = sorted({*receipt.get(ERASURES_KEY, []), certificate})
    _replace(path, (json.dumps(receipt, indent=2, sort_keys=True) + "\n").encode())


def _clean_database(path: Path, matchers: IdMatchers) -> None:
    """Remove the members from every text of a SQLite database, and from its unused pages and its write-ahead log."""
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)) as connection:
            # SQLite leaves deleted text in free space of its pages: zero it, rebuild the file, and empty the write-ahead log.
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                _clean_table(connection, table, matchers)
            connection.execute("COMMIT")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise OutsideServiceError(
            f"{path} names a member and cannot be changed now",
            remedy="Stop what uses it, then run the erasure again.",
            detail=str(error),
        ) from error


def _clean_table(connection: sqlite3.Connection, table: str, matchers: IdMatchers) -> None:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({quoted(table)})")]
    for column in columns:
        name = quoted(column)
        # Each different text once: MLflow repeats the same text in thousands of rows.
        texts = connection.execute(
            f"SELECT DISTINCT {name} FROM {quoted(table)} WHERE typeof({name}) = 'text'"  # noqa: S608 - both are quoted
        ).fetchall()
        for (text,) in texts:
            cleaned = matchers.redacted(text)
            if cleaned != text:
                connection.execute(f"UPDATE {quoted(table)} SET {name} = ? WHERE {name} = ?", [cleaned, text])  # noqa: S608


def _replace(path: Path, content: bytes) -> None:
    """Replace the content of a file in one step."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def list_hashes(folder: Path, names: Iterable[str]) -> dict[str, str | None]:
    """Return file name → SHA-256 of a night's list; None where the file is missing."""
    hashes: dict[str, str | None] = {}
    for name in names:
        path = folder / name
        hashes[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    return hashes
