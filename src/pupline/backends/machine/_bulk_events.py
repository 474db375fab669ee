"""The events of a bulk ingest, as the port has them."""

from typing import Any

from pupline.backends._port import BulkEvent, Note, Stopping
from pupline.local import StopRequested, UndeletedFiles


def port_event(event: Any) -> BulkEvent:
    """The event of the port for one of `pupline.bulk`."""
    if isinstance(event, StopRequested):
        return Stopping()
    found: BulkEvent = Note(f"pupline: {event}") if isinstance(event, UndeletedFiles) else event
    return found
