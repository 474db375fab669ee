"""Rows held against what was written: the words and columns that are expected are those that the house has."""

from pupline.local.alerts._subscriptions import _CHECKS
from pupline.local.database._row_checks import _FLAGS, _JSON, _WORDS, UNFINISHED, tables
from pupline.local.database._schema import MIGRATIONS


def test_every_protocol_is_a_sound_one() -> None:
    """A subscription to a new kind of channel must not be taken for damage."""
    assert _WORDS["subscriptions.protocol"] == frozenset(_CHECKS)


def test_what_is_looked_at_is_there() -> None:
    """Every table and column that is named is one of today's schema; older ones have some of them."""
    columns = {f"{table.name}.{column.name}" for table in tables() for column in table.columns}
    assert {*_WORDS, *_JSON, *_FLAGS} <= columns
    assert set(UNFINISHED) <= {table.name for table in tables()}
    for version in range(1, len(MIGRATIONS)):
        older = {f"{table.name}.{column.name}" for table in tables(version) for column in table.columns}
        assert older <= columns  # a migration may add an index alone
