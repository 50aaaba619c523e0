"""Expressions and queries that try to reach a file, a socket, the environment or other rows. Tests fill in `{file}`, `{url}`."""

from __future__ import annotations

from itertools import product
from typing import Final

_TABLES: Final = (
    "read_csv('{file}')", "read_parquet('{file}')", "READ_JSON('{file}')", "read_ndjson('{file}')", "read_ipc('{file}')",
    "Scan_Csv('{file}')", "read_csv('{url}')", "read_csv /**/ ('{file}')", '"read_csv"(\'{file}\')', "read_csv($${file}$$)",
)  # fmt: skip
_SHAPES: Final = (
    "x = (SELECT zz FROM {table})", "x IN (SELECT zz FROM {table})", "EXISTS (SELECT 1 FROM {table})",
    "CASE WHEN (SELECT zz FROM {table}) = x THEN 1 ELSE 2 END", "COALESCE(x, (SELECT MAX(zz) FROM {table}))",
    "x > ALL (SELECT zz FROM {table})", "x = ANY(SELECT zz FROM {table})",
    "x = (WITH t AS (SELECT * FROM {table}) SELECT zz FROM t)", "(((((SELECT zz FROM {table})))))", "x || {table}", "{table}",
    "x FROM {table}", "x = (TABLE {table})",
)  # fmt: skip
_SPELLED: Final = """\
x = (select"zz"from read_csv('{file}'))
x=(SELECT`zz`FROM`read_csv`('{file}'))
x = (SELECT/**/zz/**/FROM/**/read_csv('{file}'))
x = (/*! SELECT zz FROM read_csv('{file}') */)
x = (SELECT zz -- ' \\nFROM read_csv('{file}'))
x -- ' = (SELECT zz FROM read_csv('{file}'))
x = (\tSELECT\u00a0zz\u2003FROM\u3000read_csv('{file}'))
x = (\uff33\uff25\uff2c\uff25\uff23\uff34 zz FROM read_csv('{file}'))
x = (\u017fELECT zz FROM read_csv('{file}'))
x = (SEL\u200bECT zz FROM read_csv('{file}'))
x = (sElEcT zz fRoM rEaD_cSv('{file}'))
x = (SELECT zz FROM '{file}')
x = (SELECT zz FROM "{file}")
x = (SELECT zz FROM {file})
x = (FROM read_csv('{file}') SELECT zz)
x = (FROM read_csv('{file}'))
x = (VALUES ((SELECT zz FROM read_csv('{file}'))))
x IN ((SELECT zz FROM read_csv('{file}')), 'a')
x NOT IN (SELECT zz FROM read_csv('{file}'))
x IN UNNEST(read_csv('{file}'))
x BETWEEN (SELECT zz FROM read_csv('{file}')) AND 'z'
x LIKE (SELECT zz FROM read_csv('{file}'))
CAST((SELECT zz FROM read_csv('{file}')) AS INT)
(SELECT zz FROM read_csv('{file}'))::int
ARRAY(SELECT zz FROM read_csv('{file}'))
[ (SELECT zz FROM read_csv('{file}')) ]
x[(SELECT 1 FROM read_csv('{file}'))]
EXTRACT(YEAR FROM (SELECT zz FROM read_csv('{file}')))
TRIM(BOTH 'a' FROM (SELECT zz FROM read_csv('{file}')))
SUBSTRING(x FROM (SELECT 1 FROM read_csv('{file}')))
POSITION('a' IN (SELECT zz FROM read_csv('{file}')))
NOT EXISTS (SELECT 1 FROM read_csv('{file}'))
IF(EXISTS(SELECT 1 FROM read_csv('{file}')), 1, 2)
x = E'\\x27) FROM read_csv(\\x27{file}\\x27) --'
x = 'a\\' OR (SELECT zz FROM read_csv('{file}')) = 'b'
x = U&'\\0027' || (SELECT zz FROM read_csv('{file}'))
x = $q$ ' $q$ || (SELECT zz FROM read_csv('{file}'))
x = '''' || (SELECT zz FROM read_csv('{file}'))
"x" = ("SELECT" zz FROM read_csv('{file}'))
x; SELECT * FROM read_csv('{file}')
x); SELECT * FROM read_csv('{file}'); --
x UNION SELECT zz FROM read_csv('{file}')
x, (SELECT zz FROM read_csv('{file}'))
x AS y, (SELECT zz FROM read_csv('{file}')) AS z
x FROM self JOIN read_csv('{file}') USING (x)
WITH t AS (SELECT * FROM read_csv('{file}')) SELECT zz FROM t
SELECT * FROM read_csv('{file}')
COPY t FROM '{file}'
COPY (SELECT 1) TO '{file}.new'
CREATE TABLE t AS SELECT * FROM read_csv('{file}')
EXPLAIN SELECT * FROM read_csv('{file}')
ATTACH '{file}' AS t
PRAGMA database_list
LOAD_FILE('{file}')
pg_read_file('{file}')
readfile('{file}')
load_extension('{file}')
lo_import('{file}')
dblink('host=127.0.0.1', 'SELECT 1')
http_get('{url}')
SYSTEM('cat {file}')
getenv('CANARY')
env('CANARY')
current_setting('CANARY')
$CANARY
${{CANARY}}
%CANARY%
@@CANARY
:CANARY
?
COLUMNS('.*')
COLUMNS(*)
*
x.*
* EXCLUDE (x)
x AS y
x y
COUNT(*)
SUM(x) OVER ()
FIRST(x)
LAST_VALUE(x)
LAG(x) OVER (ORDER BY x)
CONCAT(x) FILTER (WHERE x IS NOT NULL)
STRING_AGG(x, ',')
UNNEST(x)
GENERATE_SERIES(1, 1000000000000)
NOW()
CURRENT_TIMESTAMP
x::regclass
NEXTVAL('x')
"x"."__class__"
x ->> (SELECT zz FROM read_csv('{file}'))
x #>> (SELECT zz FROM read_csv('{file}'))""".splitlines()

