"""A local AWS (MiniStack) with the project's template deployed on it: for the end-to-end tests and `make aws-local`.

template.yaml is deployed as `sam package` uploads it, with one change, because MiniStack's Python runtime reports every
exception under one name, while Retry and Catch match names: functions run on `provided.al2023`, with a bootstrap that
starts AWS's own runtime interface client for Python.
"""

import io
import json
import os
import socket
import ssl
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config

from pupline import packaging

ROOT = Path(__file__).parents[1]
PYTHON = ROOT / ".venv" / "ministack" / "bin" / "python"
REGION = "us-east-1"
CODE_BUCKET = "code"


def missing() -> str | None:
    """Why a local AWS cannot run here, or None."""
    return None if PYTHON.exists() else "MiniStack is not installed; run `make aws-tools`"


@dataclass(frozen=True, slots=True)
class Stack:
    """A deployed stack: its outputs and its endpoint."""

    endpoint: str
    outputs: Mapping[str, str]
    certificate: Path | None = None

    def client(self, service: str) -> Any:
        """A boto3 client for a service of this local AWS."""
        return client(self.endpoint, service, self.certificate)


class LocalAws:
    """MiniStack in its own process, on a free port of 127.0.0.1, within a `with` block.

    wait_scale: factor for Wait states and retry delays, 0 for none. log: file for its output. certificate: a file
    with a key and a certificate for 127.0.0.1; with it, everything is over TLS and IAM policies are enforced.
    """

    def __init__(self, log: Path, *, wait_scale: float = 0.0, certificate: Path | None = None) -> None:
        self._log = log
        self._wait_scale = wait_scale
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.endpoint = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> "LocalAws":
        environment = {
            **plain_environment(),
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "LAMBDA_EXECUTOR": "local",
            "LOG_LEVEL": "WARNING",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_REGION": REGION,
            "SFN_WAIT_SCALE": str(self._wait_scale),
            "TMPDIR": str(self._log.parent),
            **self._enforcement(),
        }
        with self._log.open("wb") as log:
            command = [str(PYTHON), "-m", "ministack"]
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self._log.parent)
        self._wait_until_it_answers(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def _enforcement(self) -> dict[str, str]:
        if self._certificate is None:
            return {}
        file = str(self._certificate)
        return {"AUTH": "true", "USE_SSL": "1", "MINISTACK_SSL_CERT": file, "MINISTACK_SSL_KEY": file}

    def _client(self, service: str) -> Any:
        return client(self.endpoint, service, self._certificate)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes], patience_seconds: float = 60.0) -> None:
        give_up = time.monotonic() + patience_seconds
        context = ssl.create_default_context(cafile=self._certificate) if self._certificate else None
        while time.monotonic() < give_up:
            if process.poll() is not None:
                raise RuntimeError(f"MiniStack ended with {process.returncode}; see {self._log}")
            try:
                with urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=1, context=context):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"MiniStack does not answer on {self.endpoint}; see {self._log}")

    def deploy(
        self,
        name: str,
        parameters: Mapping[str, str],
        *,
        functions_endpoint: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Stack:
        """Package and deploy the template as the stack `name`.

        functions_endpoint: where the functions find AWS, if not here: a proxy that injects faults. more: resources
        besides the template's.
        """
        s3 = self._client("s3")
        s3.create_bucket(Bucket=CODE_BUCKET)
        for function, module in packaging.FUNCTIONS.items():
            code = function_zip(module, functions_endpoint or self.endpoint)
            s3.put_object(Bucket=CODE_BUCKET, Key=f"{function}.zip", Body=code)
        for definition in (ROOT / "statemachine").glob("*.asl.json"):
            s3.put_object(Bucket=CODE_BUCKET, Key=definition.name, Body=definition.read_bytes())
        whole = variant(packaged())
        whole["Resources"] |= more or {}
        s3.put_object(Bucket=CODE_BUCKET, Key="template.json", Body=json.dumps(whole).encode())
        cloudformation = self._client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateURL=f"{self.endpoint}/{CODE_BUCKET}/template.json",
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        return Stack(self.endpoint, outputs_of(cloudformation, name), self._certificate)


def outputs_of(cloudformation: Any, name: str) -> dict[str, str]:
    """The stack's outputs once it is complete. Raises: RuntimeError with the events of the failure."""
    for _ in range(600):
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.1)
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        failed = [
            f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
            for e in events
            if "FAILED" in e["ResourceStatus"]
        ]
        raise RuntimeError(f"the stack {name} is {stack['StackStatus']}: {'; '.join(failed)}")
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def packaged() -> dict[str, Any]:
    """template.yaml as `sam package` uploads it."""
    command = [str(PYTHON), str(ROOT / "tools" / "translate_template.py"), "packaged", CODE_BUCKET]
    environment = {**plain_environment(), "AWS_DEFAULT_REGION": REGION}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"template.yaml cannot be read:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def variant(template: dict[str, Any]) -> dict[str, Any]:
    """The template with the functions on a runtime that reports exceptions under their names."""
    template["Globals"]["Function"]["Runtime"] = "provided.al2023"
    return template


def function_zip(module: str, endpoint: str) -> bytes:
    """A function's code with a bootstrap for `provided.al2023`."""
    handler = f"{module}.handler"
    bootstrap = f"#!/bin/sh\nexport AWS_ENDPOINT_URL={endpoint}\nexec {PYTHON} -m awslambdaric {handler}\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        for place, file in packaging.contents_of(module).items():
            zipped.write(file, place)
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        zipped.writestr(entry, bootstrap)
    return out.getvalue()


def client(endpoint: str, service: str, certificate: Path | None = None) -> Any:
    """A boto3 client for a local endpoint, with credentials that allow everything there."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        verify=str(certificate) if certificate else None,
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106  no secret: MiniStack takes any
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def plain_environment() -> dict[str, str]:
    """The environment without variables that could point at a real account or at this interpreter's paths."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))
    } | {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def free_port() -> int:
    """A port of 127.0.0.1 that was free just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
