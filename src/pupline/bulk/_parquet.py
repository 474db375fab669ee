"""Parquet from JSON Lines: for a run of the state machine BulkIngest.

Its batches leave a part of the metadata for each of their rounds, `part-<first index>-<round>.jsonl` below
`metadata/jsonl/run=<run>/`: IngestBatch has the standard library alone and cannot write Parquet. From these parts this
makes the Parquet that a run without the state machine has, in the order of the listing, with a few parts in memory at a
time. It can be made again at any time.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain, groupby, islice
from operator import itemgetter

from pupline.bulk._metadata import PART_ROWS, MetadataWriter
from pupline.bulk._run_files import RowBatch, RunFiles
from pupline.errors import StorageError
from pupline.tasks.layout import partition
from pupline.tasks.metadata import columns_of_objects
from pupline.tasks.ports import ObjectStore

_PART = re.compile(r".*/run=[^/]+/part-(\d{8})-\d+\.jsonl")
_PAGE = 2_500
"""Rows that become columns together."""


def write_parquet(files: RunFiles, concurrency: int = 2, part_rows: int = PART_ROWS) -> Sequence[str]:
    """Write the run's Parquet from the JSON Lines in the same bucket; the keys of its parts.

    concurrency: reads at once. Raises: StorageError, ConfigurationError.
    """
    return parquet_of(_batches(files, concurrency), files, part_rows)


def parquet_of(texts: Iterable[bytes], files: RunFiles, part_rows: int = PART_ROWS) -> Sequence[str]:
    """Write JSON Lines as Parquet; the keys of its parts.

    texts: each has the rows of a section of the listing in any order, one section after the other.
    Raises: StorageError, also for text that is not metadata.
    """
    before = len(files.keys)
    try:
        with closing(MetadataWriter(files, part_rows, json_lines=False)) as writer:
            sections = (map(json.loads, filter(None, text.decode().split("\n"))) for text in texts)
            rows = chain.from_iterable(sorted(section, key=itemgetter("index")) for section in sections)
            while page := list(islice(rows, _PAGE)):
                writer.add(RowBatch(columns_of_objects(page), (), ()))
            writer.finish()
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError) as err:
        raise StorageError(
            f"the metadata of the run {files.run} has lines that pupline did not write: {type(err).__name__}: {err}"
        ) from err
    return files.keys[before:]


def _batches(files: RunFiles, concurrency: int) -> Iterator[bytes]:
    """The rows of each batch: those of all its rounds."""
    keys = files.bucket.keys(partition("metadata/jsonl", files.dataset, files.run))
    parts = filter(None, map(_PART.fullmatch, keys))
    firsts_and_keys = ((part[1], part[0]) for part in parts)
    for _, rounds in groupby(_read_ahead(firsts_and_keys, files.bucket, concurrency), itemgetter(0)):
        yield b"".join(map(itemgetter(1), rounds))


def _read_ahead(
    firsts_and_keys: Iterator[tuple[str, str]], store: ObjectStore, concurrency: int
) -> Iterator[tuple[str, bytes]]:
    """The objects in their order, each after the first index in its key; at most two for each thread in memory."""
    with ThreadPoolExecutor(concurrency, thread_name_prefix="pupline-parquet") as pool:
        while some := list(islice(firsts_and_keys, 2 * concurrency)):
            bodies = pool.map(lambda pair: _read(store, pair[1]), some)
            yield from zip(map(itemgetter(0), some), bodies, strict=True)


def _read(store: ObjectStore, key: str) -> bytes:
    try:
        return store.read(key)
    except KeyError as err:
        raise StorageError(f"{key} may not be read, or is not there any more") from err
