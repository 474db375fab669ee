"""Parquet from JSON Lines: of a run that the state machine BulkIngest worked on.

Its batches left a part of the metadata for each of their rounds, `part-<first index>-<round>.jsonl` below
`metadata/jsonl/run=<run>/`: with the standard library alone IngestBatch can write no more. Of these this makes the
Parquet that a run without the state machine has, in the order of the listing, with a few parts in memory at a time.
It can be made anew at any time.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from pupline.bulk._metadata import PART_ROWS, MetadataWriter, TablePart
from pupline.bulk._run_files import RowBatch, RunFiles
from pupline.errors import StorageError
from pupline.tasks.layout import partition
from pupline.tasks.metadata import columns_of_objects
from pupline.tasks.ports import ObjectStore

_PART = re.compile(r".*/run=[^/]+/part-(\d{8})-\d+\.jsonl")
_PAGE = 2_500
"""Rows that become columns together."""


def write_parquet(spool: RunFiles, concurrency: int = 2, part_rows: int = PART_ROWS) -> Sequence[str]:
    """Write the Parquet of the spool's run from the JSON Lines in the spool's bucket; the keys of its parts.

    concurrency: reads at once. Raises: StorageError, ConfigurationError.
    """
    return parquet_of(_batches(spool, concurrency), spool, part_rows)


def parquet_of(texts: Iterable[bytes], spool: RunFiles, part_rows: int = PART_ROWS) -> Sequence[str]:
    """Write JSON Lines as Parquet; the keys of its parts.

    texts: each holds the rows of a stretch of the listing in any order, one stretch after the other.
    Raises: StorageError, also for what is not metadata.
    """
    before = len(spool.keys)
    with closing(MetadataWriter(spool, part_rows, TablePart)) as writer, _telling_of_foreign_lines(spool):
        rows = chain.from_iterable(map(_rows, texts))
        while page := list(islice(rows, _PAGE)):
            writer.add(RowBatch(columns_of_objects(page), (), ()))
        writer.finish()
    return spool.keys[before:]


def _rows(text: bytes) -> list[dict[str, Any]]:
    return sorted(map(json.loads, filter(None, text.decode().split("\n"))), key=itemgetter("index"))


def _batches(spool: RunFiles, concurrency: int) -> Iterator[bytes]:
    """The rows of each batch: what all its rounds ended."""
    keys = spool.bucket.keys(partition("metadata/jsonl", spool.dataset, spool.run))
    found = filter(None, map(_PART.fullmatch, keys))
    firsts_and_keys = ((match[1], match[0]) for match in found)
    for _, rounds in groupby(_read_ahead(firsts_and_keys, spool.bucket, concurrency), itemgetter(0)):
        yield b"".join(map(itemgetter(1), rounds))


def _read_ahead(
    firsts_and_keys: Iterator[tuple[str, str]], store: ObjectStore, concurrency: int
) -> Iterator[tuple[str, bytes]]:
    """The objects in their order, each with what came with its key; never more than two for each thread in memory."""
    with ThreadPoolExecutor(concurrency, thread_name_prefix="pupline-parquet") as pool:
        while some := list(islice(firsts_and_keys, 2 * concurrency)):
            bodies = pool.map(lambda pair: _read(store, pair[1]), some)
            yield from zip(map(itemgetter(0), some), bodies, strict=True)


def _read(store: ObjectStore, key: str) -> bytes:
    try:
        return store.read(key)
    except KeyError as err:
        raise StorageError(f"{key} may not be read, or is not there any more") from err


@contextmanager
def _telling_of_foreign_lines(spool: RunFiles) -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as err:
        raise StorageError(
            f"the metadata of the run {spool.run} has lines that pupline did not write: {type(err).__name__}: {err}"
        ) from err
