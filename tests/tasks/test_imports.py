"""What a Lambda function may import, and when: the standard library, boto3, and little of pupline; all at INIT."""

import json
import subprocess
import sys

import pytest

RUNTIME = {"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3", "certifi"}
"""What the Lambda runtime brings: boto3 and what it needs; certifi is taken by botocore where it is there."""

COMPILED = {"pupline__mypyc"}
"""Where pupline's modules are compiled, what holds them; functions are packaged in plain form."""

HANDLERS = ["fetch_and_upload_dog_image", "alert_png", "log_to_dynamodb", "ingest_batch", "summarise_ingest"]
FETCHING = {"fetch_and_upload_dog_image", "ingest_batch"}

PROGRAM = """
import importlib, json, os, socket, sys, threading

def answer_nothing(listening):
    while True:
        connection, _ = listening.accept()
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
        connection.close()

name, settings = sys.argv[1:]
listening = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=answer_nothing, args=(listening,), daemon=True).start()
here = f"http://127.0.0.1:{listening.getsockname()[1]}"
before = set(sys.modules)
if settings == "yes":
    os.environ.update(DOG_BUCKET="b", DDB_TABLE="t", MEMO_TABLE="m", ALLOW_ORIGINS=here, AWS_ENDPOINT_URL=here)
    os.environ.update(AWS_DEFAULT_REGION="eu-central-1", AWS_ACCESS_KEY_ID="x", AWS_SECRET_ACCESS_KEY="x")
module = importlib.import_module("pupline.lambdas." + name)
at_import = set(sys.modules) - before

class Context:
    def get_remaining_time_in_millis(self):
        return 270_000

run = {"run": "r", "dataset": "d", "source": "s"}
batch = {"BatchInput": run, "Items": [{"index": 0, "item": {"url": here}}]}
image = {"uploaded_image": "a.png"}
event = {"execution": "r-1", "image": image} if name in ("alert_png", "log_to_dynamodb") else run | {"batch": batch}
event = {"execution": "r-1", "image_url": here} if name == "fetch_and_upload_dog_image" else event
try:
    sys.stdout = sys.stderr
    module.handler(event, Context())
except Exception as err:
    print(type(err), err)
sys.stdout = sys.__stdout__
json.dump({"at_import": sorted(at_import), "then": sorted(set(sys.modules) - before - at_import)}, sys.stdout)
"""


def modules(name: str, *, settings: bool) -> dict[str, list[str]]:
    """What the import of a handler loads in a fresh process, and what its first call does."""
    arguments = [sys.executable, "-c", PROGRAM, name, "yes" if settings else "no"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDLERS)
def test_all_that_a_function_needs_is_loaded_at_init(name: str) -> None:
    """With its settings there; the first invocation, which is billed, imports nothing.

    It is the standard library, boto3 and pupline.
    """
    loaded = modules(name, settings=True)
    assert loaded["then"] == []
    top = {module.split(".")[0] for module in loaded["at_import"]}
    foreign = {module for module in top if module not in sys.stdlib_module_names and not module.startswith("_")}
    assert foreign - RUNTIME - COMPILED == {"pupline"}
    assert ("boto3" in foreign) is (name != "alert_png")


@pytest.mark.slow
@pytest.mark.parametrize("name", HANDLERS)
def test_a_handler_can_be_imported_without_aws(name: str) -> None:
    """Without settings no client is made and boto3 is not loaded; alerting needs neither HTTP nor TLS at all."""
    loaded = set(modules(name, settings=False)["at_import"])
    assert not loaded & {"boto3", "botocore", "pupline.asl"}
    assert name != "alert_png" or not loaded & {"ssl", "http.client", "urllib.request", "pupline.aws"}
    rooms = {module.split(".")[1] for module in loaded if module.startswith("pupline.")}
    assert name in FETCHING or not rooms & {"http", "specs"}
