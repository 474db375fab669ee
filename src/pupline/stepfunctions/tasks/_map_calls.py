"""What a Distributed Map reads and writes, where the environment names an endpoint of S3."""

from collections.abc import Iterator
from typing import Any

from pupline.asl import (
    Fact,
    ReadItems,
    TaskSucceeded,
    WriteResults,
    items_fact,
)
from pupline.json_values import JSON, AnyJSON
from pupline.stepfunctions.tasks._endpoints import Endpoints
from pupline.stepfunctions.tasks._service_calls import ServiceFailure


def read_or_write(command: ReadItems | WriteResults, endpoints: Endpoints, region: str) -> Fact | None:
    """The answer of S3; None without an endpoint. Raises: ServiceFailure."""
    if endpoints.url("s3") is None:
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    client = endpoints.client("s3", region)
    try:
        if isinstance(command, WriteResults):
            return _write(command, client)
        return items_fact(command, lambda resource, given: _call(client, resource, given))
    except ClientError as error:
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        raise ServiceFailure(f"S3.{code}" if code else "S3.AmazonS3Exception", text) from error
    except BotoCoreError as error:
        raise ServiceFailure("S3.SdkClientException", str(error)) from error


def _call(client: Any, resource: str, arguments: AnyJSON) -> bytes | Iterator[JSON]:
    if resource.endswith(":listObjectsV2"):
        return _listed(client, arguments)
    body: bytes = client.get_object(Bucket=arguments["Bucket"], Key=arguments["Key"])["Body"].read()
    return body


def _listed(client: Any, arguments: AnyJSON) -> Iterator[JSON]:
    prefix = {"Prefix": arguments["Prefix"]} if arguments.get("Prefix") else {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=arguments["Bucket"], **prefix):
        for one in page.get("Contents", ()):
            yield {
                "Etag": one["ETag"],
                "Key": one["Key"],
                "LastModified": int(one["LastModified"].timestamp()),
                "Size": one["Size"],
                "StorageClass": one.get("StorageClass", "STANDARD"),
            }


def _write(command: WriteResults, client: Any) -> Fact:
    for name in command.files:
        body = command.body(name).encode("utf-8", "replace")
        client.put_object(Bucket=command.arguments["Bucket"], Key=f"{command.key_prefix}{name}", Body=body)
    return TaskSucceeded(command.id)
