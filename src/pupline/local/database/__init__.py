"""The SQLite file: its schema, how it is opened, and who may write."""

from pupline.local.database._database import Database, storable
from pupline.local.database._opening import connect, connect_to_check, damaged, explain
from pupline.local.database._row_checks import DamagedValue, Table, check_row, damaged_rows, tables
from pupline.local.database._schema import APPLICATION_ID, MIGRATIONS, migrate
from pupline.local.database._statements import MANY, execute_many, marks

__all__ = [
    "APPLICATION_ID",
    "MANY",
    "MIGRATIONS",
    "DamagedValue",
    "Database",
    "Table",
    "check_row",
    "connect",
    "connect_to_check",
    "damaged",
    "damaged_rows",
    "execute_many",
    "explain",
    "marks",
    "migrate",
    "storable",
    "tables",
]
