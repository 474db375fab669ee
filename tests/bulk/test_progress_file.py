"""What a running ingest writes for other processes to read: its pace and its hosts."""

import errno
import json
import os
from pathlib import Path

import pytest

from pupline.bulk import HostPaused, progress_of
from pupline.bulk._hosts import HostLimits, Job
from pupline.bulk._progress_file import FILE_NAME, HostState, Pace, ProgressFile
from pupline.bulk._scheduler import Scheduler
from pupline.errors import RetryAfter
from pupline.tasks.items import SourceItem

NOW = 1_800_000_000.0


def host(origin: str, paused: float = 0.0) -> HostState:
    """A host, paused for so long."""
    return HostState(origin=origin, in_flight=1, queued=2, limit=4, paused_seconds=paused, is_away=False, good=9)


def test_pace_is_that_of_the_last_seconds_and_pauses_have_a_reason(tmp_path: Path) -> None:
    """A reader in another process sees what was written last; at the end there is nothing."""
    now = [NOW]
    with ProgressFile(tmp_path, "r", lambda: now[0]) as file:
        file.paused(HostPaused("https://a.example", 30.0, "it answered 429"))
        for second in range(60):
            now[0] = NOW + second
            file.write(Pace(second * 10, second * 1000, 2), [host("https://a.example", 9.0), host("https://b.example")])
        found = progress_of(tmp_path, "r", now[0])
        assert found is not None
        assert (found["images_per_second"], found["bytes_per_second"], found["finished"]) == (10.0, 1000.0, 590)
        assert [one["why"] for one in found["hosts"]] == ["it answered 429", None]
        assert progress_of(tmp_path, "another", now[0]) is None
    assert progress_of(tmp_path, "r", now[0]) is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_gets_no_name_is_removed_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its rename may fail, on a machine without memory say; the run goes on without it, and leaves nothing."""

    def fail(*_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(Path, "rename", fail)
    with ProgressFile(tmp_path, "r", lambda: NOW) as file:
        file.write(Pace(1, 1, 1), [])
        assert progress_of(tmp_path, "r", NOW) is None
    assert list(tmp_path.iterdir()) == []


def test_file_of_a_killed_process_is_not_believed(tmp_path: Path) -> None:
    """Nor one that is old, cut or something else."""
    for process, at, text in ((2**22 - 1, NOW, ""), (os.getpid(), NOW - 60, ""), (1, NOW, "{"), (1, NOW, "[]")):
        (tmp_path / FILE_NAME).write_text(text or json.dumps({"run": "r", "process": process, "at": at}))
        assert progress_of(tmp_path, "r", NOW) is None


def test_paused_hosts_come_first() -> None:
    """A host that answers 429 is listed with what is left of its pause, before hosts that are busy."""
    scheduler = Scheduler(
        8, limits=lambda _origin: HostLimits(heed_robots=False), refusal=lambda _origin: None, seed="s"
    )
    for index, name in enumerate(("a", "a", "a", "b")):
        scheduler.add_image(index, SourceItem(url=f"https://{name}.example/{index}.jpg"), None, 0.0, 0)
    jobs = scheduler.take(0.0, 8)
    failed = next(job for job in jobs if "b.example" in job.url)
    assert isinstance(failed, Job)
    scheduler.failed(failed, RetryAfter("slow down", 30), 1.0)
    count, states = scheduler.host_states(2.0)
    assert count == 2
    assert [one.origin for one in states] == ["https://b.example", "https://a.example"]
    assert 20 < states[0].paused_seconds <= 30
    assert states[1].in_flight == 3
