"""Jobs are begun once each, one writer at a time, survive their console, and keep their output within bounds."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from pupline.console.job_queue import Job, JobRequest, Jobs, JobSettings
from pupline.errors import ConfigurationError, LocalTrouble
from pupline.local import LocalBackend

pytestmark = pytest.mark.slow

T = TypeVar("T")
PYTHON = (sys.executable, "-I", "-S", "-c")


KILLED_CONSOLE = """
import os, signal, subprocess, sys
from pathlib import Path
from pupline.console.job_queue import JobRequest, Jobs
from tests.console.job_queue.test_jobs import python, settings

left = [int(sys.argv[2])]

def killing(function):
    def call(*arguments, **options):
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1
        return function(*arguments, **options)
    return call

from pupline.console.job_queue import _jobs, _process, _store
_store.ConsoleFile.begin = killing(_store.ConsoleFile.begin)
_process.Supervisor.__init__ = killing(_process.Supervisor.__init__)
_store.ConsoleFile.end = killing(_store.ConsoleFile.end)
data = Path(sys.argv[1])
jobs = Jobs(settings(data))
while True:
    print(jobs.submit(python(f"open({str(data / 'marks')!r}, 'a').write('begun\\\\n')")).id, flush=True)
    while not all(job.is_over for job in jobs.list()):
        jobs.advance()
"""
"""A console that gets SIGKILL before the Nth of: marking a job as begun, starting it, noting its end."""


def settings(directory: Path) -> JobSettings:
    """Jobs whose command is a program of Python: its first argument, after the option --data."""
    program = (*PYTHON, "import sys; exec(sys.argv[3])")
    return replace(JobSettings.of_machine(directory, ()), program=program)


def python(code: str, *, command: str = "run", given: str | None = None, is_read_only: bool = False) -> JobRequest:
    """A job that runs this code in the place of the command."""
    return JobRequest((command, code), title=code[:20], input=given, is_read_only=is_read_only)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """The jobs of a console, without its thread."""
    jobs = Jobs(settings(tmp_path))
    yield jobs
    for job in jobs.list():
        if job.process is not None and not job.is_over:
            os.killpg(job.process, signal.SIGKILL)
    jobs.close()


def until(jobs: Jobs, condition: Callable[[], T]) -> T:
    """What the condition gives once it is true. Rounds follow each other without the pauses of the thread."""
    give_up = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < give_up, [(job, jobs.output(job.id)) for job in jobs.list()]
        jobs.advance()
        time.sleep(0.005)
    return found


def ended(jobs: Jobs, job: Job) -> Job:
    """The job after its end."""
    until(jobs, lambda: jobs.find(job.id).is_over)
    return jobs.find(job.id)


def test_command_runs_with_arguments_input_and_output(jobs: Jobs) -> None:
    """A job's command gets its input, and its output and exit code are kept."""
    job = jobs.submit(python("print(sys.stdin.read(), file=sys.stderr); sys.exit(1)", given='{"a": 1}'))
    assert (job.status, job.exit_code) == ("QUEUED", None)
    job = ended(jobs, job)
    assert (job.status, job.exit_code, job.outcome) == ("FAILED", 1, "finished, but some failed")
    assert jobs.output(job.id).head == '{"a": 1}\n'


def test_standard_input_is_empty_without_one(jobs: Jobs) -> None:
    """A command that asks gets the end of its input at once."""
    job = ended(jobs, jobs.submit(python("print(repr(sys.stdin.read()))")))
    assert (job.status, jobs.output(job.id).head) == ("SUCCEEDED", "''\n")


def test_values_cannot_become_options_or_shell(tmp_path: Path) -> None:
    """The shown command quotes what a shell would read, and has the options of the backend before the names."""
    jobs = Jobs(JobSettings.of_machine(tmp_path, ("--data", "my dogs")))
    request = JobRequest(("redrive", "--", "--failed", "$(rm)"), title="Redrive")
    assert jobs.command(request) == "pupline redrive --data 'my dogs' -- --failed '$(rm)'"
    assert jobs.command(JobRequest(("sources", "test", "--", "dog-ceo"), "Test")) == "pupline sources test -- dog-ceo"


def test_one_writer_at_a_time(jobs: Jobs) -> None:
    """A second job that takes the lock waits for the first, and says so; one that only reads does not."""
    first = jobs.submit(python("import time; time.sleep(60)"))
    second = jobs.submit(python("print(2)"))
    reading = jobs.submit(python("print(3)", is_read_only=True))
    assert ended(jobs, reading).status == "SUCCEEDED"
    assert jobs.find(second.id).waits_for == f"job {first.id}: {first.title}"
    until(jobs, lambda: jobs.find(first.id).process)
    jobs.stop(first.id)
    assert ended(jobs, second).status == "SUCCEEDED"


