"""The start of an ingest: worker processes boot while the coordinator loads its own modules, which saves half a second.

Imports little: all of it is loaded before the first process starts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from pupline.bulk._run_stats import Stopwatch
from pupline.bulk._worker_process import PrestartedWorkers, worker_count

if TYPE_CHECKING:
    from pupline.bulk._request import IngestListener, IngestReport, IngestRequest


def ingest(data_dir: Path, request: "IngestRequest", listener: "IngestListener") -> "IngestReport":
    """Fetch what the request names into the data directory, or resume an unfinished run.

    Every item in an ItemsDone event is stored and recorded durably. Ctrl-C and SIGTERM end it cleanly; the same command
    resumes it then, as it does after SIGKILL.
    Raises: ConfigurationError; StorageError, which loses nothing that was announced; whatever the listener raises.
    """
    stopwatch = Stopwatch()
    workers = PrestartedWorkers()
    try:
        workers.start(worker_count(request.concurrency, request.workers))
        from pupline.bulk._run_ingest import run_ingest

        return run_ingest(data_dir, request, listener, workers.take, stopwatch)
    finally:
        workers.close()
