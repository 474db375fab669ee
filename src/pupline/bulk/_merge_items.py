"""One item of a run that is merged: its file here, and its outcome and record once it is stored."""

import hashlib
import itertools
import os
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.errors import StorageError
from pupline.images import candidate_names, image_name, safe_name
from pupline.local import Arrival, ForeignItem, ForeignRun, ItemDone, LocalBackend
from pupline.tasks.items import FetchedImage, FetchFailed, FetchOutcome, SourceItem, StoredImage
from pupline.tasks.records import AuditRecord

if TYPE_CHECKING:
    from pupline.bulk._merge import MergeReport

_WITHOUT_BYTES = frozenset({"failed", "refused"})


class ItemFiles:
    """Puts the files of a run's images into this directory's `tmp`, verified: linked where it can be, else copied."""

    def __init__(self, backend: LocalBackend, run: ForeignRun, report: "MergeReport", *, copy: bool) -> None:
        self.report = report
        self._run = run
        self._files = backend.bucket().files
        self._copy = copy
        self._folder = backend.data_dir / "tmp"
        self._folder.mkdir(exist_ok=True)
        self._numbers = itertools.count()

    def of(self, item: ForeignItem) -> Path | None:
        """The file with the item's bytes; None where it has none, or where they are missing or changed.

        Raises: StorageError.
        """
        if item.record.outcome in _WITHOUT_BYTES:
            return None
        found = self._linked(item) or self._copied(item)
        self.report.lost += found is None
        return found

    def _linked(self, item: ForeignItem) -> Path | None:
        if self._copy or item.path is None:
            return None
        path = self._folder / f"merge-{os.getpid()}-{next(self._numbers)}"
        try:
            os.link(self._run.bucket.root / item.path, path, follow_symlinks=False)
        except OSError:  # another file system, or one without links: the copy says what is wrong
            return None
        if not path.is_symlink() and path.is_file() and _sha256(path) == item.record.sha256:
            self.report.linked += 1
            return path
        path.unlink()
        return None

    def _copied(self, item: ForeignItem) -> Path | None:
        if item.path is None:
            return None
        try:
            body = self._run.bucket.files.read(item.path)
        except (FileNotFoundError, StorageError):
            return None
        except OSError as err:
            raise self._run.bucket.files.trouble(err) from err
        if hashlib.sha256(body).hexdigest() != item.record.sha256:
            return None
        self.report.copied += 1
        try:
            return self._files.write_temporary(body)
        except OSError as err:
            raise self._files.trouble(err) from err


class ItemReplay:
    """Gives the items of one run to a committer, and makes their records. outcomes: counts what they became."""

    def __init__(self, dataset: str, outcomes: Counter[str]) -> None:
        self._dataset = dataset
        self._outcomes = outcomes
        self._records: dict[str, AuditRecord] = {}
        self._guard = threading.Lock()

    def arrival(self, item: ForeignItem, file: Path | None) -> Arrival:
        """The item as if it had just been fetched."""
        with self._guard:
            self._records[item.record.execution] = item.record
        return Arrival(
            index=item.index,
            item=item.item,
            fetch_outcome=_outcome(item, is_there=file is not None),
            path=None if file is None else str(file),
            attempts=item.attempts,
            began_at=item.began_at,
            ended_at=item.ended_at,
        )

    def record(
        self, item: SourceItem, fetch_outcome: FetchOutcome, stored: StoredImage | None, execution: str, _now: str
    ) -> AuditRecord:
        """The record that the item had, but for where its image is now."""
        with self._guard:
            before = self._records[execution]
        if isinstance(fetch_outcome, FetchFailed):
            return before if before.outcome in _WITHOUT_BYTES else self._lost(item, before, fetch_outcome)
        assert stored is not None  # noqa: S101 - everything else has bytes
        # A duplicate says why it was not fetched; where another image is stored first, it is one of its bytes.
        is_same = before.outcome == stored.outcome != "stored"
        return replace(
            before,
            image_name=stored.image_name,
            image_url=stored.url,
            outcome=stored.outcome,
            reason=before.reason if is_same else stored.reason,
        )

    def done(self, done: Sequence[ItemDone]) -> None:
        """These items are stored."""
        with self._guard:
            for one in done:
                self._outcomes[one.record.outcome] += 1
                self._records.pop(one.record.execution, None)

    def _lost(self, item: SourceItem, before: AuditRecord, failed: FetchFailed) -> AuditRecord:
        return replace(
            before,
            image_name=f"{self._dataset}/{safe_name(item.url)}",
            image_url=None,
            file_type=None,
            outcome=failed.outcome,
            reason=failed.reason,
            sha256=None,
            size_bytes=None,
            width=None,
            height=None,
            error=failed.error,
            cause=failed.cause,
        )


def _outcome(item: ForeignItem, *, is_there: bool) -> FetchOutcome:
    record = item.record
    if record.outcome in _WITHOUT_BYTES:
        return FetchFailed(
            outcome=record.outcome, reason=record.reason, error=record.error or "", cause=record.cause or ""
        )
    if not is_there:
        cause = "its file was missing or changed when the run was merged; fetch it again with --retry-failed"
        return FetchFailed(outcome="failed", reason="storage_error", error="StorageError", cause=cause)
    return FetchedImage(
        name=_name(item),
        sha256=record.sha256 or "",
        size_bytes=record.size_bytes or 0,
        file_type=record.file_type or "",
        width=record.width,
        height=record.height,
        problem=record.reason if record.outcome == "quarantined" else None,
        content_type=record.content_type,
        name_extension=record.name_extension,
        sha1=item.sha1,
        md5=item.md5,
        etag=item.etag,
        last_modified=item.last_modified,
    )


def _name(item: ForeignItem) -> str:
    """The name that the image asked for: by its URL, unless an earlier version named it otherwise."""
    record = item.record
    wanted = image_name(safe_name(item.item.url), record.file_type or "")
    stored_as = record.image_name.rpartition("/")[2]
    if record.outcome == "duplicate" or stored_as in set(candidate_names(wanted, record.sha256 or "")):
        return wanted
    return stored_as


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
