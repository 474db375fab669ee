"""Redriving on one machine, from outside: what was broken off goes on; what was handled is left alone."""

import json
import subprocess
import threading
from pathlib import Path

from tests.e2e.dog_api import DogApi, jpeg, serving
from tests.shared.installed import PUPLINE, pupline

PATH = "/images/breeds/pug/dog.jpg"


class HoldingApi(DogApi):
    """Holds an image back until it is let go, and says when it was asked for."""

    def __init__(self) -> None:
        super().__init__({PATH: jpeg(1)})
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def answer(self, path: str) -> tuple[int, bytes]:
        """As ever, but later."""
        self.asked.set()
        assert self.let_go.wait(60)
        return super().answer(path)


def test_an_aborted_execution_goes_on_where_it_was(tmp_path: Path) -> None:
    """Killed and stopped, then redriven: it succeeds under its name, with one record, and is redriven no more."""
    api = HoldingApi()
    with serving(api) as base_url:
        words = [PUPLINE, "run", "--source", base_url, "--run-id", "r", "--data", str(tmp_path)]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as child:
            assert api.asked.wait(60)
            child.kill()
        assert pupline(tmp_path, "stop", "r-00001").stdout == "r-00001: ABORTED\n"
        api.let_go.set()
        done = pupline(tmp_path, "redrive", "--failed", "--run", "r", "--json")
    assert done.returncode == 0, done.stderr
    (result,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (result["execution"], result["status"], result["outcome"]) == ("r-00001", "SUCCEEDED", "stored")
    assert len(pupline(tmp_path, "audit", "--json").stdout.splitlines()) == 1
    (story,) = [json.loads(line) for line in pupline(tmp_path, "executions", "r-00001", "--json").stdout.splitlines()]
    kinds = [event["type"] for event in story["history"]]
    assert kinds.index("ExecutionAborted") < kinds.index("ExecutionRedriven") < kinds.index("ExecutionSucceeded")
    again = pupline(tmp_path, "redrive", "r-00001")
    assert again.returncode == 1
    assert "it is SUCCEEDED" in again.stderr


def test_redrive_in_a_directory_without_runs_is_said(tmp_path: Path) -> None:
    """Exit code 2, and nothing is made there."""
    done = pupline(tmp_path / "none", "redrive", "--failed")
    assert done.returncode == 2
    assert "there is no data directory" in done.stderr
    assert not (tmp_path / "none").exists()
