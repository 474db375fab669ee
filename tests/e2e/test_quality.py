"""`pupline quality` as a user runs it: after an ingest, killed and repeated, with decisions, without Pillow."""

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.shared.installed import PUPLINE, pupline
from tests.shared.pictures import encoded, picture
from tests.shared.tiny_web import Said, Site, serving

pytestmark = [pytest.mark.e2e, pytest.mark.long]


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server without pages."""
    with serving(Site({})) as site:
        yield site


def _ingest(data: Path, site: Site, pictures: dict[str, bytes], **columns: dict[str, Any]) -> None:
    """Ingest a list of these pictures. columns: by column, the value for each picture."""
    site.pages = {f"/{name}": Said(body) for name, body in pictures.items()}
    lines = [
        {"url": f"{site.origin}/{name}"}
        | {column: values[name] for column, values in columns.items() if name in values}
        for name in pictures
    ]
    dogs = data.parent / "dogs.jsonl"
    dogs.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = pupline(data, "ingest", dogs, "--allow-origin", site.origin, "--ignore-robots")
    assert done.returncode in {0, 1}, done.stderr


def _lines(data: Path, name: str) -> list[dict[str, Any]]:
    path = data / "buckets" / "dog-images" / "datasets" / "dogs" / "quality" / name
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_from_ingest_to_a_clean_export(tmp_path: Path, site: Site) -> None:
    """Near-duplicates are found, a decision is remembered, and the export takes the keepers."""
    data = tmp_path / "data"
    original = picture(1)
    _ingest(
        data,
        site,
        {
            "1.jpg": encoded(original),
            "1-large.jpg": encoded(original.resize((640, 480))),
            "1-small.webp": encoded(original.resize((160, 120)), "WEBP"),
            "2.jpg": encoded(picture(2)),
            "white.png": encoded(Image.new("RGB", (200, 200), "white"), "PNG"),
        },
    )
    sheet = tmp_path / "sheet.html"
    done = pupline(data, "quality", "dogs", "--contact-sheet", sheet)
    assert done.returncode == 0, done.stderr
    assert "Examined 5 images of the dataset dogs\n" in done.stdout
    assert "1 group of similar images, 2 near-duplicates besides the keepers\n" in done.stdout
    assert "1 of a single colour\n" in done.stdout
    assert sheet.read_text().count("data:image/jpeg;base64,") == 3 + 3 * 5
    shown = pupline(data, "insights", "--dataset", "dogs").stdout
    assert shown.endswith(
        "\nQuality (of the last pass)\n"
        "  dogs: 5 images; 1 groups of similar images, 2 near-duplicates, 5 blurred, 1 of a single colour\n"
    )
    assert json.loads(pupline(data, "insights", "--json").stdout)["quality"]["dogs"]["near_duplicates"] == 2
    small = next(line["sha256"] for line in _lines(data, "quality.jsonl") if line["width"] == 160)
    done = pupline(data, "quality", "dogs", "--keep", small[:10])
    assert (done.returncode, done.stderr) == (0, "To keep: 1 image\n")
    export = tmp_path / "export"
    done = pupline(data, "export", "dogs", "--to", export, "--where", "keeper = true and single_colour < 0.9")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (export / "train" / "metadata.jsonl").read_text().splitlines()]
    assert {row["url"].rpartition("/")[2] for row in rows} == {"1-small.webp", "2.jpg"}
    assert {row["review"] for row in rows if row["sha256"] == small} == {"keep"}


def test_changed_images_are_told_apart(tmp_path: Path, site: Site) -> None:
    """A list with hashes: encoded again, replaced, and one placeholder for two; the lines and the summary say so."""
    data = tmp_path / "data"
    names = ["same.jpg", "again.jpg", "other.jpg", "gone1.jpg", "gone2.jpg", "nohash.jpg"]
    originals = {name: encoded(picture(at)) for at, name in enumerate(names)}
    _ingest(data, site, originals)
    assert pupline(data, "quality", "dogs").returncode == 0
    hashes = {line["sha256"]: line["phash"] for line in _lines(data, "quality.jsonl")}
    sha256 = {name: hashlib.sha256(body).hexdigest() for name, body in originals.items()}
    phash = {name: hashes[digest] for name, digest in sha256.items() if name != "nohash.jpg"}
    placeholder = encoded(picture(50))
    later = {
        "same.jpg": originals["same.jpg"],
        "again.jpg": encoded(picture(1).resize((200, 150)), quality=70),
        "other.jpg": encoded(picture(60)),
        "gone1.jpg": placeholder,
        "gone2.jpg": placeholder,
        "nohash.jpg": encoded(picture(61)),
    }
    rebuilt = tmp_path / "rebuilt"
    _ingest(rebuilt, site, later, sha256=sha256, phash=phash)
    done = pupline(rebuilt, "quality", "dogs", "--json")
    assert done.returncode == 0, done.stderr
    changes = {line["url"].rpartition("/")[2]: line for line in _lines(rebuilt, "changes.jsonl")}
    assert {name: line["change"] for name, line in changes.items()} == {
        "again.jpg": "same_picture",
        "other.jpg": "other_picture",
        "gone1.jpg": "placeholder",
        "gone2.jpg": "placeholder",
        "nohash.jpg": None,
    }
    assert changes["again.jpg"]["expected_sha256"] == sha256["again.jpg"]
    *images, summary = map(json.loads, done.stdout.splitlines())
    assert [line["image_name"] for line in images] == ["dogs/same.jpg"]
    assert summary["changes"] == {"other_picture": 1, "placeholder": 2, "same_picture": 1, "unknown": 1}
    shown = pupline(rebuilt, "quality", "dogs").stdout
    assert "1 changed since listed: the same picture, encoded or resized again\n" in shown


def test_a_killed_pass_continues(tmp_path: Path, site: Site) -> None:
    """SIGKILL loses at most the last second: the same command decodes what is left. No decoder survives."""
    data = tmp_path / "data"
    _ingest(data, site, {f"{seed}.jpg": encoded(picture(seed, 1600, 1200)) for seed in range(60)})
    command = [PUPLINE, "quality", "dogs", "--data", str(data), "--workers", "2"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    known = 0
    while not known and child.poll() is None:
        time.sleep(0.05)
        known = _known(data)
    decoders = _children(child.pid)
    child.send_signal(signal.SIGKILL)
    child.communicate()
    known = _known(data)
    assert 0 < known < 60, "the pass was over before it could be killed"
    assert not (data / "buckets" / "dog-images" / "datasets" / "dogs" / "quality").exists()
    deadline = time.monotonic() + 20
    while any(map(_is_alive, decoders)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(_is_alive, decoders))
    done = pupline(data, "quality", "dogs", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["images"], summary["examined"]) == (60, 60 - known)


def test_ctrl_c_keeps_what_was_examined(tmp_path: Path, site: Site) -> None:
    """One line says how to continue, and the exit code is 130."""
    data = tmp_path / "data"
    _ingest(data, site, {f"{seed}.jpg": encoded(picture(seed, 1600, 1200)) for seed in range(40)})
    command = [PUPLINE, "quality", "dogs", "--data", str(data), "--workers", "1"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not _known(data) and child.poll() is None:
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert (child.returncode, told.splitlines()[-1]) == (
        130,
        "pupline: interrupted. What was examined is kept: repeat the command to continue",
    )
    assert 0 < _known(data) < 40


def test_without_pillow_one_line_says_what_is_missing(tmp_path: Path) -> None:
    """And the exit code is 2; decisions need no Pillow."""
    data = tmp_path / "data"
    assert pupline(data, "ingest", "sample").returncode == 0
    hide = "import sys; sys.modules['PIL'] = None; from pupline.__main__ import main; main()"
    command = [sys.executable, "-c", hide, "quality", "sample", "--data", str(data)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("pupline: the quality pass needs an extra package: pip install 'pupline[quality]'")
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    """With exit code 2, and nothing is written."""
    assert pupline(tmp_path, "ingest", "sample").returncode == 0
    mistakes: dict[str, list[object]] = {
        "there is no dataset 'cats'; there are: sample": ["cats"],
        "there is no dataset 'sampel'; did you mean sample?": ["sampel"],
        "'xyz' is not the SHA-256 of an image, nor its first 8 hex digits or more": ["sample", "--keep", "xyz"],
        "'00000000': the dataset 'sample' has no such image": ["sample", "--drop", "00000000"],
    }
    for told, words in mistakes.items():
        done = pupline(tmp_path, "quality", *words)
        assert (done.returncode, done.stderr) == (2, f"pupline: {told}\n")
    assert not (tmp_path / "buckets" / "dog-images" / "datasets" / "sample" / "quality").exists()


def _known(data: Path) -> int:
    with closing(sqlite3.connect(f"file:{data / 'pupline.sqlite'}?mode=ro", uri=True)) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM quality").fetchone()[0])
        except sqlite3.Error:
            return 0


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