def test_stop_interrupts_and_then_kills(jobs: Jobs) -> None:
    """Stopping is Ctrl-C the first and the second time, and SIGKILL the third."""
    code = (
        "import signal, time\n"
        "signal.signal(signal.SIGINT, lambda *_: print('interrupted', flush=True))\n"
        "print('ready', flush=True)\n"
        "while True: time.sleep(60)"
    )
    job = jobs.submit(python(code))
    for count in range(3):
        until(jobs, lambda count=count: jobs.output(job.id).head.count("\n") == count + 1)  # type: ignore[misc]
        jobs.stop(job.id)
    job = ended(jobs, job)
    assert (job.status, job.outcome) == ("FAILED", "ended by signal 9")


def test_job_that_waits_can_be_stopped(jobs: Jobs) -> None:
    """A queued job that is stopped never begins."""
    job = jobs.submit(python("print(1)"))
    assert jobs.stop(job.id).status == "ABORTED"
    jobs.advance()
    assert jobs.find(job.id).outcome == "stopped before it started"
    assert jobs.stop(job.id).status == "ABORTED"


def test_next_console_begins_what_was_accepted(tmp_path: Path) -> None:
    """A job accepted by a console that was killed before it began it is begun by the next one, with its input."""
    job = Jobs(settings(tmp_path)).submit(python("print(sys.stdin.read())", given="kept"))
    later = Jobs(settings(tmp_path))
    assert ended(later, job).status == "SUCCEEDED"
    assert later.output(job.id).head == "kept\n"
    later.close()


def test_next_console_finds_a_running_job(tmp_path: Path) -> None:
    """A running job is found again: not begun twice, still stoppable, its exit code known."""
    first = Jobs(settings(tmp_path))
    code = f"import time; open({str(tmp_path / 'begun')!r}, 'a').write('x'); print('up', flush=True); time.sleep(60)"
    job = first.submit(python(code))
    until(first, lambda: "up" in first.output(job.id).head if first.find(job.id).process else False)
    first.close()
    later = Jobs(settings(tmp_path))
    later.advance()
    assert later.find(job.id).status == "RUNNING"
    later.stop(job.id)
    assert ended(later, job).exit_code in {1, 130}
    assert (tmp_path / "begun").read_text() == "x"
    later.close()


def test_end_while_no_console_ran_is_known(tmp_path: Path) -> None:
    """A job that ended while no console ran has its exit code and the time of its end."""
    first = Jobs(settings(tmp_path))
    job = first.submit(python("sys.exit(3)"))
    first.advance()
    first.close()
    result = tmp_path / "console" / "jobs" / str(job.id) / "result"
    give_up = time.monotonic() + 20
    while not result.exists() and time.monotonic() < give_up:
        time.sleep(0.005)
    later = Jobs(settings(tmp_path))
    later.advance()
    assert later.find(job.id).outcome == "stopped by --tolerate"
    later.close()


def test_job_begun_before_its_console_was_killed_is_not_begun_again(tmp_path: Path) -> None:
    """Where the command may have begun, and nobody saw it end, the job has failed: it is never begun twice."""
    first = Jobs(settings(tmp_path))
    job = first.submit(python("print(1)"))
    directory = tmp_path / "console" / "jobs" / str(job.id)
    directory.mkdir(parents=True)
    first.file.begin(job.id)
    (directory / "started").touch()
    later = Jobs(settings(tmp_path))
    later.advance()
    found = later.find(job.id)
    assert (found.status, found.exit_code) == ("FAILED", None)
    assert "was killed" in str(found.outcome)
    later.close()


def test_second_console_leaves_the_jobs_to_the_first(tmp_path: Path) -> None:
    """Of two consoles of a directory one works; the other shows the jobs, and takes over when it has ended."""
    first, second = Jobs(settings(tmp_path)), Jobs(settings(tmp_path))
    job = second.submit(python("print(1)"))
    first.advance()
    second.advance()
    assert ended(first, job).status == "SUCCEEDED"
    first.close()
    job = second.submit(python("print(1)"))
    assert ended(second, job).status == "SUCCEEDED"
    second.close()


