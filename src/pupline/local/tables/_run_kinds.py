"""The kinds of run in a data directory. A run ID belongs to one of them, as records and files are named after it."""

import json
from collections.abc import Mapping
from enum import StrEnum

from pupline.errors import ConfigurationError
from pupline.json_values import JSON
from pupline.local.database import Database
from pupline.tasks.run_ids import check_run_id
from pupline.text import printable


class RunKind(StrEnum):
    """The command that started a run."""

    WORKFLOW_RUN = "run"
    BULK_INGEST = "ingest"
    WORKFLOW_INGEST = "ingest --workflow"


_WORDS = {
    RunKind.WORKFLOW_RUN: "a run of the workflow",
    RunKind.WORKFLOW_INGEST: "an ingest through the workflow",
    RunKind.BULK_INGEST: "a bulk ingest",
}


def kind_of_settings(settings: Mapping[str, JSON]) -> RunKind:
    """The kind of a run among those of the workflow, by its settings."""
    return RunKind.WORKFLOW_INGEST if "dataset" in settings else RunKind.WORKFLOW_RUN


def check_run_kind(database: Database, run_id: str, kind: RunKind) -> None:
    """Raises ConfigurationError if the ID is not valid, or if only runs of other kinds, or discarded ones, have it.

    Earlier versions let several kinds share an ID; such runs can still be resumed.
    """
    check_run_id(run_id)
    kinds = [
        kind_of_settings(json.loads(settings))
        for (settings,) in database.rows("SELECT settings FROM runs WHERE run_id = ?", (run_id,))
    ]
    if database.rows("SELECT 1 FROM ingests WHERE run_id = ?", (run_id,)):
        kinds.append(RunKind.BULK_INGEST)
    if kinds and kind not in kinds:
        raise ConfigurationError(f"the run '{printable(run_id)}' is {_WORDS[kinds[0]]}; give another --run-id")
    if database.rows("SELECT 1 FROM discarded_runs WHERE run_id = ?", (run_id,)):
        raise ConfigurationError(
            f"the run '{printable(run_id)}' was discarded, and its audit records keep its name; give another --run-id"
        )
