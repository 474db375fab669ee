"""The number of items in a manifest, for a run whose input does not have it, or of which some are missing."""

from collections.abc import Iterable, Mapping
from typing import Any

from pupline.tasks.batch_input import IngestRun
from pupline.tasks.layout import manifest_key
from pupline.tasks.ports import MultipartStore


def manifest_of(run: IngestRun, execution_input: Mapping[str, Any]) -> str:
    """The key of the run's manifest: that of the execution's input, or the one in the run's folder."""
    manifest = execution_input.get("manifest")
    key = manifest.get("key") if isinstance(manifest, Mapping) else None
    return key if isinstance(key, str) and key else manifest_key(run.dataset, run.run)


def count_items(store: MultipartStore, key: str) -> int | None:
    """The lines that are not blank; None when there is no such object. Raises: StorageError."""
    try:
        return count_lines(store.chunks(key))
    except KeyError:
        return None


def count_lines(chunks: Iterable[bytes]) -> int:
    """The lines with more than spaces, of a text that comes in pieces."""
    count, has_text = 0, False
    for chunk in chunks:
        *ended, last = chunk.split(b"\n")
        for line in ended:
            count += has_text or bool(line.strip())
            has_text = False
        has_text = has_text or bool(last.strip())
    return count + has_text
