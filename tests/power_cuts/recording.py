"""A command recorded with all its processes, and what it had said at each instant."""

import json
import signal
import subprocess
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.power_cuts.disk import Disk
from tests.power_cuts.replay import Replay
from tests.power_cuts.strace_log import Call, Opened, calls_of, traced

SYNCS = {"fsync", "fdatasync", "syncfs"}


@dataclass(frozen=True)
class Instant:
    """An instant between two calls. said: the JSON Lines that the command had printed. is_apt: a sync comes next."""

    number: int
    disk: Disk
    said: list[dict[str, Any]]
    is_apt: bool


@dataclass(frozen=True)
class Recording:
    """What a command and its earlier attempts did below `root`. before: what was there then."""

    root: Path
    folder: Path
    calls: list[Call]
    before: Disk

    def instants(self) -> Iterator[Instant]:
        """Every instant after a call that touched the disk or said something. The disk is one model, which goes on."""
        replay, said = Replay(self.root, deepcopy(self.before)), b""
        for number, call in enumerate(self.calls):
            words = self._said(call)
            said += words
            if replay.apply(call) or words:
                lines = said.rpartition(b"\n")[0].splitlines()
                is_apt = number + 1 < len(self.calls) and self.calls[number + 1].name in SYNCS
                yield Instant(number, replay.disk, [json.loads(line) for line in lines], is_apt or bool(words))

    def _said(self, call: Call) -> bytes:
        target = call.arguments[0] if call.arguments else None
        is_said = call.name == "write" and isinstance(target, Opened) and target.path == str(self.folder / "said")
        return b"".join(call.texts) if is_said else b""


def record(folder: Path, root: Path, command: Sequence[str], status: int, kills: Sequence[str] = ()) -> Recording:
    """Run a command under strace until it ends with `status`. kills: where its earlier attempts are killed."""
    before, calls = Disk.of(root), list[Call]()
    for kill_at in (*kills, None):
        log = folder / "log"
        with (folder / "said").open("ab") as said, (folder / "errors").open("wb") as errors:
            done = subprocess.run(traced(command, log, kill_at), stdout=said, stderr=errors, timeout=280, check=False)
        expected = {status} if kill_at is None else {-signal.SIGKILL, 128 + signal.SIGKILL}
        assert done.returncode in expected, f"{done.returncode}: {(folder / 'errors').read_text()}"
        after = calls[-1].ended + 1 if calls else 0
        calls += [
            Call(one.began + after, one.ended + after, one.name, one.arguments, one.result, one.result_path)
            for one in calls_of(log)
        ]
        log.unlink()
    return Recording(root, folder, calls, before)