EXPRESSIONS: Final = [shape.replace("{table}", table) for shape, table in product(_SHAPES, _TABLES)] + _SPELLED

SQLITE: Final = """\
ATTACH '{file}' AS other
ATTACH DATABASE 'file:{file}?mode=rwc' AS other
attach/**/'{file}.new'/**/as/**/other
DETACH main
VACUUM INTO '{file}.new'
VACUUM
PRAGMA database_list
PRAGMA writable_schema = ON
PRAGMA temp_store_directory = '/'
PRAGMA main.journal_mode = DELETE
SELECT * FROM pragma_database_list
SELECT * FROM pragma_table_info('t')
SELECT * FROM pragma_module_list
SELECT * FROM pragma_compile_options
SELECT load_extension('{file}')
SELECT LOAD_EXTENSION('{file}', 'init')
SELECT "load_extension"('{file}')
SELECT/**/load_extension/**/('{file}')
SELECT id FROM t WHERE load_extension('{file}') IS NOT NULL
WITH c AS (SELECT load_extension('{file}') AS x) SELECT x FROM c
SELECT readfile('{file}')
SELECT writefile('{file}.new', 'x')
SELECT edit('{file}')
SELECT * FROM fsdir('/')
SELECT * FROM csv('{file}')
SELECT * FROM sqlite_dbpage
SELECT * FROM dbstat
SELECT * FROM sqlite_stmt
SELECT fts3_tokenizer('simple')
SELECT fts3_tokenizer('simple', x'00')
CREATE VIRTUAL TABLE temp.v USING fts4(x, tokenize=simple)
CREATE VIRTUAL TABLE temp.v USING csv(filename='{file}')
CREATE TEMP TABLE v AS SELECT 1
CREATE TABLE v (x)
CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN SELECT load_extension('{file}'); END
CREATE TEMP VIEW w AS SELECT load_extension('{file}')
WITH n AS (SELECT 9 AS id) INSERT INTO t SELECT id FROM n
WITH n AS (SELECT 9) DELETE FROM t RETURNING id
INSERT INTO t VALUES (9) RETURNING id
REPLACE INTO t VALUES (9)
UPDATE t SET id = 0 RETURNING id
DELETE FROM t
ALTER TABLE t ADD COLUMN y
DROP TABLE t
REINDEX
ANALYZE
BEGIN IMMEDIATE
SAVEPOINT s
SELECT 1; ATTACH '{file}' AS other
SELECT 1; DELETE FROM t
EXPLAIN SELECT 1; ATTACH '{file}' AS other
SELECT sqlite_log(1, 'x')
SELECT randomblob(1000000)
SELECT sqlite_compileoption_get(1)
SELECT json_extract(canary, 'x') FROM t
SELECT id FROM t WHERE json(canary)
.read {file}
.shell cat {file}""".splitlines()

