"""What the API keeps besides executions: state machines, their versions and aliases, activities, tags."""

from dataclasses import dataclass

from pupline.local import Database
from pupline.stepfunctions.store._state_machines import Revision, StateMachines, StoredMachine

__all__ = ["Revision", "StateMachines", "Store", "StoredMachine"]


@dataclass(frozen=True, slots=True)
class Store:
    """The tables in one database. Made by `Store.of`."""

    machines: StateMachines

    @classmethod
    def of(cls, database: Database) -> "Store":
        """The tables in `database`."""
        return cls(StateMachines(database))
