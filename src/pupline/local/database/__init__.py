"""The SQLite file: its schema, how it is opened, and who may write."""

from pupline.local.database._database import Database, storable
from pupline.local.database._opening import connect, damaged, explain
from pupline.local.database._row_checks import Table, Unsound, checked_row, tables, unsound_rows
from pupline.local.database._schema import APPLICATION_ID, MIGRATIONS, migrate
from pupline.local.database._statements import MANY, execute_many, marks

__all__ = [
    "APPLICATION_ID",
    "MANY",
    "MIGRATIONS",
    "Database",
    "Table",
    "Unsound",
    "checked_row",
    "connect",
    "damaged",
    "execute_many",
    "explain",
    "marks",
    "migrate",
    "storable",
    "tables",
    "unsound_rows",
]
