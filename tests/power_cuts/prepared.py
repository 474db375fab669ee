"""The `pupline` command in processes forked from one that has it loaded: starting Python takes most of a trial.

As a program it reads lines of JSON, `{"words": [...], "output": path, "errors": path}`, and answers each with the exit
status of the command.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

_LOADED = ("pupline.cli", "pupline.cli._ingest", "pupline.bulk._run_ingest", "pupline.bulk._ending", "pyarrow.parquet")


class PreparedPupline:
    """Runs commands, one at a time. Use it in a `with` block. folder: for what the commands print."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = [sys.executable, "-m", "tests.power_cuts.prepared"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, data: Path, *words: object) -> subprocess.CompletedProcess[str]:
        """One command on a data directory, run to its end."""
        output, errors = self._folder / "output", self._folder / "errors"
        command = [*map(str, words), "--data", str(data)]
        assert self._process.stdin
        assert self._process.stdout
        asked = {"words": command, "output": str(output), "errors": str(errors)}
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(command, status, output.read_text(), errors.read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.communicate()


def _serve() -> None:
    for name in _LOADED:
        importlib.import_module(name)
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if not child:
            _run(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)  # noqa: T201 - the answer


def _run(words: list[str], output: str, errors: str) -> None:
    """Become the command."""
    from pupline.cli import main

    files = (os.devnull, os.O_RDONLY), *((name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for name in (output, errors))
    for number, (name, flags) in enumerate(files):
        descriptor = os.open(name, flags, 0o666)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["pupline", *words]
    main()
    sys.exit()


if __name__ == "__main__":
    _serve()