POSTGRES: Final = """\
SELECT pg_read_file('{file}')
SELECT PG_READ_FILE('{file}', 0, 100)
SELECT pg_catalog.pg_read_file('{file}')
SELECT "pg_read_file"('{file}')
SELECT "pg_catalog"."pg_read_file"('{file}')
SELECT pg_read_file/**/('{file}')
SELECT/**/pg_read_file('{file}')
SELECT U&"pg_read\\005ffile"('{file}')
SELECT u&"pg!005fread!005ffile" UESCAPE '!' ('{file}')
SELECT pg_read_binary_file('{file}')
SELECT encode(pg_read_binary_file('{file}'), 'escape')
SELECT * FROM pg_read_file('{file}') AS t (x)
SELECT x FROM LATERAL pg_read_file('{file}') AS t (x)
WITH c AS (SELECT pg_read_file('{file}') AS x) SELECT x FROM c
SELECT id FROM t WHERE pg_read_file('{file}') LIKE 'z%'
SELECT CASE WHEN true THEN pg_read_file('{file}') END
SELECT (SELECT pg_read_file('{file}'))
SELECT id FROM t ORDER BY pg_read_file('{file}')
SELECT pg_stat_file('{file}')
SELECT * FROM pg_ls_dir('/')
SELECT pg_ls_logdir()
SELECT pg_ls_waldir()
SELECT pg_ls_tmpdir()
SELECT pg_current_logfile()
SELECT * FROM pg_hba_file_rules
SELECT * FROM pg_file_settings
SELECT * FROM pg_config
SELECT * FROM pg_config()
SELECT * FROM pg_show_all_file_settings()
SELECT * FROM pg_ident_file_mappings
SELECT * FROM pg_authid
SELECT * FROM pg_shadow
SELECT lo_import('{file}')
SELECT lo_export(1, '{file}.new')
SELECT lo_create(0)
SELECT lo_from_bytea(0, 'x')
SELECT lo_get(lo_import('{file}'))
SELECT loread(1, 1)
SELECT lowrite(1, 'x')
SELECT dblink('host=127.0.0.1', 'SELECT 1')
SELECT * FROM dblink('host=127.0.0.1', 'SELECT 1') AS t (x int)
SELECT dblink_connect('host=127.0.0.1')
SELECT public.dblink_exec('host=127.0.0.1', 'DELETE FROM t')
SELECT http_get('{url}')
SELECT * FROM http_post('{url}', 'x')
SELECT aws_s3.query_export_to_s3('SELECT 1', 'b', 'k')
SELECT query_to_xml('SELECT pg_re' || 'ad_file(''{file}'')', true, true, '')
SELECT table_to_xml('t', true, true, '')
SELECT database_to_xml(true, true, '')
SELECT ts_stat('SELECT to_tsvector(pg_re' || 'ad_file(''{file}''))')
SELECT ts_rewrite('a'::tsquery, 'SELECT 1')
SELECT xpath_table('id', 'x', 't', '/', 'true')
COPY t FROM '{file}'
COPY (SELECT 1) TO '{file}.new'
COPY t TO PROGRAM 'cat {file}'
SELECT 1; COPY t FROM '{file}'
SELECT 1; COMMIT; COPY (SELECT 1) TO '{file}.new'
DO $$ BEGIN PERFORM 1; END $$
CREATE EXTENSION dblink
CREATE TABLE v AS SELECT 1
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'
LOAD '{file}'
LISTEN x
NOTIFY x
SELECT pg_notify('x', 'y')
SELECT set_config('statement_timeout', '0', false)
SET statement_timeout = 0
SET TRANSACTION READ WRITE
SELECT nextval('s')
SELECT setval('s', 1)
WITH gone AS (DELETE FROM t RETURNING id) SELECT id FROM gone
WITH new AS (INSERT INTO t VALUES (9) RETURNING id) SELECT id FROM new
SELECT id INTO v FROM t
SELECT id FROM t FOR UPDATE
SELECT pg_terminate_backend(pg_backend_pid())
SELECT pg_cancel_backend(1)
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_export_snapshot()
SELECT pg_create_restore_point('x')
SELECT pg_advisory_lock(1)
SELECT pg_logical_emit_message(true, 'x', 'y')
SELECT pg_create_physical_replication_slot('x')
SELECT canary::int FROM t
SELECT 1 / (length(canary) - length(canary)) FROM t""".splitlines()
