"""The plan of an export: its samples with their names, in a temporary database, and the schema of their rows."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from pupline.datasets.export._folder_names import UNLABELLED, folder_names
from pupline.datasets.selection import Sample
from pupline.datasets.training import SchemaScan, TrainingSchema
from pupline.images import IMAGE_TYPES

_NAME_DIGITS = 32
"""Digits of the SHA-256 in a file's name: 128 bits, which no two images share."""

_TABLE = """
CREATE TABLE samples (
    number INTEGER PRIMARY KEY, address_id INT, split TEXT, label TEXT, stem TEXT, extension TEXT, keys TEXT
)
"""


@dataclass(frozen=True, slots=True)
class PlannedSample:
    """A sample to write. number: its place in the export, from 0. file_name: without folders. keys: of its objects."""

    number: int
    address_id: int
    split: str
    folder: str
    file_name: str
    sha256: str
    keys: tuple[str, ...]

    @property
    def file_type(self) -> str:
        """As the inspection found it; `bin` for any other type than those of accepted images."""
        return self.file_name.rpartition(".")[2]

    @property
    def path(self) -> str:
        """Its path in an export as folders."""
        return f"{self.split}/{self.folder}/{self.file_name}"


class ExportPlan:
    """All samples of an export, with the folders of their labels."""

    def __init__(self, scan: SchemaScan) -> None:
        self.count = 0
        self._scan = scan
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute(_TABLE)
        self._database.execute("BEGIN")
        self._folders: dict[str, str] = {}

    def close(self) -> None:
        """Drop the temporary database."""
        self._database.close()

    def add(self, sample: Sample, *, is_one_of_many: bool) -> None:
        """Add the next sample. is_one_of_many: several samples may have the same bytes, and so need longer names."""
        digest = sample.row["sha256"]
        stem = digest[:_NAME_DIGITS]
        if is_one_of_many:
            stem += "-" + sha256(sample.row["url"].encode("utf-8", "surrogatepass")).hexdigest()[:16]
        file_type = sample.row.get("file_type")
        extension = file_type if file_type in IMAGE_TYPES else "bin"
        values = (sample.address_id, sample.split, sample.label, stem, extension, json.dumps([digest, *sample.keys]))
        self._database.execute("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?)", (self.count, *values))
        self.count += 1
        self._scan.add(sample.row)

    def finish(self) -> None:
        """Name the folders, now that all labels are known."""
        labels = self._database.execute("SELECT DISTINCT label FROM samples WHERE label != ''")
        self._folders = folder_names(label for (label,) in labels) | {"": UNLABELLED}

    def schema(self) -> TrainingSchema:
        """The schema of all rows."""
        return self._scan.schema()

    def samples(self) -> Iterator[PlannedSample]:
        """All samples in their order."""
        for number, address_id, split, label, stem, extension, text in self._database.execute("SELECT * FROM samples"):
            digest, *keys = json.loads(text)
            name = f"{stem}.{extension}"
            yield PlannedSample(number, address_id, split, self._folders[label], name, digest, tuple(keys))

    def sizes(self) -> dict[str, int]:
        """How many samples each split has."""
        return dict(self._database.execute("SELECT split, count(*) FROM samples GROUP BY split"))
