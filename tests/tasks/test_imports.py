"""What a Lambda function may import: the standard library, boto3, and little of pupline."""

import json
import subprocess
import sys

import pytest

RUNTIME = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3", "certifi"}
"""What the Lambda runtime brings: boto3 and what it needs; certifi is taken by botocore where it is there."""

HANDLERS = ["fetch_and_upload_dog_image", "alert_png", "log_to_dynamodb", "ingest_batch", "summarise_ingest"]
FETCHING = {"fetch_and_upload_dog_image", "ingest_batch"}

PROGRAM = """
import importlib, json, os, sys
name, first_call = sys.argv[1:]
before = set(sys.modules)
module = importlib.import_module("pupline.lambdas." + name)
at_import = set(sys.modules) - before
if first_call == "yes":
    os.environ.update(DOG_BUCKET="b", DDB_TABLE="t", AWS_DEFAULT_REGION="eu-central-1")
    wiring = {
        "fetch_and_upload_dog_image": ("_fetch_wiring", "fetch_services"),
        "log_to_dynamodb": ("_audit_wiring", "audit_services"),
        "ingest_batch": ("_ingest_wiring", "batch_services"),
        "summarise_ingest": ("_summary_wiring", "summary_services"),
    }
    file, make = wiring.get(name, ("alert_png", "alert_png"))
    services = getattr(importlib.import_module("pupline.lambdas." + file), make)
    services = services if name in wiring else int
    services()
json.dump({"at_import": sorted(at_import), "then": sorted(set(sys.modules) - before)}, sys.stdout)
"""


def modules(name: str, *, first_call: bool) -> dict[str, list[str]]:
    """What importing a handler, and making its services, loads in a fresh process."""
    arguments = [sys.executable, "-c", PROGRAM, name, "yes" if first_call else "no"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDLERS)
def test_only_the_runtimes_packages_are_imported(name: str) -> None:
    """Standard library, boto3 and pupline, also when the services are made."""
    top = {module.split(".")[0] for module in modules(name, first_call=True)["then"]}
    foreign = {module for module in top if module not in sys.stdlib_module_names and not module.startswith("_")}
    assert foreign - RUNTIME == {"pupline"}


@pytest.mark.parametrize("name", HANDLERS)
def test_importing_a_handler_is_cheap(name: str) -> None:
    """boto3 and the HTTP and TLS modules come with the first call, and alerting needs none of them at all."""
    loaded = set(modules(name, first_call=False)["at_import"])
    assert not loaded & {"boto3", "botocore", "ssl", "http.client", "urllib.request", "pupline.aws", "pupline.asl"}
    rooms = {module.split(".")[1] for module in loaded if module.startswith("pupline.")}
    assert name in FETCHING or not rooms & {"http", "specs"}
