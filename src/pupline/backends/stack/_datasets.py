"""The runs of bulk ingestion in a stack's bucket, as their summary.json tells them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pupline.backends.stack._account import Account, aws_errors, error_code, pages
from pupline.backends.stack._stack import BUCKET, Stack
from pupline.errors import ConfigurationError
from pupline.tasks.layout import DATASETS, dataset_folder


def summaries(account: Account, stack: Stack, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
    """summary.json of every run that has written one, or of one dataset's, newest first.

    Folders are listed, not objects: a run leaves one for each of its batches. Where the credentials may not list the
    bucket there is none: what only asks for records shall not need that.
    """
    try:
        yield from _found(account, stack, dataset)
    except ConfigurationError:
        return


def _found(account: Account, stack: Stack, dataset: str | None) -> list[Mapping[str, Any]]:
    client, bucket = account.client("s3"), stack.resource(BUCKET)
    datasets = [dataset_folder(dataset)] if dataset else _folders(client, bucket, DATASETS)
    runs = (run for one in datasets for run in _folders(client, bucket, f"{one}runs/"))
    found = [summary for run in runs if (summary := _summary(client, bucket, f"{run}summary.json")) is not None]
    return sorted(found, key=lambda summary: str(summary.get("began_at") or ""), reverse=True)


def _folders(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    doing = f"listing s3://{bucket}/{prefix}"
    for page in pages(client, "list_objects_v2", doing, Bucket=bucket, Prefix=prefix, Delimiter="/"):
        yield from (found["Prefix"] for found in page.get("CommonPrefixes", ()))


def _summary(client: Any, bucket: str, key: str) -> Mapping[str, Any] | None:
    """What the object holds; None where there is none, or none of ours."""
    from botocore.exceptions import ClientError

    with aws_errors(f"reading s3://{bucket}/{key}"):
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as err:
            if error_code(err) in {"NoSuchKey", "404"}:
                return None
            raise
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
