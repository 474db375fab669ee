"""Fakes of the ports, and small images, for the functions' tests."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from PIL import Image

from pupline.errors import TaskFailure
from pupline.http import Response
from pupline.tasks.fetch_and_upload_dog_image import FetchServices
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.ports import NoSuchUpload, ObjectToCreate, PartTag, StoredObject
from pupline.tasks.records import AuditRecord
from tests.shared.workflow_rules import RULES

PUG = "https://images.example/breeds/pug/"


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours may catch it."""


@dataclass
class Crash:
    """Raises Killed at the N-th write, before or after it took effect."""

    at: int = -1
    after: bool = False
    writes: int = 0

    def reached(self, *, after: bool) -> None:
        """Called before and after each write."""
        if not after:
            self.writes += 1
        if self.writes == self.at and after == self.after:
            raise Killed


@dataclass
class FakeStore:
    """An object store in memory."""

    crash: Crash = field(default_factory=Crash)
    objects: dict[str, ObjectToCreate] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)

    def create(self, new: ObjectToCreate) -> StoredObject:
        """As the port says."""
        self.crash.reached(after=False)
        held = self.objects.setdefault(new.key, new)
        self.crash.reached(after=True)
        return StoredObject(held.key, held.sha256, held.owner, f"https://bucket.example/{held.key}")

    def put(self, key: str, body: bytes | Path, content_type: str) -> str:
        """As the port says."""
        content = body if isinstance(body, bytes) else body.read_bytes()
        self.crash.reached(after=False)
        self.objects[key] = ObjectToCreate(key, content, sha256(content).hexdigest(), content_type, "")
        self.crash.reached(after=True)
        return f"https://bucket.example/{key}"

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """As the port says."""
        return iter(sorted(key for key in self.objects if key.startswith(prefix) and key > after))

    def start_upload(self, key: str, content_type: str) -> str:
        """As the port says."""
        self.crash.reached(after=False)
        name = f"{key} {len(self.uploads)} {content_type}"
        self.uploads[name] = {}
        self.crash.reached(after=True)
        return name

    def upload_part(self, key: str, upload: str, number: int, body: bytes) -> PartTag:  # noqa: ARG002 - the port's
        """As the port says."""
        self.crash.reached(after=False)
        self._parts_of(upload)[number] = body
        self.crash.reached(after=True)
        return {"ETag": str(number)}

    def complete_upload(self, key: str, upload: str, tags: Sequence[PartTag]) -> None:
        """As the port says."""
        parts = self._parts_of(upload)
        body = b"".join(parts[int(tag["ETag"])] for tag in tags)
        self.put(key, body, upload.rsplit(" ", 1)[1])
        del self.uploads[upload]

    def _parts_of(self, upload: str) -> dict[int, bytes]:
        if upload not in self.uploads:
            raise NoSuchUpload(upload)
        return self.uploads[upload]

    def read(self, key: str) -> bytes:
        """As the port says."""
        return self.objects[key].body

    def chunks(self, key: str) -> Iterator[bytes]:
        """As the port says."""
        body = self.read(key)
        yield from (body[start : start + 10] for start in range(0, len(body), 10))


@dataclass
class FakeWriteOnceStore:
    """Memos in memory."""

    crash: Crash = field(default_factory=Crash)
    values: dict[str, str] = field(default_factory=dict)

    def remember(self, name: str, value: str) -> str:
        """As the port says."""
        self.crash.reached(after=False)
        held = self.values.setdefault(name, value)
        self.crash.reached(after=True)
        return held

    def recall(self, name: str) -> str | None:
        """As the port says."""
        return self.values.get(name)


@dataclass
class FakeTable:
    """An audit table in memory."""

    crash: Crash = field(default_factory=Crash)
    records: dict[tuple[str, str], AuditRecord] = field(default_factory=dict)

    def put(self, record: AuditRecord) -> AuditRecord:
        """As the port says."""
        return self.records.setdefault((record.image_name, record.execution), record)

    def put_many(self, records: Sequence[AuditRecord]) -> None:
        """As the port says."""
        self.crash.reached(after=False)
        for record in records:
            self.put(record)
        self.crash.reached(after=True)


@dataclass
class FakeClient:
    """Serves bodies by URL, in turn where there are several; an exception is raised."""

    bodies: dict[str, list[bytes | TaskFailure]]
    asked: list[str] = field(default_factory=list)

    def get(self, url: str) -> Response:
        """As the real one."""
        self.asked.append(url)
        turns = self.bodies[url]
        body = turns.pop(0) if len(turns) > 1 else turns[0]
        if isinstance(body, TaskFailure):
            raise body
        return Response(url=url, status=200, headers={}, body=body, content_type="image/jpeg")


@dataclass
class FakeSource:
    """Names the given URLs one after the other."""

    urls: list[str]
    asked: list[tuple[str | None, str | None]] = field(default_factory=list)

    def random_image(self, breed: str | None, execution: str | None) -> str:
        """As the real one."""
        self.asked.append((breed, execution))
        return self.urls.pop(0)


@dataclass
class World:
    """Everything the fetching function touches, with handles to look at it afterwards."""

    bodies: dict[str, list[bytes | TaskFailure]]
    picks: list[str] = field(default_factory=list)
    crash: Crash = field(default_factory=Crash)

    def __post_init__(self) -> None:
        self.store = FakeStore(self.crash)
        self.write_once = FakeWriteOnceStore(self.crash)
        self.client = FakeClient(self.bodies)
        self.source = FakeSource(self.picks)

    @property
    def services(self) -> FetchServices:
        """For the function."""
        return FetchServices(
            self.client, self.source, "dog-ceo", ImageStorage(self.store, self.write_once), alert_rules=RULES
        )

    def put(self, key: str, body: bytes, owner: str) -> None:
        """An object that somebody else stored before."""
        self.store.objects[key] = ObjectToCreate(key, body, sha256(body).hexdigest(), "image/jpeg", owner)


def picture(kind: str, colour: str = "tan") -> bytes:
    """A small image of a Pillow format (`JPEG`, `PNG`, ...)."""
    out = io.BytesIO()
    Image.new("RGB", (4, 3), colour).save(out, kind)
    return out.getvalue()
