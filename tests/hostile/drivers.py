"""The ways to fetch, each in its own process: `run`, `ingest`, `ingest --workflow`, the functions on an emulator."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from tests.hostile.report import Report
from tests.hostile.scenario import API
from tests.shared.installed import PUPLINE, pupline

TIMEOUT_SECONDS = 8
MAX_BYTES = 1_000_000
_LONGEST_SECONDS = 280


def _command(words: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    limits = ["--timeout", str(TIMEOUT_SECONDS), "--max-bytes", str(MAX_BYTES)]
    allowed = [word for origin in origins.values() if "127.0.0.1" in origin for word in ("--allow-origin", origin)]
    command = [PUPLINE, *words, *limits, *allowed, "--data", str(data), "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False, env=_environment()
    )
    report = Report(done.returncode, done.stderr)
    lines = pupline(data, "audit", "--json").stdout.splitlines()
    report.records = [json.loads(line) for line in lines]
    root = data / "buckets" / "dog-images"
    report.objects = {
        str(path.relative_to(root)): sha256(path.read_bytes()).hexdigest()
        for folder in ("html", "quarantine")
        for path in sorted((root / folder).rglob("*"))
        if path.is_file()
    }
    report.left = [path.name for path in (data / "tmp").iterdir()] if (data / "tmp").exists() else []
    return report


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def run(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """One execution of the workflow for each URL, as the image API names them."""
    source = f"{origins[API]}/api"
    return _command(["run", "--source", source, "--count", str(len(urls)), "--concurrency", "64"], data, origins)


def ingest(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """All URLs in bulk, with kept connections, one request at a time to each host."""
    return _ingest(urls, data, origins, "--concurrency", "256", "--host-concurrency", "1")


def ingest_workflow(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """All URLs through the state machine BulkIngest."""
    return _ingest(urls, data, origins, "--workflow", "--concurrency", "64")


def ingest_from_one_host(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """All URLs in bulk, where one host has all scenarios: no image may cost the others theirs."""
    return _ingest(urls, data, origins)


def _ingest(urls: Sequence[str], data: Path, origins: Mapping[str, str], *options: str) -> Report:
    listed = data.parent / f"{data.name}.txt"
    listed.write_text("".join(f"{url}\n" for url in urls))
    return _command(["ingest", str(listed), "--dataset", "dogs", *options], data, origins)


def functions(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """One execution of the workflow for each URL, by the handlers of the Lambda functions on moto."""
    return _handlers("pipeline", urls, data, origins)


def functions_in_bulk(urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    """One execution of BulkIngest for all URLs, by the handlers of the Lambda functions on moto."""
    return _handlers("bulk", urls, data, origins)


def _handlers(kind: str, urls: Sequence[str], data: Path, origins: Mapping[str, str]) -> Report:
    data.mkdir(parents=True)
    given, found = data / "urls.json", data / "report.json"
    given.write_text(json.dumps(urls))
    environment = {
        **_environment(),
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "ALLOW_ORIGINS": " ".join(origin for origin in origins.values() if "127.0.0.1" in origin),
        "TIMEOUT_SECONDS": str(TIMEOUT_SECONDS),
        "MAX_BYTES": str(MAX_BYTES),
        "CONCURRENCY": "64",
        "SOURCE": f"{origins[API]}/api",
    }
    command = [sys.executable, "-m", "tests.hostile.functions", kind, str(given), str(found)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False, env=environment
    )
    if done.returncode:
        return Report(done.returncode, done.stderr)
    return Report.read(found)


Driver = Callable[[Sequence[str], Path, Mapping[str, str]], Report]

DRIVERS: dict[str, Driver] = {
    one.__name__: one for one in (run, ingest, ingest_workflow, functions, functions_in_bulk, ingest_from_one_host)
}
ON_ONE_HOST = ingest_from_one_host.__name__

EACH_ITS_HOST = frozenset(DRIVERS) - {ON_ONE_HOST}
"""Those in which each scenario has a host of its own."""

BULK = frozenset({"ingest", "ingest_workflow", "functions_in_bulk", ON_ONE_HOST})
"""Those that read robots.txt."""

AMONG_GOOD = frozenset({"ingest", "ingest_workflow", ON_ONE_HOST})
"""Those that get good images too, of the same hosts and of another."""
