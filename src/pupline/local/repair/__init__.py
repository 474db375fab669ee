"""A damaged data directory made usable again."""

from pupline.local.repair._repair import RepairReport, repair_database

__all__ = [
    "RepairReport",
    "repair_database",
]