def test_output_is_bounded(jobs: Jobs) -> None:
    """Of endless output the begin and the end are kept, and it is said how much was left out."""
    code = "for n in range(60): sys.stdout.write('%05d' % n * 10000)"
    job = ended(jobs, jobs.submit(python(code)))
    output = jobs.output(job.id)
    assert output.head.startswith("00000")
    assert output.tail.endswith("00059")
    assert len(output.head) + len(output.tail) + output.left_out == 60 * 50_000
    assert len(output.tail) <= 2 * 256 * 1024


def test_history_is_bounded(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest jobs that have ended are forgotten, with their files."""
    monkeypatch.setattr("pupline.console.job_queue._jobs.KEPT", 1)
    first, second = (ended(jobs, jobs.submit(python("print(1)"))) for _ in range(2))
    jobs.advance()
    assert [job.id for job in jobs.list()] == [second.id]
    with pytest.raises(ConfigurationError, match=f"there is no job {first.id}"):
        jobs.find(first.id)
    assert not (jobs.file.path.parent / "console" / "jobs" / str(first.id)).exists()


def test_command_that_cannot_be_started_fails(tmp_path: Path) -> None:
    """A program that is gone is a failed job with the reason in its output."""
    jobs = Jobs(replace(settings(tmp_path), program=(str(tmp_path / "absent"),)))
    job = ended(jobs, jobs.submit(python("print(1)")))
    assert (job.status, job.outcome) == ("FAILED", "exit code 126")
    assert "No such file or directory" in jobs.output(job.id).head
    jobs.close()


@pytest.mark.slow
def test_waits_for_the_process_that_holds_the_data_directory(tmp_path: Path) -> None:
    """A job waits while another process holds the data directory, says for which, and works when it is free."""
    jobs = Jobs(JobSettings.of_machine(tmp_path, ()))
    with LocalBackend.open(tmp_path, exclusive=True):
        job = jobs.submit(JobRequest(("run", "--source=sample"), title="Run"))
        waits = until(jobs, lambda: jobs.find(job.id).waits_for if jobs.find(job.id).started_at else None)
        assert waits == f"{tmp_path} is in use by another pupline (process {os.getpid()})"
    assert ended(jobs, job).status == "SUCCEEDED", jobs.output(job.id)
    jobs.close()


@pytest.mark.slow
@pytest.mark.parametrize("after", range(4))
def test_killed_console_loses_no_job_and_begins_none_twice(tmp_path: Path, after: int) -> None:
    """Killed at its Nth system call of these, a console loses no accepted job, and the next begins none twice."""
    console = subprocess.Popen([sys.executable, "-c", KILLED_CONSOLE, tmp_path, str(after)], stdout=subprocess.PIPE)
    accepted = [int(line) for line in console.communicate()[0].split()]
    assert console.returncode == -signal.SIGKILL
    later = Jobs(settings(tmp_path))
    until(later, lambda: all(job.is_over for job in later.list()))
    assert {job.id for job in later.list()} >= set(accepted)
    assert [job.status for job in later.list()] == ["SUCCEEDED"] * len(later.list())
    assert (tmp_path / "marks").read_text().splitlines() == ["begun"] * len(later.list())
    later.close()


@pytest.mark.slow
def test_program_of_a_job_is_pupline(tmp_path: Path) -> None:
    """The command that is shown is the one that runs."""
    jobs = Jobs(JobSettings.of_machine(tmp_path, ()))
    job = ended(jobs, jobs.submit(JobRequest(("discard", "--", "absent"), title="Discard")))
    assert (job.exit_code, job.command) == (2, "pupline discard -- absent")
    assert "pupline:" in jobs.output(job.id).head
    jobs.close()


def test_files_of_forgotten_jobs_are_removed(tmp_path: Path) -> None:
    """A console killed while it forgot a job left its files; the next one removes them, and no others."""
    first = Jobs(settings(tmp_path))
    job = ended(first, first.submit(python("print(1)")))
    first.close()
    left = tmp_path / "console" / "jobs" / "999"
    left.mkdir()
    later = Jobs(settings(tmp_path))
    later.advance()
    assert not left.exists()
    assert later.output(job.id).head == "1\n"
    later.close()


def test_damaged_file_is_reported_with_what_to_do(tmp_path: Path) -> None:
    """It holds nothing that cannot be done again."""
    jobs = Jobs(settings(tmp_path))
    jobs.submit(python("print(1)"))
    jobs.file.path.write_bytes(b"no database " * 1000)
    with pytest.raises(LocalTrouble, match=r"move it away"):
        jobs.list()
