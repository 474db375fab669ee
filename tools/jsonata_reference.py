"""JSONata's reference implementation, the npm package, in a Node process behind a pipe."""

import json
import select
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parents[1]
DIRECTORY = ROOT / "build" / "jsonata-node"
_PACKAGE = DIRECTORY / "node_modules" / "jsonata" / "package.json"
_SECONDS = 3.0


def why_no_reference() -> str | None:
    """Why the reference implementation cannot run here, or None."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    if not _PACKAGE.is_file():
        return "the package is not in build/jsonata-node; `make differential` installs it"
    return None


class JsonataReference:
    """The npm package in a Node process, within a `with` block; a process that hangs is replaced."""

    def __enter__(self) -> "JsonataReference":
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def evaluate(self, expression: str, given: Any) -> dict[str, Any] | None:
        """{"value": ...}, {} for nothing, {"code": ..., "message": ...}; None when it does not end."""
        assert self._process.stdin  # noqa: S101 - both are pipes
        assert self._process.stdout  # noqa: S101
        self._process.stdin.write(json.dumps({"expression": expression, "input": given}).encode() + b"\n")
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], _SECONDS)[0]:
            self._end()
            self._start()
            return None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def _start(self) -> None:
        command = ["node", str(Path(__file__).with_suffix(".mjs")), str(DIRECTORY)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
