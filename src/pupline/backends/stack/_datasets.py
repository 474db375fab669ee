"""The bulk ingests of a stack, from the summary.json of each in its bucket."""

from collections.abc import Iterator, Mapping
from typing import Any

from pupline.backends.stack._account import Account, aws_errors, error_code, pages
from pupline.backends.stack._stack import BUCKET, Stack
from pupline.errors import ConfigurationError
from pupline.tasks.ingest_summary import summary_of
from pupline.tasks.layout import DATASETS, dataset_folder


def summaries(account: Account, stack: Stack, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The summaries of all runs that have written one, or of one dataset's, newest first.

    Folders are listed, not objects, of which a run has one for each batch. There are none where the credentials may not
    list the bucket, so that reading records does not need that permission.
    """
    try:
        yield from _found(account, stack, dataset)
    except ConfigurationError:
        return


def _found(account: Account, stack: Stack, dataset: str | None) -> list[Mapping[str, Any]]:
    client, bucket = account.client("s3"), stack.resource(BUCKET)
    datasets = [dataset_folder(dataset)] if dataset else folders(client, bucket, DATASETS)
    runs = (run for one in datasets for run in folders(client, bucket, f"{one}runs/"))
    found = [summary for run in runs if (summary := _summary(client, bucket, f"{run}summary.json")) is not None]
    return sorted(found, key=lambda summary: str(summary.get("began_at") or ""), reverse=True)


def folders(client: Any, bucket: str, prefix: str) -> Iterator[str]:
    """The folders below a prefix, each a prefix itself, without a listing of what is in them."""
    doing = f"listing s3://{bucket}/{prefix}"
    for page in pages(client, "list_objects_v2", doing, Bucket=bucket, Prefix=prefix, Delimiter="/"):
        yield from (found["Prefix"] for found in page.get("CommonPrefixes", ()))


def _summary(client: Any, bucket: str, key: str) -> Mapping[str, Any] | None:
    """The object's JSON; None where there is no object, or not a summary."""
    from botocore.exceptions import ClientError

    with aws_errors(f"reading s3://{bucket}/{key}"):
        try:
            body = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as err:
            if error_code(err) in {"NoSuchKey", "404"}:
                return None
            raise
    return summary_of(body, key)
