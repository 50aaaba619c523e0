"""The seven tables agree with themselves and with each other."""

import polars as pl
import pytest

from lake.contracts import ACTIVITY_TABLES, PROVENANCE, TABLES, TIMESTAMP, Table

EACH = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@EACH
def test_key_time_and_references_are_columns(table: Table) -> None:
    assert next(iter(table.columns)) == table.key
    assert table.time is None or table.columns[table.time].dtype == TIMESTAMP
    assert table.time is None or table.columns[table.time].required
    assert set(table.references) <= set(table.columns)
    assert all(TABLES[name].columns[TABLES[name].key].dtype == pl.String for name in table.references.values())


@EACH
def test_the_landed_schema_keeps_every_column_and_says_where_it_came_from(table: Table) -> None:
    landed = table.landed_schema
    kept = [("amount_minor" if name == "amount" else name) for name in table.columns]
    assert list(landed) == [*kept, *(["event_date"] if table.time else []), *PROVENANCE]
    assert landed.get("amount_minor", pl.Int64()) == pl.Int64()


@EACH
def test_referenced_tables_come_first(table: Table) -> None:
    order = list(TABLES)
    assert all(order.index(name) < order.index(table.name) for name in table.references.values() if name != table.name)


def test_only_a_members_key_cannot_be_derived() -> None:
    assert {name for name, table in TABLES.items() if table.key in table.required} == {"members"}
    assert set(ACTIVITY_TABLES) <= set(TABLES)
