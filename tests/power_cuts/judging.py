"""What must hold on a disk after a power cut, before anything is started on it; looked at with sqlite3 and os alone."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

DATABASE = "pupline.sqlite"
_SAID = ("outcome", "image_name", "image_url", "sha256")
"""Fields of a result that its record has too."""


def problems_of(data: Path, said: Sequence[dict[str, Any]], scratch: Path) -> list[str]:
    """What is lost of what was acknowledged, and what is recorded as stored and is not there byte for byte."""
    scratch.mkdir()
    for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-journal"):
        if (data / name).exists():
            shutil.copy(data / name, scratch / name)
    try:
        return _problems(data, said, scratch / DATABASE)
    finally:
        shutil.rmtree(scratch)


def _problems(data: Path, said: Sequence[dict[str, Any]], copy: Path) -> list[str]:
    acknowledged = {line["execution"]: line for line in said if "execution" in line}
    if not copy.exists():
        return ["the database is gone"] if acknowledged else []
    with closing(sqlite3.connect(copy)) as connection:
        connection.row_factory = sqlite3.Row
        if connection.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            return ["the database is damaged"]
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'objects'").fetchone():
            return ["the database is empty"] if acknowledged else []
        records = {row["execution"]: row for row in connection.execute("SELECT * FROM audit")}
        objects = connection.execute("SELECT * FROM objects WHERE state = 'stored'").fetchall()
    found = [f"{name} was acknowledged and is not recorded" for name in acknowledged if name not in records]
    for name, record in records.items():
        line = acknowledged.get(name)
        if line and any(line.get(field, record[field]) != record[field] for field in _SAID):
            found.append(f"{name} was acknowledged as {line}, and is recorded as {dict(record)}")
        if record["image_url"]:
            path = Path(unquote(urlsplit(record["image_url"]).path))
            found += _file_problems(path, record["sha256"], name)
    for row in objects:
        found += _file_problems(data / "buckets" / row["bucket"] / row["path"], row["sha256"], row["key"])
    return found


def _file_problems(path: Path, digest: str, name: str) -> list[str]:
    if not path.is_file():
        return [f"{name}: {path} is gone"]
    return [] if sha256(path.read_bytes()).hexdigest() == digest else [f"{name}: {path} has other bytes"]
