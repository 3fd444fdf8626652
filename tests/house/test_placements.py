"""Every table has a declared place in a distributed database, and its keys allow that place."""

import pytest
from sqlalchemy import Index, PrimaryKeyConstraint, Table, UniqueConstraint

from consent_server.db import Base
from consent_server.models import __all__ as all_models
from consent_server.placements import PLACEMENTS, SPREAD_BY, Kind

assert all_models  # fills the metadata
TABLES = {table.name: table for table in Base.metadata.sorted_tables}
SPREAD = [name for name, placement in PLACEMENTS.items() if placement.kind is Kind.DISTRIBUTED]


def unique_columns(table: Table) -> list[list[str]]:
    """The columns of everything that is unique in a table but its primary key."""
    constraints = [each for each in table.constraints if isinstance(each, UniqueConstraint)]
    indexes: list[Index] = [each for each in table.indexes if each.unique]
    return [[column.name for column in each.columns] for each in (*constraints, *indexes)]


def test_every_table_has_a_place_and_every_place_says_why() -> None:
    assert PLACEMENTS.keys() == TABLES.keys()
    assert [name for name, placement in PLACEMENTS.items() if len(placement.reason) < 15] == []


@pytest.mark.parametrize("name", SPREAD)
def test_the_keys_of_a_spread_table_begin_with_the_site(name: str) -> None:
    table = TABLES[name]
    key = next(each for each in table.constraints if isinstance(each, PrimaryKeyConstraint))

    assert next(column.name for column in key.columns) == SPREAD_BY
    assert [columns for columns in unique_columns(table) if SPREAD_BY not in columns] == []


@pytest.mark.parametrize("name", SPREAD)
def test_site_ids_have_one_width_or_the_tables_could_not_stand_together(name: str) -> None:
    column = TABLES[name].c[SPREAD_BY]

    assert str(column.type) == "INTEGER"
    assert not column.nullable


def test_foreign_keys_only_lead_where_a_row_of_the_same_node_is() -> None:
    far = []
    for name, table in TABLES.items():
        for key in table.foreign_keys:
            here, there = PLACEMENTS[name].kind, PLACEMENTS[key.column.table.name].kind
            if there is Kind.REFERENCE or (here is there is Kind.LOCAL):
                continue
            far.append(f"{name} → {key.column.table.name}")

    assert far == []
