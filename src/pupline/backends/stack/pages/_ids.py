"""Names of a stack's records in URLs: the key of the item in the table."""

from pupline.errors import NoSuchName
from pupline.tasks.page_cursors import cursor_of, key_of
from pupline.tasks.pages import InvalidQuery
from pupline.tasks.records import AuditRecord
from pupline.text import printable


def record_id(record: AuditRecord) -> str:
    """The name of the record."""
    return cursor_of("record", (record.image_name, record.execution))


def record_key(name: str) -> tuple[str, str]:
    """The image's name and the execution of the record with this name. Raises: NoSuchName."""
    try:
        image_name, execution = key_of("record", name)
    except (InvalidQuery, ValueError) as err:
        raise NoSuchName(f"there is no audit record '{printable(name)}' here; list them with: pupline audit") from err
    return str(image_name), str(execution)
