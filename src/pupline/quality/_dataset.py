"""The images of a dataset that the pass looks at, from its metadata: each content once, and rows that have changed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from pupline.datasets import BucketObjects, GoodRows
from pupline.tasks.layout import dataset_folder

_PHASH = re.compile(r"[0-9a-fA-F]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetImage:
    """One content of a dataset. key: of an object that holds it. arrived: its place among all, to compare with others.

    is_verified: its bytes have the hash that a list declared.
    """

    sha256: str
    key: str
    image_name: str
    url: str
    file_type: str | None
    size_bytes: int
    is_verified: bool
    arrived: tuple[str, str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedRow:
    """The latest row of an address whose image does not have the declared hash. key: in quarantine.

    expected: the declared hashes, by column. phash_version: of the declared perceptual hash, where the list names one.
    """

    url: str
    execution: str
    key: str
    sha256: str
    expected: Mapping[str, str]
    phash: int | None
    phash_version: str | None


def good_images(objects: BucketObjects, dataset: str, progress: Callable[[int], None]) -> list[DatasetImage]:
    """The images that belong to the dataset now, in the order in which they came. Raises: StorageError."""
    with GoodRows.read(objects, dataset, progress) as rows:
        began = rows.findings.began
        found = [_image([row for _, row in content], began) for content in rows.by_content()]
    return sorted(found, key=lambda image: image.arrived)


def changed_rows(objects: BucketObjects, dataset: str) -> list[ChangedRow]:
    """The rows of addresses whose latest image has another hash than declared, by URL. Raises: StorageError."""
    latest: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for row in _rows_with_verification(objects, dataset):
        url, stamp = row.get("url"), row.get("upload_timestamp")
        if isinstance(url, str) and isinstance(stamp, str) and stamp >= latest.get(url, ("", {}))[0]:
            latest[url] = (stamp, row)
    changed = (_changed(url, row) for url, (_, row) in sorted(latest.items()))
    return [row for row in changed if row]


def _image(rows: list[dict[str, Any]], began: Mapping[str, str]) -> DatasetImage:
    """The image of these rows, which have the same bytes. began: when each run did."""
    arrived, first = min(((_arrival(row, began), row) for row in rows), key=itemgetter(0))
    return DatasetImage(
        sha256=first["sha256"],
        key=first["key"],
        image_name=str(first.get("image_name") or first["key"]),
        url=first["url"],
        file_type=first.get("file_type"),
        size_bytes=found if isinstance(found := first.get("size_bytes"), int) else 0,
        is_verified=any(row.get("verification") == "verified" for row in rows),
        arrived=arrived,
    )


def _arrival(row: Mapping[str, Any], began: Mapping[str, str]) -> tuple[str, str, int]:
    """The place of a row among all: by its run, then as listed, because images of one run arrive in any order."""
    return began[row["run"]], row["run"], row["index"]


def _rows_with_verification(objects: BucketObjects, dataset: str) -> Iterator[Mapping[str, Any]]:
    for key in objects.keys(f"{dataset_folder(dataset)}metadata/jsonl/"):
        try:
            for line in objects.lines(key):
                if b'"verification":"' in line:
                    try:
                        row = json.loads(line)
                    except (ValueError, RecursionError):
                        continue  # `GoodRows` counts such lines
                    if isinstance(row, dict):
                        yield row
        except KeyError:
            continue  # gone since it was listed


def _changed(url: str, row: Mapping[str, Any]) -> ChangedRow | None:
    key, digest, phash = row.get("key"), row.get("sha256"), row.get("expected_phash")
    if row.get("verification") != "changed" or not isinstance(key, str) or not isinstance(digest, str):
        return None
    if _SHA256.fullmatch(digest) is None:
        return None
    extra = row.get("extra")
    version = extra.get("phash_version") if isinstance(extra, Mapping) else None
    return ChangedRow(
        url=url,
        execution=str(row.get("execution")),
        key=key,
        sha256=digest,
        expected={name: value for name, value in row.items() if name.startswith("expected_") and value is not None},
        phash=int(phash, 16) if isinstance(phash, str) and _PHASH.fullmatch(phash) else None,
        phash_version=version if isinstance(version, str) else None,
    )
