"""`pupline run` from outside: what the server served against what is in the bucket, the audit and the outbox."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.dog_api import DogApi, kennel, serving
from tests.shared.installed import PUPLINE, pupline


def lines(data: Path, *arguments: str) -> list[dict[str, Any]]:
    """The JSON Lines that a reading command prints."""
    done = pupline(data, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def stored_files(data: Path) -> dict[str, str]:
    """Name to SHA-256 of every file in the bucket."""
    bucket = data / "buckets" / "dog-images"
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in bucket.rglob("*") if path.is_file()}


def check_all_of_it(data: Path, images: dict[str, bytes], run_id: str, count: int) -> None:
    """One object, one record and (for a PNG) one alert per execution; bytes as served; nothing half-done."""
    served = {Path(path).name: sha256(body).hexdigest() for path, body in images.items()}
    files = stored_files(data)
    records = lines(data, "audit")
    assert Counter(record["execution"] for record in records) == Counter(
        f"{run_id}-{number:05}" for number in range(1, count + 1)
    )
    assert all(served[name] == digest for name, digest in files.items())
    stored = [record for record in records if record["outcome"] == "stored"]
    assert sorted(record["image_name"] for record in stored) == sorted(files)
    assert all(files[record["image_name"]] == record["sha256"] for record in records)
    alerted = sorted(record["execution"] for record in records if record["file_type"] == "png")
    assert sorted(alert["execution"] for alert in lines(data, "alerts")) == alerted
    assert [row["status"] for row in lines(data, "executions")] == ["SUCCEEDED"] * count
    assert list((data / "tmp").iterdir()) == []


def test_every_image_is_stored_recorded_and_alerted_on_once(tmp_path: Path) -> None:
    """All bytes unaltered, one record for each execution, one alert for each PNG, one JSON line for each result."""
    count, images = 120, kennel(120, pngs=10)
    with serving(DogApi(images)) as base_url:
        done = pupline(
            tmp_path,
            *("run", "--count", str(count), "--concurrency", "16", "--source", base_url, "--run-id", "r", "--json"),
        )
    assert done.returncode == 0, done.stderr
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == count
    assert {result["outcome"] for result in results} == {"stored"}
    assert sum(result["alert_triggered"] for result in results) == 10
    check_all_of_it(tmp_path, images, "r", count)


def test_a_run_survives_sigkill_at_random_instants(tmp_path: Path) -> None:
    """Killed again and again and repeated with its --run-id, a run ends as if nothing had happened."""
    count, images, chance = 120, kennel(120, pngs=12), random.Random(7)
    command = ["run", "--count", str(count), "--concurrency", "8", "--run-id", "k", "--data", str(tmp_path), "--json"]
    kills = 0
    with serving(DogApi(images)) as base_url:
        while kills < 7:
            child = subprocess.Popen(
                [PUPLINE, *command, "--source", base_url],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            _wait_for_work(tmp_path, child)
            time.sleep(chance.uniform(0.0, 0.08))
            if child.poll() is not None:
                break
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            kills += 1
        done = pupline(tmp_path, *command, "--source", base_url)
    assert done.returncode == 0, done.stderr
    assert kills >= 3, "the run was over before it could be killed"
    assert len(done.stdout.splitlines()) == count
    check_all_of_it(tmp_path, images, "k", count)


def _wait_for_work(data: Path, child: subprocess.Popen[Any]) -> None:
    """Until the child holds the data directory's lock: before that there is nothing to interrupt."""
    lock = data / "lock"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and child.poll() is None:
        if lock.exists() and lock.read_text().strip() == str(child.pid):
            return
        time.sleep(0.002)


