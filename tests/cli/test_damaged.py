"""A damaged database: every command says so in a line, with exit code 2, and changes nothing. Never a traceback."""

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command

READING = [
    ("audit", "--json"),
    ("alerts",),
    ("executions",),
    ("executions", "friendly-00002"),
    ("executions", "hostile-00004", "--json"),
    ("insights",),
    ("subscribe", "--list"),
    ("doctor", "--source", "sample"),
]
WRITING = [
    ("resume",),
    ("run", "--source", "sample", "--count", "13", "--run-id", "friendly"),
    ("ingest", "sample", "--count", "3"),
    ("redrive", "--failed"),
    ("stop", "friendly-00003"),
    ("prune", "--older-than", "1s"),
]
NAME = "pupline.sqlite"


def copied(kennel: Path, data: Path) -> None:
    """The data directory again, whose alerts do not go to the file of the other."""
    shutil.copytree(kennel, data)
    connection = sqlite3.connect(data / NAME)
    connection.execute("UPDATE subscriptions SET endpoint = ?", (str(data.parent / "alerts.jsonl"),))
    connection.commit()
    connection.close()


def a_copy(kennel: Path, data: Path, damage: Callable[[bytearray], bytes]) -> bytes:
    """The data directory again, with a damaged database; its bytes."""
    shutil.rmtree(data, ignore_errors=True)
    copied(kennel, data)
    body = bytes(damage(bytearray((data / NAME).read_bytes())))
    (data / NAME).write_bytes(body)
    return body


def flipped(seed: int) -> Callable[[bytearray], bytes]:
    """Some bits of it the other way round: anywhere, the first page more often than its share."""

    def damage(body: bytearray) -> bytes:
        chance = random.Random(seed)
        for _ in range(chance.choice([1, 3, 20])):
            at = chance.randrange(100 if chance.random() < 0.15 else len(body))
            body[at] ^= 1 << chance.randrange(8)
        return bytes(body)

    return damage


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(16))
def test_flipped_bits_are_never_a_traceback(command: Command, kennel: Path, tmp_path: Path, seed: int) -> None:
    """A command works as before, or says what is damaged; reading changes not one byte."""
    body = a_copy(kennel, tmp_path / "data", flipped(seed))
    for words in READING:
        done = command(*words, "--data", tmp_path / "data")
        assert done.code in {0, 1, 2}, (words, done.stderr)
        if done.code == 2:
            assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "data" / NAME).read_bytes() == body
    done = command(*WRITING[seed % len(WRITING)], "--data", tmp_path / "data")
    assert done.code in {0, 1, 2}


WHOLE_FILES: dict[str, Callable[[bytearray], bytes]] = {
    "cut in half": lambda body: bytes(body[: len(body) // 2]),
    "cut in a page": lambda body: bytes(body[:-1000]),
    "its header gone": lambda body: bytes(100) + bytes(body[100:]),
    "zeros": lambda body: bytes(len(body)),
    "a text file": lambda _body: b"to do: buy dog food\n" * 400,
    "a short text": lambda _body: b"to do\n",
    "empty": lambda _body: b"",
}


@pytest.mark.slow
@pytest.mark.parametrize("what", WHOLE_FILES)
def test_a_file_that_is_not_the_database_is_said(command: Command, kennel: Path, tmp_path: Path, what: str) -> None:
    """One line, exit code 2, and what to do; the file stays as it is."""
    body = a_copy(kennel, tmp_path / "data", WHOLE_FILES[what])
    for words in [("audit",), ("executions",), ("insights",), *WRITING[:3]]:
        done = command(*words, "--data", tmp_path / "data")
        if what == "cut in a page" and done.code == 0 and words not in WRITING:
            continue  # what it reads is in other pages
        assert (done.code, len(done.stderr.splitlines())) == (2, 1), (words, done.stderr)
        assert "doctor --repair" in done.stderr
        assert (tmp_path / "data" / NAME).read_bytes() == body


ROWS = {
    "UPDATE audit SET alert_reasons = '[\"png' WHERE audit_id = 3": ("audit", "--json"),
    "UPDATE audit SET image_name = CAST(x'ff41' AS TEXT) WHERE audit_id = 3": ("audit", "--json"),
    "UPDATE alerts SET attributes = '[]'": ("alerts",),
    "UPDATE alerts SET published_at = 1e300": ("alerts",),
    "UPDATE executions SET start_time = 'noon' WHERE name = 'friendly-00002'": ("executions",),
    "UPDATE executions SET input = '{' WHERE name = 'friendly-00002'": ("executions", "friendly-00002"),
    "UPDATE definitions SET definition = replace(definition, 'Comment', 'Com+ent')": ("executions", "friendly-00002"),
    "UPDATE executions SET status = 'RUNNING', input = '{{'": ("resume",),
    "UPDATE runs SET settings = '[1]'; UPDATE executions SET status = 'RUNNING'": ("resume",),
    "UPDATE subscriptions SET protocol = 'fi1e'": ("run", "--source", "sample"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", ROWS)
def test_a_row_that_was_never_written_like_that_is_named(
    command: Command, kennel: Path, tmp_path: Path, change: str
) -> None:
    """SQLite takes it for sound: the line names the table and the row, and nothing is changed."""
    data = tmp_path / "data"
    copied(kennel, data)
    connection = sqlite3.connect(data / NAME)
    connection.executescript(change)
    connection.close()
    body = (data / NAME).read_bytes()
    done = command(*ROWS[change], "--data", data)
    assert (done.code, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "is damaged (" in done.stderr
    assert (data / NAME).read_bytes() == body
