"""What the API keeps besides executions: state machines, their versions and aliases, activities, tags."""

from dataclasses import dataclass

from pupline.local import Database
from pupline.stepfunctions.store._activities import Activities, StoredActivity
from pupline.stepfunctions.store._aliases import Aliases, NoVersion, StoredAlias
from pupline.stepfunctions.store._state_machines import Revision, StateMachines, StoredMachine, StoredVersion
from pupline.stepfunctions.store._tags import MAX_TAGS, TagLimit, Tags, write_tags

__all__ = [
    "MAX_TAGS",
    "Activities",
    "Aliases",
    "NoVersion",
    "Revision",
    "StateMachines",
    "Store",
    "StoredActivity",
    "StoredAlias",
    "StoredMachine",
    "StoredVersion",
    "TagLimit",
    "Tags",
    "write_tags",
]


@dataclass(frozen=True, slots=True)
class Store:
    """The tables in one database. Made by `Store.of`."""

    machines: StateMachines
    aliases: Aliases
    activities: Activities
    tags: Tags

    @classmethod
    def of(cls, database: Database) -> "Store":
        """The tables in `database`."""
        return cls(StateMachines(database), Aliases(database), Activities(database), Tags(database))
