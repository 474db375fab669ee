"""The keys in the bucket of everything about a dataset but its images; `docs/datasets.md` shows them."""

from typing import Literal, TypeAlias

DATASETS = "datasets/"

QUARANTINE = "quarantine/"
"""The prefix of what was fetched and is not an accepted image."""

NOT_FOR_IMAGES = ("athena/", "audit/", DATASETS, "exports/", "memo/", QUARANTINE)
"""Prefixes with another use; images below them would expire, be taken for others' files, or count as quarantined."""

JSON_LINES = "application/x-ndjson"
"""The content type of manifest, failures and metadata lines."""

Partitioned: TypeAlias = Literal["metadata/jsonl", "metadata/parquet", "shards", "sidecars"]
"""Kinds of files with a Hive partition for each run: `<kind>/run=<run>/`."""


def dataset_folder(dataset: str) -> str:
    """The prefix of the dataset."""
    return f"{DATASETS}{dataset}/"


def run_folder(dataset: str, run: str) -> str:
    """The prefix of the run's own files: manifest, failures, summary."""
    return f"{dataset_folder(dataset)}runs/{run}/"


def manifest_key(dataset: str, run: str) -> str:
    """The key of the items that the run was to fetch, one per line."""
    return f"{run_folder(dataset, run)}manifest.jsonl"


def failures_key(dataset: str, run: str) -> str:
    """The key of the items that failed, one per line, with the reasons."""
    return f"{run_folder(dataset, run)}failures.jsonl"


def summary_key(dataset: str, run: str) -> str:
    """The key of the run's figures."""
    return f"{run_folder(dataset, run)}summary.json"


def progress_key(dataset: str, run: str) -> str:
    """The key of what one invocation of SummariseIngest keeps for the next."""
    return f"{run_folder(dataset, run)}summary-progress.json"


def partition(kind: Partitioned, dataset: str, run: str) -> str:
    """The prefix of the run's partition of `kind`."""
    return f"{dataset_folder(dataset)}{kind}/run={run}/"


def quality_key(dataset: str) -> str:
    """The key of what `pupline quality` found, one line for each distinct image."""
    return f"{dataset_folder(dataset)}quality/quality.jsonl"


def quality_parquet_key(dataset: str) -> str:
    """The key of the same lines as Parquet."""
    return f"{dataset_folder(dataset)}quality/quality.parquet"


def changes_key(dataset: str) -> str:
    """The key of the images that no longer have the hash of their list, one line for each row, with what changed."""
    return f"{dataset_folder(dataset)}quality/changes.jsonl"


def quality_summary_key(dataset: str) -> str:
    """The key of the figures of the last pass of `pupline quality`."""
    return f"{dataset_folder(dataset)}quality/summary.json"
