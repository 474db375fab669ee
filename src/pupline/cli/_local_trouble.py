"""What a command says when trouble of this machine ends its work: a full disk, a limit, a file system that is gone."""

from collections.abc import Iterator
from contextlib import contextmanager

from pupline.errors import DamagedDatabase, StorageError, local_trouble


@contextmanager
def explain_local_trouble(next_step: str) -> Iterator[None]:
    """Add to local trouble in the `with` block what becomes of the work, and the next step. Raises: the trouble."""
    try:
        yield
    except Exception as error:
        trouble = error if isinstance(error, StorageError) else local_trouble(error)
        if trouble is None or isinstance(trouble, DamagedDatabase):
            raise
        raise type(trouble)(f"{trouble.message}. {next_step}") from error
