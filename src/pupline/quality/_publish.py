"""The files of a pass: `quality.jsonl` and `changes.jsonl`, Parquet of the first, and `summary.json` as the last."""

import json
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pupline.local import Decision, LocalBucket, QualityTable
from pupline.parquet import MEDIA_TYPE, ColumnKind, ParquetWriter, installed
from pupline.quality._changes import ChangedImage
from pupline.quality._dataset import DatasetImage
from pupline.quality._lines import QUALITY_VERSION, DatasetGroups, change_line, quality_line
from pupline.quality._report import QualityReport
from pupline.tasks.layout import JSON_LINES, changes_key, quality_key, quality_parquet_key, quality_summary_key
from pupline.tasks.ports import ObjectStore

_PAGE = 500
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_COLUMNS: Sequence[tuple[str, ColumnKind]] = (
    *(("sha256", "text"), ("image_name", "text"), ("size_bytes", "int64"), ("width", "int32"), ("height", "int32")),
    *(("aspect", "float64"), ("phash", "text"), ("low_information", "flag"), ("sharpness", "float64")),
    *(("blur", "float64"), ("brightness", "float64"), ("darkness", "float64"), ("contrast", "float64")),
    *(("single_colour", "float64"), ("has_exif", "flag"), ("has_gps", "flag"), ("orientation", "int32")),
    *(("camera", "text"), ("taken_at", "text"), ("undecodable", "text"), ("undecodable_detail", "text")),
    *(("phash_version", "text"), ("quality_version", "text"), ("group", "text"), ("group_size", "int32")),
    *(("group_distance", "int32"), ("keeper", "flag"), ("keeper_reason", "text"), ("review", "text")),
)


@dataclass(frozen=True, slots=True)
class Published:
    """What is to be published. examined: the SHA-256 of the images with findings. findings: of the changed images."""

    images: Mapping[str, DatasetImage]
    examined: Any
    groups: DatasetGroups
    decisions: Mapping[str, Decision]
    changes: Sequence[ChangedImage]
    findings: Mapping[str, Mapping[str, Any]]

    def lines(self, table: QualityTable) -> Iterator[list[dict[str, Any]]]:
        """The lines of `quality.jsonl` in pages, by SHA-256. Raises: StorageError."""
        names = sorted(name for name in self.images if name in self.examined)
        for start in range(0, len(names), _PAGE):
            page = names[start : start + _PAGE]
            found = {row.sha256: row.findings for row in table.find(page) if row.version == QUALITY_VERSION}
            yield [
                quality_line(self.images[name], found[name], self.groups, self.decisions.get(name))
                for name in page
                if name in found
            ]


def publish_quality(
    store: ObjectStore,
    table: QualityTable,
    published: Published,
    report: QualityReport,
    each: Callable[[Mapping[str, Any]], None],
) -> None:
    """Put the files, over those of earlier passes, and count them into the report. Raises: StorageError."""
    with ExitStack() as opened:
        lines = opened.enter_context(_file(store, quality_key(report.dataset), JSON_LINES))
        parquet = None
        if installed():
            file = opened.enter_context(_file(store, quality_parquet_key(report.dataset), MEDIA_TYPE))
            parquet = opened.enter_context(ParquetWriter(file, _COLUMNS))
        for page in published.lines(table):
            lines.write("".join(f"{_encode(line)}\n" for line in page).encode("utf-8", "replace"))
            if parquet is not None:
                parquet.add([[line[name] for line in page] for name, _ in _COLUMNS])
            for line in page:
                report.add(line)
                each(line)
    with _file(store, changes_key(report.dataset), JSON_LINES) as file:
        for changed in published.changes:
            line = change_line(changed, published.findings.get(changed.row.sha256, {}))
            file.write(f"{_encode(line)}\n".encode("utf-8", "replace"))
            report.add_change(changed)
    body = json.dumps(report.as_dict(), ensure_ascii=False, indent=2).encode("utf-8", "replace")
    store.put(quality_summary_key(report.dataset), body, "application/json")


@contextmanager
def _file(store: ObjectStore, key: str, content_type: str) -> Iterator[BinaryIO]:
    """A file to write, which is put when the block ends without an error. Raises: StorageError."""
    with ExitStack() as opened:
        if isinstance(store, LocalBucket):  # moves files from there
            tmp = store.files.tmp
            tmp.mkdir(exist_ok=True)
        else:
            tmp = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="pupline-quality-")))
        path = tmp / f"quality-{secrets.token_hex(8)}"
        opened.callback(path.unlink, missing_ok=True)
        with path.open("xb") as file:
            yield file
        store.put(key, path, content_type)
