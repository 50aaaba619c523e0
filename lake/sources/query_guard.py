"""The guard of a source's query: it may read tables; anything that reaches a file, a socket or the server itself is refused.

A read-only transaction keeps a query from writing, but PostgreSQL's own functions could still read the server's files. The
account of a source should only be allowed to read its tables; this list protects the server if it is allowed more.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from lake.errors import first_line

# A list of what is allowed: new releases of SQLite, and extensions, may add functions that reach files.
_SQLITE_FUNCTIONS: Final = frozenset(
    """-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count cume_dist
    current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format glob group_concat
    hex if ifnull iif instr json json_array json_array_insert json_array_length json_error_position json_extract json_group_array
    json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace json_set json_type
    json_valid jsonb jsonb_array jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object jsonb_patch
    jsonb_remove jsonb_replace jsonb_set julianday lag last_value lead length like likelihood likely ln log log10 log2 lower ltrim
    max median min mod nth_value ntile nullif octet_length percent_rank percentile percentile_cont percentile_disc pi pow power
    printf quote radians rank replace round row_number rtrim sign sin sinh soundex sqrt strftime string_agg substr substring
    subtype sum tan tanh time timediff total trim trunc typeof unhex unicode unistr unixepoch unlikely upper zeroblob""".split()  # noqa: SIM905
)
_SQLITE_ACTIONS: Final = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
# Virtual tables that show the database's internals or the file system.
_SQLITE_INNER_TABLES: Final = re.compile(
    r"sqlite_(?!master$|schema$|sequence$)|pragma_|dbstat$|fts\d|fsdir$|bytecode$|tables_used$", re.I
)
# Beginnings of messages about the text of the query; others may quote a value.
_SQLITE_SAFE_MESSAGES: Final = re.compile(
    r"no such (?:table|column|function|module)|near \"|not authorized|authorization denied|ambiguous column"
    r"|incomplete input|unrecognized token"
    r"|wrong number of arguments|misuse of|You can only execute one|attempt to write|access to|too many|SELECTs to the left"
    r"|a GROUP BY|it gives no rows|the query is empty|prohibited"
)

# A list of what is refused, as PostgreSQL has no hook like SQLite's authorizer on the client's side.
_POSTGRES_BEYOND: Final = re.compile(
    r"""(?<![\w$])(?:
    pg_(?:read|ls|stat_file|file|logdir|current_logfile|reload|rotate|terminate|cancel|promote|switch|create|drop|start_backup
        |stop_backup|backup|export|import|log|copy|wal|get_wal|replication|notify|advisory|try_advisory|config|hba|ident|show|execute
        |write|extension_config|sync|restore|prewarm|truncate|relation_filepath|largeobject|authid|shadow|user_mapping)\w*
    | lo_(?:creat|create|open|close|import|export|get|put|from_bytea|lseek|tell|truncate|unlink)\w* | loread | lowrite
    | dblink\w* | postgres_fdw\w* | file_fdw\w* | aws_(?:s3|lambda|commons)\w* | (?:http|curl)\w*(?=\s*\() | sys_eval | sys_exec
    | (?:query|table|schema|database|cursor)_to_xml\w* | xpath_table | xslt_process | ts_stat | ts_rewrite | crosstab\w*
    | connectby | set_config | setval | nextval | get_raw_page\w* | binary_upgrade_\w+ | inet_(?:client|server)_\w+
    )""",
    re.IGNORECASE | re.VERBOSE,
)  # fmt: skip
# A name with Unicode escapes could spell a refused function in a way that the list does not match.
_POSTGRES_HIDDEN_NAME: Final = re.compile(r'[uU]&"')
# Classes of SQLSTATE whose messages are about the query: syntax, transaction, unsupported features, cursors, schemas.
_POSTGRES_SAFE_STATES: Final = ("42", "25", "0A", "34", "26", "3F")


def sqlite_allows(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    """Return SQLite's code for whether a query may use an action: only reading tables, with SQLite's own functions, is allowed.

    Args:
        action: SQLite's code of the action.
        first: The table for reading; else unused.
        second: The function for calling one; else unused.
        _database: Unused, but passed by SQLite.
        _trigger: Unused, but passed by SQLite.
    """
    if action not in _SQLITE_ACTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _SQLITE_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and _SQLITE_INNER_TABLES.match(first or ""):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def postgres_refuses(query: str) -> str | None:
    """Return the first name in a query that reaches beyond the tables of a PostgreSQL database; None if there is none.

    The whole text is searched, including comments and quoted texts, since a text may be executed as a query.
    """
    if _POSTGRES_HIDDEN_NAME.search(query):
        return 'U&"…"'
    match = _POSTGRES_BEYOND.search(query)
    return match[0] if match else None


def safe_sqlite_message(error: object) -> str:
    """Return the part of SQLite's message that may be shown: messages about the query, none that may contain a value."""
    message = str(error)
    return first_line(message) if _SQLITE_SAFE_MESSAGES.search(message) else "it fails while it runs"


def safe_postgres_message(error: Exception) -> str:
    """Return the part of PostgreSQL's message that may be shown: about the query all, about a value only the kind of error."""
    diagnosis, state = getattr(error, "diag", None), getattr(error, "sqlstate", None)
    message = getattr(diagnosis, "message_primary", None)
    if message and state and state.startswith(_POSTGRES_SAFE_STATES):
        return str(message)[:300]
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return f"{kind} ({state})" if state else kind
