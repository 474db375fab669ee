"""A door and its port, opened together and closed together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pupline.local import LocalBackend
from pupline.stepfunctions._door import MAX_BODY_BYTES, Door
from pupline.stepfunctions.http import DoorServer, HostCheck, Limits


@contextmanager
def serving(
    backend: LocalBackend,
    address: tuple[str, int],
    *,
    hosts: HostCheck = HostCheck(),  # noqa: B008 - frozen
    log: Callable[[str], None] = lambda _line: None,
) -> Iterator[DoorServer]:
    """The API on `address`, for the length of the `with` block. Port 0 takes a free one.

    backend: opened exclusively. Raises: OSError when the port cannot be bound; ConfigurationError.
    """
    door = Door(backend)
    server = DoorServer(address, door.answer, Limits(body_bytes=MAX_BODY_BYTES), hosts, log)
    door.start()
    try:
        with server:
            yield server
    finally:
        door.close()
