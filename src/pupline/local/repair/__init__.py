"""A new database from a damaged one and from the stored objects."""

from pupline.local.repair._repair import RepairReport, repair_database

__all__ = [
    "RepairReport",
    "repair_database",
]
