"""The progress of a run that is repeated with a larger --count."""

from itertools import count
from pathlib import Path

from pupline.backends import ExecutionResult, MachineBackend, RunEvent, RunRequest, RunSettings
from pupline.cli._progress import Progress
from pupline.cli._run_view import RunView
from pupline.cli._summary import RunSummary


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
