"""The kinds of run in a data directory. A run ID belongs to one of them, as records and files are named after it."""

import json
from enum import StrEnum

from pupline.errors import ConfigurationError
from pupline.local.database import Database
from pupline.tasks.run_ids import check_run_id
from pupline.text import printable


class RunKind(StrEnum):
    """What started a run; the value is for people."""

    WORKFLOW_RUN = "a run of the workflow"
    WORKFLOW_INGEST = "an ingest through the workflow"
    BULK_INGEST = "a bulk ingest"


def check_run_kind(database: Database, run_id: str, kind: RunKind) -> None:
    """Raises ConfigurationError if the ID is not valid, or if only runs of other kinds have it.

    Earlier versions let several kinds share an ID; such runs can still be resumed.
    """
    check_run_id(run_id)
    kinds = [
        RunKind.WORKFLOW_INGEST if "dataset" in json.loads(settings) else RunKind.WORKFLOW_RUN
        for (settings,) in database.rows("SELECT settings FROM runs WHERE run_id = ?", (run_id,))
    ]
    if database.rows("SELECT 1 FROM ingests WHERE run_id = ?", (run_id,)):
        kinds.append(RunKind.BULK_INGEST)
    if kinds and kind not in kinds:
        raise ConfigurationError(f"the run '{printable(run_id)}' is {kinds[0]}; give another --run-id")
