"""What a command says when this machine's trouble ends its work: a full disk, a limit, a file system that went away."""

from collections.abc import Iterator
from contextlib import contextmanager

from pupline.errors import DamagedDatabase, StorageError, local_trouble


@contextmanager
def work_kept(how: str) -> Iterator[None]:
    """Say of local trouble in the `with` block that what is done is kept, and what goes on with the rest.

    how: what goes on, such as "the same command goes on". Raises: the trouble, with that.
    """
    try:
        yield
    except Exception as error:
        trouble = error if isinstance(error, StorageError) else local_trouble(error)
        if trouble is None or isinstance(trouble, DamagedDatabase):
            raise
        raise type(trouble)(f"{trouble.message}. What is done is kept; {how}") from error
