"""Parquet from JSON Lines: for a run of the state machine BulkIngest.

Its batches leave a part of the metadata for each of their rounds, `part-<first index>-<round>.jsonl` below
`metadata/jsonl/run=<run>/`: IngestBatch has the standard library alone and cannot write Parquet. From these parts this
makes the Parquet that a run without the state machine has, in the order of the listing, with a few parts in memory at a
time. It can be made again at any time.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import Any

from pupline.bulk._metadata import PARQUET_ONLY, PART_ROWS, MetadataWriter
from pupline.bulk._run_files import RowBatch, RunFiles
from pupline.errors import PuplineError, StorageError
from pupline.parquet import why_unavailable
from pupline.tasks.ingest_summary import summary_bytes, with_files
from pupline.tasks.layout import partition, summary_key
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
        with closing(MetadataWriter(files, part_rows, PARQUET_ONLY)) as writer:
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


def has_parquet(summary: Mapping[str, Any]) -> bool:
    """Whether the summary names the run's metadata as Parquet."""
    if "dataset" not in summary:
        return False
    folder = partition("metadata/parquet", str(summary["dataset"]), str(summary["run"]))
    return any(key.startswith(folder) for key in summary.get("files", ()))


def complete_summary(
    summary: Mapping[str, Any], files: RunFiles, write: Callable[[], Sequence[str]]
) -> tuple[Mapping[str, Any], str | None]:
    """The summary once the Parquet that it lacks is written, and None; or the summary given, and why it is not written.

    write: writes the Parquet; its keys. The summary that names them is put last, so that what a killed command left is
    made again. A summary without files has not been written, and is not written here.
    """
    trouble = why_unavailable()
    if trouble is not None:
        return summary, trouble
    try:
        completed = with_files(summary, write())
        completed.pop("parquet_trouble", None)
        if summary["files"]:
            files.put(summary_key(files.dataset, files.run), summary_bytes(completed), "application/json")
    except (PuplineError, OSError) as err:
        return summary, str(err)
    return completed, None


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
