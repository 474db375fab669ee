"""What is deployed: only what a function imports, and the same bytes each time."""

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from pupline import packaging
from pupline.errors import ConfigurationError
from pupline.lambdas._fetch_wiring import fetch_services
from pupline.specs import presets
from tests.cli.conftest import pupline
from tests.shared.workflow_rules import with_webp

ROOT = Path(__file__).parents[2]
PRESETS = {name for name in presets() if not name.startswith("sample")}

LOADED = """
import importlib, json, os, sys
sys.path.insert(0, sys.argv[1])
os.environ.update(DOG_BUCKET="b", DDB_TABLE="t", MEMO_TABLE="m", AWS_DEFAULT_REGION="eu-central-1")
importlib.import_module(sys.argv[2])
importlib.import_module(sys.argv[2].replace("lambdas", "functions"))
services = {
    "_fetch_wiring": "fetch_services",
    "_audit_wiring": "audit_services",
    "_ingest_wiring": "batch_services",
    "_summary_wiring": "summary_services",
}
for wiring, make in services.items():
    if os.path.exists(os.path.join(sys.argv[1], "pupline", "lambdas", wiring + ".py")):
        getattr(importlib.import_module("pupline.lambdas." + wiring), make)()
loaded = [module for name, module in sys.modules.items() if name.split(".")[0] == "pupline"]
json.dump([module.__file__ for module in loaded if module.__file__], sys.stdout)
"""


@pytest.mark.parametrize(("name", "module"), packaging.FUNCTIONS.items())
def test_a_package_holds_all_it_needs_and_nothing_else(name: str, module: str, tmp_path: Path) -> None:
    """Every staged module is loaded once the function has made its services, and nothing is loaded from elsewhere.

    Its data files are those of the modules that read them.
    """
    archive = packaging.stage(name, tmp_path).archive
    staged = {str(path) for path in (tmp_path / name).rglob("*") if path.is_file()}
    command = [sys.executable, "-c", LOADED, str(tmp_path / name), module]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    data = {path for path in staged if path.endswith((".toml", ".json"))}
    assert set(json.loads(done.stdout)) == staged - data
    presets_and_workflow = {Path(path).name.partition(".")[0] for path in data}
    workflow = {"dog_uploader_pipeline"} if name in {"FetchAndUploadDogImage", "IngestBatch"} else set()
    assert presets_and_workflow == (PRESETS if name == "FetchAndUploadDogImage" else set()) | workflow
    with zipfile.ZipFile(archive) as zipped:
        inside = {entry.filename for entry in zipped.infolist()}
    assert inside == {str(Path(path).relative_to(tmp_path / name)) for path in staged}


@pytest.mark.parametrize("source", ["random-fox", "dog-ceo", "my-own.toml", "http://10.0.0.1:8099/api"])
def test_the_fetching_function_takes_any_source_that_draws(source: str, tmp_path: Path) -> None:
    """A preset of its package, a spec file that was packaged with it, and a base URL, in its SOURCE."""
    spec = tmp_path / "my-own.toml"
    spec.write_text("name = 'my-own'\nbase_url = 'https://api.example.org'\nitems = '[]'\n")
    name = "FetchAndUploadDogImage"
    packaging.stage(name, tmp_path, [spec])
    environment = {
        **os.environ,
        "DOG_BUCKET": "b",
        "MEMO_TABLE": "m",
        "SOURCE": source,
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    program = "from pupline.lambdas._fetch_wiring import fetch_services; print(fetch_services().source_name)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, ''); {program}"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path / name, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.strip() == source.removesuffix(".toml"), done.stderr


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("openverse", "SOURCE is openverse: it names its images page by page"),
        ("sample", "SOURCE is sample: the sample sources run on one machine only"),
        ("dogs.csv", "lists of URLs are read on one machine only"),
        ("dogceo", "did you mean dog-ceo?"),
        ("absent.toml", "absent.toml: the spec cannot be read"),
    ],
)
def test_a_source_that_cannot_work_is_one_clear_line(
    source: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function's first call says what is wrong with SOURCE."""
    monkeypatch.setenv("DOG_BUCKET", "b")
    monkeypatch.setenv("MEMO_TABLE", "m")
    monkeypatch.setenv("SOURCE", source)
    with pytest.raises(ConfigurationError, match=problem):
        fetch_services.__wrapped__()


def test_two_builds_are_the_same_bytes(tmp_path: Path) -> None:
    """Whenever and wherever they are made, and whatever was there before."""
    hashes = []
    for output in (tmp_path / "first", tmp_path / "second", tmp_path / "second"):
        for directory in output.glob("*/pupline"):
            (directory / "left_over.py").write_text("")
        time.sleep(0.01)
        archives = [packaging.stage(name, output).archive for name in packaging.FUNCTIONS]
        hashes.append([sha256(archive.read_bytes()).hexdigest() for archive in archives])
    assert hashes[0] == hashes[1] == hashes[2]
    assert not list(tmp_path.rglob("left_over.py"))


def test_each_function_of_the_template_is_built_by_name() -> None:
    """SAM runs src/Makefile for each, in the template's directory, and its handler is in the package."""
    template = (ROOT / "template.yaml").read_text()
    assert "    CodeUri: src " in template
    built = re.findall(r"^  (\w+):\n    Type: AWS::Serverless::Function\n    Metadata: (.*)\n", template, re.MULTILINE)
    assert dict(built) == dict.fromkeys(packaging.FUNCTIONS, "{BuildMethod: makefile, WorkingDirectory: .}")
    for module in packaging.FUNCTIONS.values():
        assert f"Handler: {module}.handler,\n" in template


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    """One line per function, with the SHA-256 of its zip."""
    done = pupline("package", "--output", tmp_path)
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(packaging.FUNCTIONS)
    for line in lines:
        assert line.split()[-1] == sha256((tmp_path / f"{line.split()[0]}.zip").read_bytes()).hexdigest()


def test_the_functions_heed_the_workflow_that_is_deployed(tmp_path: Path) -> None:
    """The project's, where there is one; rules that IngestBatch could not evaluate are refused before a deployment."""
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(with_webp()))
    assert pupline("package", "--output", tmp_path / "out", "--workflow-file", file).code == 0
    program = (
        "from pupline.lambdas._alert_rules import packaged_workflow as p;"
        "from pupline.tasks.alert_rules import AlertRules; print(AlertRules.of(p()).names[-1])"
    )
    for name in ("IngestBatch", "FetchAndUploadDogImage"):
        words = [sys.executable, "-c", f"import sys; sys.path.insert(0, ''); {program}"]
        done = subprocess.run(words, cwd=tmp_path / "out" / name, capture_output=True, text=True, check=False)
        assert done.stdout == "webp\n", done.stderr
    definition = with_webp()
    definition["States"]["CheckIfPNG"]["Choices"][0] = {"Variable": "$.labels", "IsPresent": True, "Next": "WebPAlert"}
    file.write_text(json.dumps(definition))
    refused = pupline("package", "--output", tmp_path / "none", "--workflow-file", file)
    assert (refused.code, "it refers to $.labels" in refused.stderr) == (2, True)
    assert not (tmp_path / "none").exists()
