"""The commands that are disturbed."""

from tests.system_calls.faults import KILLED
from tests.system_calls.prepared_pupline import PreparedPupline
from tests.system_calls.worlds import COUNT, Served, Step, Work, check_ingest, check_run, check_workflow, filled

RUN = f"run --source {{api}} --count {COUNT} --run-id r"
INGEST = "ingest {kennel} --dataset dogs --run-id i --workers 1 --concurrency 4 --timeout 2"
WORKFLOW = "ingest {kennel} --dataset dogs --run-id w --workflow --concurrency 4"


def doing(words: str) -> Step:
    """The command, to its end."""

    def step(pupline: PreparedPupline, served: Served) -> None:
        ended = pupline(*filled(words, pupline, served))
        assert ended.returncode in {0, 1}, ended

    return step


def killed(words: str, at: int) -> Step:
    """The command, killed at a call."""

    def step(pupline: PreparedPupline, served: Served) -> None:
        ended = pupline(*filled(words, pupline, served), fault=KILLED.at(at))
        assert ended.returncode == -9, ended

    return step


def gone(_pupline: PreparedPupline, served: Served) -> None:
    """No image can be had."""
    served.given.is_gone = True


def there_again(_pupline: PreparedPupline, served: Served) -> None:
    """All can."""
    served.given.is_gone = False


def hours_ago(pupline: PreparedPupline, _served: Served) -> None:
    """What follows happens before any time of the trials."""
    pupline.set_clock(-7200)


def damaged(pupline: PreparedPupline, _served: Served) -> None:
    """Some pages of the database are overwritten."""
    with (pupline.data / "pupline.sqlite").open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xa5" * 4096)


def moved_away(pupline: PreparedPupline, _served: Served) -> None:
    """The data directory is another one now."""
    pupline.data.rename(pupline.world / "other")


MAIN = (
    Work("run", RUN, check=check_run),
    Work("ingest", INGEST, check=check_ingest),
    Work("workflow", WORKFLOW, check=check_workflow),
)

_BOTH = (doing(RUN), doing(INGEST))
OTHERS = (
    Work("resume", "resume", (killed(RUN, 650),), check=check_run),
    Work("resume an ingest", "resume", (killed(INGEST, 560),), check=check_ingest),
    Work("redrive", "redrive --failed --run r", (killed(RUN, 650), doing("stop r")), check=check_run),
    Work("retry", "ingest --retry-failed i --run-id j", (gone, doing(INGEST), there_again)),
    Work("export", "export dogs --to {world}/exported", _BOTH),
    Work("discard", "discard i --yes", _BOTH, removes=True),
    Work("prune", "prune --older-than 0s", (hours_ago, *_BOTH)),
    Work("merge", "merge {world}/other", (doing(INGEST), moved_away)),
    Work("repair", "doctor --repair", (*_BOTH, damaged)),
    Work("subscribe", "subscribe file {world}/alerts.jsonl", _BOTH),
)

READING = (
    Work("audit", "audit --json", _BOTH),
    Work("executions", "executions --json", _BOTH),
    Work("runs", "runs --json", _BOTH),
    Work("insights", "insights --json", _BOTH),
)
