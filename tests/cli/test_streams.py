"""What is printed, whatever is on the other end: a closed stream, an old encoding, a reader that goes, a full disk."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from pupline.cli._output import print_json
from pupline.cli._streams import PLAIN, OutputLost, _Output, _prepared
from pupline.text import UNSAFE
from tests.shared.installed import PUPLINE

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory after a sample run of twelve."""
    made = tmp_path_factory.mktemp("streams") / "data"
    subprocess.run(
        [PUPLINE, "run", "--source", "sample", "--count", "12", "--run-id", "r", "--data", str(made), "--json"],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return made


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line for bash, in which $PUPLINE is the command."""
    return subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"PUPLINE": PUPLINE} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["audit", "audit --json", "executions --json", "insights"])
def test_closed_stdout_is_no_error(data: Path, command: str) -> None:
    """Started with stdout closed, a command does its work and says nothing."""
    done = shell(f"$PUPLINE {command} --data '{data}' >&-")
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_descriptors_are_not_given_to_the_database(tmp_path: Path) -> None:
    """With 0, 1 and 2 closed, a run ends well, and its database is whole: no message was written into it."""
    done = shell(f"$PUPLINE run --source sample --count 3 --data '{tmp_path}' <&- >&- 2>&-")
    assert done.returncode == 0
    assert len(shell(f"$PUPLINE audit --json --data '{tmp_path}'").stdout.splitlines()) == 3


@pytest.mark.long
@pytest.mark.parametrize("command", ["audit", "audit --json", "executions", "executions --json"])
def test_a_reader_that_goes_ends_a_reading_command_well(data: Path, command: str) -> None:
    """`| head` has what it wanted: exit code 0, nothing on stderr."""
    done = shell(f"(sleep 0.2; $PUPLINE {command} --data '{data}'; echo $? >&2) | true")
    assert done.stderr == "0\n"


def test_a_reader_that_goes_interrupts_a_run_with_its_state_saved(tmp_path: Path) -> None:
    """A run whose results nobody reads stops with 130 and says how to go on; `resume` finishes what was begun."""
    run = f"$PUPLINE run --source sample --count 60 --json --data '{tmp_path}'"
    done = shell(f"({run}; echo $? >&2) | head -1")
    assert done.stderr.endswith("\n130\n")
    assert "pupline resume" in done.stderr
    assert shell(f"$PUPLINE resume --json --data '{tmp_path}'").returncode == 0
    assert '"RUNNING"' not in shell(f"$PUPLINE executions --json --data '{tmp_path}'").stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["audit", "audit --json", "doctor --source sample"])
def test_output_that_cannot_be_written_is_said(data: Path, command: str) -> None:
    """A full disk behind stdout is one clear line and exit code 1, no traceback."""
    done = shell(f"$PUPLINE {command} --data '{data}' >/dev/full")
    assert done.returncode == 1
    assert done.stderr == "pupline: the output could not be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("command", ["run --source sample", "ingest sample", "ingest sample --json"])
def test_a_lost_summary_is_no_success(tmp_path: Path, command: str) -> None:
    """The work is done and kept; but who asked to be told was not, so that the exit code is not 0."""
    shell(f"$PUPLINE run --source sample --data '{tmp_path}'")
    done = shell(f"$PUPLINE {command} --data '{tmp_path}' >/dev/full")
    assert done.returncode == (130 if "--json" in command else 1)
    assert "pupline: the output could not be written: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_summary_that_nobody_reads_is_no_failure(tmp_path: Path) -> None:
    """`| true` does not want it, and the work went well."""
    done = shell(f"($PUPLINE run --source sample --data '{tmp_path}'; echo $? >&2) | true")
    assert done.stderr == "0\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("command", ["audit", "insights", "doctor --source sample", "executions r-00001 --graph"])
def test_drawings_are_plain_where_the_encoding_is(data: Path, command: str, encoding: str) -> None:
    """An encoding without box-drawing characters gets ASCII ones, not a traceback and no question marks."""
    done = shell(f"$PUPLINE {command} --data '{data}'", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0, done.stderr
    assert "\\u25" not in done.stdout
    assert "?" not in done.stdout


def test_what_cannot_be_encoded_is_escaped() -> None:
    """The error handler writes what ASCII has no likeness of as an escape."""
    assert "│ ✔ é 犬".encode("ascii", PLAIN) == b"| + \\xe9 \\u72ac"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_valid_and_harmless_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """What a terminal would obey is escaped as JSON does it, and the value that is read back is the same."""
    value: dict[str, Any] = {"name": "é犬\x1b[31m\x9b31m\u202e\u200b\U000e0041\ud800\x7f\n", "list": [1, None, True]}
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    print_json(value)
    text = raw.getvalue().decode(encoding)
    assert json.loads(text) == value
    assert UNSAFE.findall(text) == ["\n"]
    assert ("犬" in text) == (encoding == "utf-8")


def test_a_lost_stream_is_silent_afterwards() -> None:
    """OutputLost is said once; what is still in the buffer does not fail again when the interpreter ends."""
    reading, writing = os.pipe()
    os.close(reading)
    stream = _Output(os.fdopen(writing, "wb"), encoding="utf-8")
    stream.write("x")
    with pytest.raises(OutputLost) as lost:
        stream.flush()
    assert lost.value.reader_gone
    stream.write("y")
    stream.close()


class Sparing(io.RawIOBase):
    """Takes a few bytes of each write, as a pipe that is full does when a signal comes."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = b""

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, data: "ReadableBuffer") -> int:
        """How many bytes were taken."""
        some = bytes(data)[:3]
        self.taken += some
        return len(some)


def test_nothing_is_dropped_where_python_does_not_buffer() -> None:
    """With PYTHONUNBUFFERED, usual in containers, a line of JSON lost its end and ran into another one."""
    raw = Sparing()
    unbuffered = io.TextIOWrapper(cast("io.BufferedWriter", raw), encoding="utf-8", write_through=True)
    stream = _prepared(unbuffered, 1)
    stream.write('{"url":"http://dogs.example/rex.jpg"}\n')
    assert raw.taken == b'{"url":"http://dogs.example/rex.jpg"}\n'