def test_ctrl_c_stops_cleanly_and_resume_goes_on(tmp_path: Path) -> None:
    """The first Ctrl-C ends with 130 and the state saved; `pupline resume` finishes what was begun."""
    images = kennel(400, pngs=0)
    with serving(DogApi(images)) as base_url:
        child = subprocess.Popen(
            [PUPLINE, "run", "--count", "400", "--run-id", "c", "--source", base_url, "--data", str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        _wait_for_work(tmp_path, child)
        time.sleep(0.15)
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 130, errors
        assert "pupline resume" in errors
        assert "Traceback" not in errors
        assert pupline(tmp_path, "resume").returncode == 0
    statuses = {row["status"] for row in lines(tmp_path, "executions")}
    assert statuses == {"SUCCEEDED"}
    assert len(lines(tmp_path, "audit")) == len(lines(tmp_path, "executions")) < 400


def test_a_second_process_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    """Two runs at once: the second says so in one line and exits with 2; the first is not disturbed."""
    images = kennel(300, pngs=0)
    with serving(DogApi(images)) as base_url:
        command = [PUPLINE, "run", "--count", "300", "--source", base_url, "--data", str(tmp_path)]
        first = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_for_work(tmp_path, first)
        second = pupline(tmp_path, "run", "--source", base_url)
        assert first.wait(timeout=120) == 0
    assert second.returncode == 2
    assert "in use" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert len(lines(tmp_path, "audit")) == 300


def test_a_503_is_retried_and_leaves_one_record(tmp_path: Path) -> None:
    """A transient error is answered by the workflow's Retry; the history shows the failed attempt."""
    images = kennel(1, pngs=0)
    with serving(DogApi(images, failures=1)) as base_url:
        done = pupline(tmp_path, "run", "--source", base_url, "--run-id", "r", "--json")
    assert done.returncode == 0, done.stderr
    [story] = lines(tmp_path, "executions", "r-00001")
    failed = [event for event in story["history"] if event["type"] == "TaskFailed"]
    assert [event["taskFailedEventDetails"]["error"] for event in failed] == ["ServerError"]
    check_all_of_it(tmp_path, images, "r", 1)


def test_an_image_url_is_fetched_and_its_origin_trusted(tmp_path: Path) -> None:
    """`--image-url` names one image; the origin that the user typed may be private."""
    images = kennel(2, pngs=1)
    with serving(DogApi(images)) as base_url:
        url = base_url.removesuffix("/api") + "/images/breeds/hound-afghan/dog0.jpg"
        done = pupline(tmp_path, "run", "--image-url", url, "--json")
    assert done.returncode == 0, done.stderr
    [result] = [json.loads(line) for line in done.stdout.splitlines()]
    assert (result["file_type"], result["alert_triggered"]) == ("png", True)
    [record] = lines(tmp_path, "audit")
    assert (record["source_url"], record["breed"]) == (url, "hound/afghan")


def test_another_private_origin_is_refused_unless_allowed(tmp_path: Path) -> None:
    """An API may not name a host inside the network; `--allow-origin` makes an exact exception."""
    images = kennel(1, pngs=0)
    with serving(DogApi(images)) as image_url:
        origin = image_url.removesuffix("/api")

        class Pointing(DogApi):
            def next_path(self) -> str:
                return f"@{origin.removeprefix('http://')}{next(iter(images))}"

        with serving(Pointing({})) as base_url:
            refused = pupline(tmp_path, "run", "--source", base_url, "--json")
    assert refused.returncode == 1
    [result] = [json.loads(line) for line in refused.stdout.splitlines()]
    assert result["outcome"] == "refused"
    assert stored_files(tmp_path) == {}


@pytest.mark.long
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--source", "smaple"], "did you mean sample"),
        (["run", "--allow-origin", "nonsense"], "origin"),
        (["run", "--image-url", "ftp://example.com/a.jpg"], "--image-url"),
        (["run", "--count", "0"], "--count"),
        (["run", "--timeout", "0"], "timeout"),
        (["run", "--run-id", "a b"], "run id"),
        (["runn"], "Did you mean 'run'"),
        (["executions", "nobody"], "no execution 'nobody'"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    """What the user typed wrong is named, with what to do; there is no traceback."""
    pupline(tmp_path, "run", "--source", "sample")
    done = (
        pupline(tmp_path, *arguments)
        if arguments[0] != "runn"
        else subprocess.run([PUPLINE, "runn"], capture_output=True, text=True, timeout=60, check=False)
    )
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert "Traceback" not in done.stderr
