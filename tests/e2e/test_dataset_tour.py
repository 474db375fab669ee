"""docs/dataset-tour.md, run as a reader would: a messy list, ingest, retry, quality, export, load, publish, rebuild.

What the page shows is compared with what the commands print, and what is on the disk at the end with what the server
serves.
"""

import csv
import hashlib
import importlib.util
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.docs.test_documented_commands import matches, run_command
from tests.shared.needed_tools import needs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "dataset-tour.md").read_text()
BLOCK = re.compile(r"<!-- tour: (\w+) -->\n```\w+\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
LOADERS = ROOT / ".venv" / "loaders" / "bin" / "python"
MISSING = None if LOADERS.exists() else "the libraries that load datasets are not installed; run `make loaders`"

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long, needs(MISSING)]


def messy_list() -> ModuleType:
    """The example that makes the list."""
    spec = importlib.util.spec_from_file_location("messy_list", ROOT / "examples" / "messy_list.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def serving(words: list[str], port: str, directory: Path) -> Iterator[None]:
    """The example's server, from the line that says it serves to the end of the block."""
    with subprocess.Popen(
        [sys.executable, *words, "--port", port], cwd=directory, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout
            assert any("Serving at" in line for line in server.stdout)
            yield
        finally:
            server.kill()


def follow_the_page(directory: Path) -> list[str]:
    """Run every block of the page in order, on a free port; where the page and a command's output differ."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    wrong = []
    with ExitStack() as year:
        for kind, body, shown in BLOCK.findall(PAGE.replace("8098", port)):
            if kind == "serve":
                year.close()
                year.enter_context(serving(body.split()[1:], port, directory))
            elif kind == "load":
                program = [str(LOADERS), "-c", body]
                offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(directory / "cache"), "HOME": str(directory)}
                done = subprocess.run(program, cwd=directory, env=offline, capture_output=True, text=True, check=False)
                assert done.returncode == 0, done.stderr
            else:
                *_, done = [run_command(words_of(line), directory) for line in body.splitlines()]
                if shown and not (matches(shown, done.stdout) or matches(shown, done.stderr)):
                    wrong.append(f"{body} prints:\n{done.stdout}\n{done.stderr}")
    return wrong


def words_of(line: str) -> list[str]:
    """A command's words, as a shell would split them."""
    return [quoted or plain for quoted, plain in re.findall(r"'([^']*)'|(\S+)", line)]


def lines_of(pattern: str, directory: Path) -> list[dict[str, Any]]:
    """The objects in all files of that pattern."""
    return [json.loads(line) for path in directory.glob(pattern) for line in path.read_text().splitlines()]


def digest(body: bytes) -> str:
    """The SHA-256 of the bytes."""
    return hashlib.sha256(body).hexdigest()


def test_the_tour_works_as_it_stands(tmp_path: Path) -> None:
    """Every command of the page works and prints what the page shows; the results are what the server served."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    wrong = follow_the_page(tmp_path)
    assert not wrong, "\n".join(wrong)

    world = messy_list()
    good = {
        number
        for number in range(world.ADDRESSES)
        if world.kind_of(number) not in {"gone", "page", "cut", "empty", "repeated-row", "no-address", "private"}
    }
    first = {world.path_of(number): digest(world.first_body_at(number)) for number in good}
    published = list(csv.DictReader((tmp_path / "pets-list.csv").read_text(encoding="utf-8").splitlines()))
    assert {row["sha256"] for row in published} == set(first.values())
    assert all(first["/photos/" + row["url"].partition("/photos/")[2]] == row["sha256"] for row in published)

    exported = lines_of("pets/*/metadata.jsonl", tmp_path)
    assert all(
        digest((next(tmp_path.glob(f"pets/*/{row['file_name']}"))).read_bytes()) == row["sha256"] for row in exported
    )
    assert {row["sha256"] for row in exported} < set(first.values())

    rows = {row["url"]: row for row in lines_of("rebuilt/buckets/*/datasets/pets/metadata/jsonl/*/*.jsonl", tmp_path)}
    assert set(rows) == {row["url"] for row in published}
    for row in published:
        number = int(re.findall(r"\d+", row["url"].rsplit("/", 1)[-1])[0])
        is_same = digest(world.body_at(number, later=True)) == row["sha256"]
        expected = "gone" if world.is_gone_later(number) else "verified" if is_same else "changed"
        found = rows[row["url"]]
        assert (found["verification"] or ("gone" if found["outcome"] == "failed" else None)) == expected, row["url"]
    rebuilt = lines_of("rebuilt-pets/*/metadata.jsonl", tmp_path) + lines_of("rebuilt-pets/metadata.jsonl", tmp_path)
    assert {row["sha256"] for row in rebuilt} == {
        row["sha256"] for row in published if rows[row["url"]]["verification"] == "verified"
    }
