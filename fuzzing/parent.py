"""Runs a target in a child process, and notices when that process dies or hangs."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fuzzing.child import HEADER
from fuzzing.target import Target

STUCK_SECONDS = 30.0
"""After so many seconds a call is considered to hang."""

_LOOK_SECONDS = 0.5
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that causes a problem, and the problem."""

    target: str
    problem: str
    data: bytes


@dataclass(slots=True)
class Result:
    """The result for a target. kinds: number of different outcomes."""

    calls: int = 0
    kinds: int = 0
    findings: list[Finding] = field(default_factory=list)


def fuzzed(target: Target, seed: int, seconds: float, calls: int = 2**62) -> Result:
    """Fuzz `target` for a number of seconds or calls."""
    result, ends = Result(), time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="pupline-fuzz-") as folder:
        state = Path(folder) / "state"
        while time.monotonic() < ends and result.calls < calls:
            state.write_bytes(bytes(HEADER.size + target.most))
            _run_child(target, seed, ends - time.monotonic(), calls - result.calls, state, result)
            seed += 1  # after an early end, other inputs follow
    return result


def _run_child(target: Target, seed: int, seconds: float, calls: int, state: Path, result: Result) -> None:
    command = [sys.executable, "-m", "fuzzing.child", target.name, str(seed), str(seconds), str(calls), str(state)]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        child = subprocess.Popen(command, stdout=out, stderr=errors, cwd=_ROOT)
        ending = _awaited(child, state)
        out.seek(0)
        errors.seek(0)
        lines = out.read().decode(errors="replace").splitlines()
        said = errors.read().decode(errors="replace")[-2000:]
    told = [json.loads(line) for line in lines if line.startswith("{")]
    for line in told:
        if "finding" in line:
            result.findings.append(Finding(target.name, line["finding"], bytes.fromhex(line["input"])))
    if printed := [line for line in lines if not line.startswith("{")]:
        result.findings.append(Finding(target.name, f"printed to stdout: {printed[0][:200]}", b""))
    last = told[-1] if told else {}
    number, size = HEADER.unpack_from(state.read_bytes())
    result.calls += last.get("calls", number)
    result.kinds = max(result.kinds, last.get("kinds", 0))
    if "calls" not in last:
        if not number:
            raise RuntimeError(f"the target {target.name} did not start: {said}")
        data = state.read_bytes()[HEADER.size : HEADER.size + size]
        result.findings.append(Finding(target.name, f"{ending}: {said}".strip(), data))


def _awaited(child: subprocess.Popen[bytes], state: Path) -> str:
    """Wait for the child to end, and kill it if it hangs; how it ended."""
    for number in _calls_of(state):
        seen, since = number, time.monotonic()
        while HEADER.unpack_from(state.read_bytes())[0] == seen:
            try:
                code = child.wait(_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if seen and time.monotonic() - since > STUCK_SECONDS:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
                    return f"stuck for {STUCK_SECONDS:.0f} s"
            else:
                return f"died with {code}"
    raise AssertionError


def _calls_of(state: Path) -> Iterator[int]:
    while True:
        yield HEADER.unpack_from(state.read_bytes())[0]
