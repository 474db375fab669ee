"""The SAM CLI in a fresh clone: without a virtual environment, with nothing but what git has."""

import os
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from tools import local_aws

ROOT = Path(__file__).parents[2]
SAM = ROOT / ".venv" / "sam" / "bin" / "sam"
PROGRAMS = "/usr/local/bin:/usr/bin:/bin"


def missing() -> str | None:
    """Why SAM cannot be tried here, or None."""
    return None if SAM.exists() else "the SAM CLI is not installed; run `make aws-tools`"


def clone(directory: Path) -> Path:
    """A copy of the files that git has or would take, and nothing else."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines():
        if (ROOT / name).is_file():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    return directory


def sam(
    directory: Path, *words: str, endpoint: str | None = None, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run sam in a directory. endpoint: of the local AWS."""
    environment = variables_of(directory, endpoint) | variables
    command = [str(SAM), *words]
    return subprocess.run(
        command, cwd=directory, env=environment, input="", capture_output=True, text=True, timeout=300, check=False
    )


def variables_of(directory: Path, endpoint: str | None) -> dict[str, str]:
    """The environment of a user in a directory. endpoint: of the local AWS, if it is to be found."""
    return {
        **local_aws.plain_environment(),
        "AWS_DEFAULT_REGION": local_aws.REGION,
        "HOME": str(directory),
        "SAM_CLI_TELEMETRY": "0",
        **({"AWS_ENDPOINT_URL": endpoint} if endpoint else {}),
    }


def typed(line: str, directory: Path, environment: dict[str, str]) -> tuple[int, str]:
    """What comes of a command line that a user types: its exit code, and what it prints.

    Every question is answered with Enter, but for the last of sam deploy, which is answered with yes.
    """
    command = ["bash", "-c", line]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT
    ) as on:
        assert on.stdin is not None
        assert on.stdout is not None
        printed = b""
        while byte := on.stdout.read(1):
            printed += byte
            if printed.endswith(b"]: "):
                on.stdin.write(b"y\n" if printed.endswith(b"Deploy this changeset? [y/N]: ") else b"\n")
                on.stdin.flush()
        on.stdin.close()
        return on.wait(timeout=60), printed.decode()


def make(directory: Path, function: str, artifacts: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Run what SAM runs for one function of the template in `directory`."""
    environment = {**local_aws.plain_environment(), **variables, "ARTIFACTS_DIR": str(artifacts)}
    command = ["make", "--makefile", str(directory / "src" / "Makefile"), f"build-{function}"]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def tree(directory: Path) -> dict[str, str]:
    """Every file below a directory: its place, and the SHA-256 of its content."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def plain_python(directory: Path) -> str:
    """A PATH on which `python3` is this Python without any installed package, and pupline is not to be found."""
    programs = directory / "bin"
    programs.mkdir()
    python = Path(os.path.realpath(shutil.which("python3") or "python3"))
    (programs / "python3").write_text(f'#!/bin/sh\nexec "{python}" -S "$@"\n')
    (programs / "python3").chmod(0o755)
    return f"{programs}:{PROGRAMS}"
