"""What people are shown of a run: its progress when it is repeated with a larger --count, its summary."""

from itertools import count
from pathlib import Path

import pytest

from pupline.backends import ExecutionResult, MachineBackend, RunEvent, RunRequest, RunSettings
from pupline.cli._progress import Progress
from pupline.cli._run_view import RunView
from pupline.cli._summary import RunSummary


@pytest.mark.slow
def test_earlier_results_are_done_and_do_not_count_as_speed(tmp_path: Path) -> None:
    """No more is done than the total, the time left is not negative, and the rate is that of this command."""
    seconds = count()
    view = RunView(RunSummary(), "", as_json=False)
    view.progress = Progress(lambda: float(next(seconds)))
    lines: list[str] = []

    def listen(event: RunEvent) -> None:
        view.receive(event)
        if isinstance(event, ExecutionResult):
            lines.append(view.progress.line())

    backend = MachineBackend(tmp_path)
    settings = RunSettings(source="sample")
    backend.run(RunRequest(settings, 4, run_id="r"), lambda _: None)
    backend.run(RunRequest(settings, 6, run_id="r"), listen)
    assert [line.partition(",")[0] for line in lines] == [f"{done} of 6" for done in range(1, 7)]
    assert ["0.0/s" in line for line in lines] == [True] * 4 + [False] * 2
    assert "-" not in "".join(lines)


def test_the_summary_of_a_bulk_ingest_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It has no single image, outcome or reason; its figures are in its summary.json."""
    summary = RunSummary()
    summary.add(ExecutionResult("wk", "SUCCEEDED", None, None, None, None, "datasets/dogs/runs/wk/summary.json"))
    summary.show(MachineBackend(tmp_path))
    path = tmp_path / "buckets" / "dog-images" / "datasets" / "dogs" / "runs" / "wk" / "summary.json"
    assert f"Bulk ingest wk: {path}\n" in capsys.readouterr().out
