"""Which stored images only discarded runs need.

An image is needed while a record of another run names it. So one rule holds for runs of every kind: records stay when
a run is discarded, and the table of discarded runs says which of them count no more. Records that belong to no run,
such as those of `doctor --repair`, always count.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pupline.local.bucket import StoredFile
from pupline.local.database import Database
from pupline.local.tables import RUN_CONDITION, run_range

PAGE = 500

_WITH_IMAGE = "outcome IN ('stored', 'duplicate', 'quarantined') AND sha256 IS NOT NULL"
_NAMED = (
    f"SELECT execution, image_name, sha256 FROM audit WHERE {RUN_CONDITION} AND {_WITH_IMAGE}"  # noqa: S608 - our texts
    " AND execution > ? ORDER BY execution LIMIT ?"
)
# Of `monday-00007` this is `monday-`.
_OWN = "rtrim(b.execution, '0123456789')"
_OF_DISCARDED_RUN = (
    f"substr({_OWN}, -1) = '-' AND substr({_OWN}, 1, length({_OWN}) - 1)"  # noqa: S608 - our texts
    " IN (SELECT run_id FROM discarded_runs UNION ALL SELECT value FROM json_each(:also))"
)
_OBJECTS = (
    "SELECT n.name, o.object_id, o.key, o.path, o.size_bytes, EXISTS (SELECT 1 FROM audit AS b"  # noqa: S608
    f" WHERE b.image_name = n.name AND b.sha256 = o.sha256 AND {_WITH_IMAGE} AND NOT ({_OF_DISCARDED_RUN}))"
    " FROM (SELECT json_extract(value, '$[0]') AS name, json_extract(value, '$[1]') AS sha256"
    " FROM json_each(:names)) AS n CROSS JOIN objects AS o"
    " WHERE o.bucket = :bucket AND o.key IN ('html/' || n.name, 'quarantine/' || n.name)"
    " AND o.sha256 = n.sha256 AND o.state = 'stored'"
)


@dataclass(frozen=True, slots=True)
class RunImage:
    """An image that a run's records name. is_needed: by a record that counts still."""

    name: str
    file: StoredFile
    is_needed: bool


def images_of(database: Database, bucket: str, run_id: str, also: Sequence[str] = ()) -> Iterator[list[RunImage]]:
    """The images that the run's records name, in pages. also: runs that count as discarded, besides those that are.

    An image that several pages name comes once for each, until its row is deleted; a needed one comes once.
    """
    after, needed = "", set[str]()
    while page := database.rows(_NAMED, (*run_range(run_id), after, PAGE)):
        after = page[-1][0]
        names = {(name, sha256) for _, name, sha256 in page if name not in needed}
        found = list(_images(database, bucket, names, also))
        needed.update(image.name for image in found if image.is_needed)
        yield found


def _images(database: Database, bucket: str, names: set[tuple[str, str]], also: Sequence[str]) -> Iterator[RunImage]:
    given = {"names": json.dumps(sorted(names)), "bucket": bucket, "also": json.dumps(list(also))}
    for name, *file, is_needed in database.rows(_OBJECTS, given):
        yield RunImage(name, StoredFile(*file), bool(is_needed))
