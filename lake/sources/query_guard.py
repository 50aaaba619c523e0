"""What a source's query may do: read tables. Whatever reaches a file, a socket or the server itself is refused.

A read-only transaction keeps a query from writing, but lets PostgreSQL's own functions read the server's files. The account of a
source should be one that may only read its tables; this list is what stands in the way when it is not.
"""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from lake.errors import first_line

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
_SQLITE_INNER_TABLES: Final = re.compile(
    r"sqlite_(?!master$|schema$|sequence$)|pragma_|dbstat$|fts\d|fsdir$|bytecode$|tables_used$", re.I
)
_SQLITE_TELLS: Final = re.compile(
    r"no such (?:table|column|function|module)|near \"|not authorized|authorization denied|ambiguous column"
    r"|incomplete input|unrecognized token"
    r"|wrong number of arguments|misuse of|You can only execute one|attempt to write|access to|too many|SELECTs to the left"
    r"|a GROUP BY|it gives no rows|the query is empty|prohibited"
)

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
_POSTGRES_HIDDEN_NAME: Final = re.compile(r'[uU]&"')
_POSTGRES_TELLS: Final = ("42", "25", "0A", "34", "26", "3F")


def sqlite_allows(action: int, first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    """Decide for SQLite whether a step of a query may be prepared: only reading tables with SQLite's own functions may."""
    if action not in _SQLITE_ACTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() not in _SQLITE_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and _SQLITE_INNER_TABLES.match(first or ""):
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def postgres_refuses(query: str) -> str | None:
    """The name in a query that reaches beyond the tables of a PostgreSQL database, or None.

    The whole text is searched, comments and texts in quotes included: what looks like a text may be run as a query.
    """
    if _POSTGRES_HIDDEN_NAME.search(query):
        return 'U&"…"'
    found = _POSTGRES_BEYOND.search(query)
    return found[0] if found else None


def told_by_sqlite(error: object) -> str:
    """What a message may repeat of SQLite's words: those about the query, none that may hold a value."""
    words = str(error)
    return first_line(words) if _SQLITE_TELLS.search(words) else "it fails while it runs"


def told_by_postgres(error: Exception) -> str:
    """What a message may repeat of PostgreSQL's words: those about the query; of a value, only the kind of fault."""
    diagnosis, state = getattr(error, "diag", None), getattr(error, "sqlstate", None)
    words = getattr(diagnosis, "message_primary", None)
    if words and state and state.startswith(_POSTGRES_TELLS):
        return str(words)[:300]
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return f"{kind} ({state})" if state else kind
