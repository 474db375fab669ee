"""Where everything about a dataset is in the bucket, for all who write it or look for it; `docs/datasets.md` shows it.

Images are elsewhere: below the prefixes of accepted and of quarantined ones.
"""

from typing import Literal, TypeAlias

DATASETS = "datasets/"

JSON_LINES = "application/x-ndjson"
"""The content type of manifest, failures and metadata lines."""

Partitioned: TypeAlias = Literal["metadata/jsonl", "metadata/parquet", "shards", "sidecars"]
"""What a dataset has a partition of for each run, as Hive names them: `<this>/run=<run>/`."""


def dataset_folder(dataset: str) -> str:
    """The key below which all of the dataset is."""
    return f"{DATASETS}{dataset}/"


def run_folder(dataset: str, run: str) -> str:
    """The key below which the run's own files are: manifest, failures, summary."""
    return f"{dataset_folder(dataset)}runs/{run}/"


def manifest_key(dataset: str, run: str) -> str:
    """What the run was to fetch, an item a line."""
    return f"{run_folder(dataset, run)}manifest.jsonl"


def failures_key(dataset: str, run: str) -> str:
    """What gave no image, an item a line, and why."""
    return f"{run_folder(dataset, run)}failures.jsonl"


def summary_key(dataset: str, run: str) -> str:
    """The run in figures."""
    return f"{run_folder(dataset, run)}summary.json"


def partition(kind: Partitioned, dataset: str, run: str) -> str:
    """The key below which the run's part of `kind` is."""
    return f"{dataset_folder(dataset)}{kind}/run={run}/"
