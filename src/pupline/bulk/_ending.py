"""How a worker ends that has nothing left to work with: without a word, for its coordinator says one line for all."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pupline.bulk._starting import NOTHING_LEFT
from pupline.errors import local_trouble


@contextmanager
def ended_when_nothing_is_left() -> Iterator[None]:
    """End the process with NOTHING_LEFT when this thread, or another one, meets local trouble."""
    threading.excepthook = _end
    try:
        yield
    except Exception as err:
        if local_trouble(err):
            os._exit(NOTHING_LEFT)
        raise


def _end(args: "threading.ExceptHookArgs") -> None:
    if args.exc_value is not None and local_trouble(args.exc_value):
        os._exit(NOTHING_LEFT)
    threading.__excepthook__(args)
