"""What a command meets in these tests: an API whose images change with every request, a data directory, and what must
be true when all is done, looked at from outside.

Because a second request gets other bytes, a record can only be right if it is of the very bytes that are stored, and a
file that a first attempt has left is never mistaken for one of the second.
"""

import itertools
import re
import sqlite3
import subprocess
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from tests.e2e import dog_api, ingest_kennel
from tests.e2e.ingest_checks import check_alerts, check_metadata, check_nothing_half_done, objects, records_of, rows
from tests.system_calls.prepared_pupline import PreparedPupline

COUNT = 3
_SEEDS = itertools.count(1_000_000)
_NUMBERS = re.compile(r"\d[0-9a-f]{7}|\d+")


class Given:
    """The SHA-256 of every body that was given for a path. is_gone: from now on all images are."""

    def __init__(self) -> None:
        self.by_path: dict[str, set[str]] = defaultdict(set)
        self.is_gone = False

    def new(self, path: str, like: bytes) -> bytes:
        """Another body of the same kind, noted."""
        make = dog_api.png if like.startswith(b"\x89PNG") else dog_api.jpeg
        body = like if like == ingest_kennel.HTML else make(next(_SEEDS))
        self.by_path[path].add(sha256(body).hexdigest())
        return body


class ChangingApi(dog_api.DogApi):
    """Single images at random. All are PNGs, so that each has an alert."""

    def __init__(self, given: Given) -> None:
        super().__init__({f"/images/breeds/pug/dog{number}.png": dog_api.png(number) for number in range(4 * COUNT)})
        self._given = given

    def answer(self, path: str) -> tuple[int, bytes]:
        """Other bytes each time."""
        if self._given.is_gone:
            return 404, b""
        status, body = super().answer(path)
        return status, self._given.new(path, body) if status == 200 else body


class ChangingKennel(ingest_kennel.Kennel):
    """Lists of images."""

    def __init__(self, given: Given) -> None:
        pictures = {f"pug/n{number}.jpg": dog_api.jpeg(number) for number in range(5)}
        odd = {"hound-afghan/a.png": dog_api.png(1), "hound-afghan/page.jpg": ingest_kennel.HTML}
        super().__init__(pictures | odd)
        self._given = given

    def body_of(self, path: str) -> bytes | None:
        """Other bytes each time."""
        body = super().body_of(path)
        return None if body is None or self._given.is_gone else self._given.new(ingest_kennel.IMAGES + path, body)


@dataclass(frozen=True)
class Served:
    """The two APIs, at their base URLs, and all that they gave."""

    api: str
    kennel: str
    given: Given


@contextmanager
def served() -> Iterator[Served]:
    """Both, on this machine."""
    given = Given()
    with dog_api.serving(ChangingApi(given)) as api, ingest_kennel.serving(ChangingKennel(given)) as kennel:
        yield Served(api, kennel, given)


Step: TypeAlias = Callable[[PreparedPupline, Served], None]


def no_check(_pupline: PreparedPupline, _served: Served) -> None:
    """Nothing is looked at but the state."""


@dataclass(frozen=True)
class Work:
    """A command, and what must be true when it is done.

    words: with {api}, {kennel} and {world} in them. before: the steps to the state that it starts from. check: raises
    AssertionError. removes: whether it removes objects, each before its row.
    """

    name: str
    words: str
    before: tuple[Step, ...] = ()
    check: Step = no_check
    removes: bool = False


def filled(words: str, pupline: PreparedPupline, served: Served) -> list[str]:
    """The words of a command."""
    return words.format(api=served.api, kennel=served.kennel, world=pupline.world).split()


# ---- what must be true


def check_run(pupline: PreparedPupline, served: Served) -> None:
    """Each execution has succeeded, with one record, and an alert where its image is a PNG."""
    records = records_of(pupline.data, "r", pupline.on)
    assert sorted(records) == [f"r-{number:05}" for number in range(1, COUNT + 1)]
    assert [row["status"] for row in rows(pupline.data, "executions", command=pupline.on)] == ["SUCCEEDED"] * COUNT
    alerted = sorted(name for name, record in records.items() if record["alert_triggered"])
    assert sorted(alert["execution"] for alert in rows(pupline.data, "alerts", command=pupline.on)) == alerted
    check_bytes(pupline.data, records, served)
    check_nothing_half_done(pupline.data)


def check_ingest(pupline: PreparedPupline, served: Served) -> None:
    """Each image is there once: in the bucket, the audit and the metadata, which agree."""
    records = records_of(pupline.data, "i", pupline.on)
    assert sorted(records) == [f"i-{index:08}" for index in range(7)]
    assert len({record["source_url"] for record in records.values()}) == 7
    check_bytes(pupline.data, records, served)
    check_metadata(pupline.data, "i", records)
    check_alerts(pupline.data, "i", records, pupline.on)
    check_nothing_half_done(pupline.data)


def check_workflow(pupline: PreparedPupline, served: Served) -> None:
    """As of an ingest; the lines of the metadata are in the order of the batches, and records end before the digest."""
    records = records_of(pupline.data, "w", pupline.on)
    assert len({record["source_url"] for record in records.values()}) == len(records) == 7
    check_bytes(pupline.data, records, served)
    check_metadata(pupline.data, "w", records, lines_in_order=False)
    check_nothing_half_done(pupline.data)


def check_bytes(data: Path, records: dict[str, dict[str, Any]], served: Served) -> None:
    """Each record is of a file that is there, with bytes that the API gave for the image; every file has its record."""
    files = objects(data, "html") | objects(data, "quarantine")
    named = set()
    for record in records.values():
        assert record["outcome"] in {"stored", "quarantined"}, record
        path = Path(unquote(urlsplit(record["image_url"]).path))
        assert files[path] == record["sha256"], record
        assert record["sha256"] in served.given.by_path[urlsplit(record["source_url"]).path], record
        named.add(path)
    assert set(files) == named


def problems_now(data: Path) -> list[str]:
    """What is wrong at any instant: something called stored that is not there whole, or an image called failed."""
    path = data / "pupline.sqlite"
    if not path.exists() or not path.stat().st_size:
        return []
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'audit'").fetchone():
            return []
        stored = connection.execute("SELECT path, sha256 FROM objects WHERE state = 'stored'").fetchall()
        failed = connection.execute("SELECT execution, reason FROM audit WHERE outcome = 'failed'").fetchall()
    bucket = data / "buckets" / "dog-images"
    lost = [
        path
        for path, digest in stored
        if not (bucket / path).is_file() or sha256((bucket / path).read_bytes()).hexdigest() != digest
    ]
    return [*(f"{path} is called stored" for path in lost), *(f"failed: {row}" for row in failed)]


# ---- states to compare

_COUNTED = {
    "executions": "status",
    "ingests": "status",
    "objects": "state",
    "audit": "outcome",
    "alerts": "topic",
    "discarded_runs": "kind",
    "subscriptions": "protocol",
}


def state_of(world: Path) -> dict[str, object]:
    """What is in the database, counted, and the names of all other files: equal after an undisturbed command."""
    with closing(sqlite3.connect(world / "data" / "pupline.sqlite")) as connection:
        found: dict[str, object] = {
            table: connection.execute(f"SELECT {column}, count(*) FROM {table} GROUP BY 1 ORDER BY 1").fetchall()  # noqa: S608
            for table, column in _COUNTED.items()
        }
    hidden = ("pupline.sqlite", "lock")
    files = (path for path in world.rglob("*") if path.is_file() and not path.name.startswith(hidden))
    found["files"] = sorted(without_numbers(str(path.relative_to(world))) for path in files)
    return found


def without_times(text: str) -> str:
    """What a command printed, without the time in a file's name, how long it took, and how fast it was."""
    return re.sub(r"[0-9]{8}-[0-9]{6}|[0-9][0-9.,]* s\b|[0-9][0-9.,]*/s\b", "", text)


def without_numbers(path: str) -> str:
    """With N in place of counted and random parts."""
    return _NUMBERS.sub("N", path)


def copy(world: Path, new: Path) -> None:
    """Make a copy in which files with several names have them too: so an ingest recognises its own ones."""
    subprocess.run(["cp", "-a", world, new], check=True)
