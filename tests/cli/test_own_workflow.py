"""A workflow of the user's own: named by an option or a variable, or found in a project; its rules count everywhere."""

import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.shared.workflow_rules import edited, with_webp

PAGE = Path(__file__).parents[2] / "docs" / "workflow.md"


def documented_webp(workflow: Path) -> None:
    """Change a workflow's file as docs/workflow.md says."""
    rule, states = map(json.loads, re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL))
    definition = json.loads(workflow.read_text())
    definition["States"]["CheckIfPNG"]["Choices"].append(rule)
    definition["States"] |= states
    workflow.write_text(json.dumps(definition, indent=2))


def written(path: Path, definition: dict[str, Any]) -> Path:
    """A workflow's file."""
    path.write_text(json.dumps(definition))
    return path


def records(command: Command, run: str) -> dict[str, list[str]]:
    """What the records of a run say: images that alerted, each with its reasons."""
    rows = [row for row in command("audit", "--json").rows if row["execution"].startswith(f"{run}-")]
    return {row["image_name"].rpartition("/")[2]: row["alert_reasons"] for row in rows if row["alert_triggered"]}


@pytest.fixture
def project(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project, which is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PUPLINE_WORKFLOW", raising=False)
    monkeypatch.delenv("PUPLINE_DATA", raising=False)
    assert command("init", "dogs").code == 0
    monkeypatch.chdir(tmp_path / "dogs")
    return tmp_path / "dogs"


@pytest.mark.slow
def test_the_documented_rule_counts_everywhere(project: Path, command: Command) -> None:
    """In the workflow, in bulk, and in bulk through the workflow: alerts, records, figures, lists."""
    documented_webp(project / "statemachine" / "dog_uploader_pipeline.asl.json")
    checked = command("validate")
    assert checked.code == 0
    assert "alert rules: png_content, quarantined, png_name, extension_mismatch, webp" in checked.stdout
    done = command("run", "--source", "sample", "--count", "12", "--run-id", "one-by-one")
    assert done.code == 0
    assert f"in the project {project}" in done.stderr
    assert command("ingest", "sample", "--run-id", "bulk").code == 0
    assert command("ingest", "sample", "--dataset", "mapped", "--workflow", "--run-id", "mapped").code == 0
    by_run = {run: records(command, run) for run in ("one-by-one", "bulk", "mapped")}
    assert by_run["bulk"] == by_run["mapped"] == by_run["one-by-one"]
    assert by_run["bulk"]["n02113799_3.webp"] == ["webp"]
    alerts = command("alerts", "--json").rows
    assert {"WebP file detected", "PNG file detected"} <= {alert["subject"] for alert in alerts}
    digests = [alert["message"] for alert in alerts if "more image" in alert["message"]]
    assert len(digests) == 2
    assert all("1  WebP file detected" in digest for digest in digests)
    figures = command("insights", "--json").rows[0]
    assert figures["alerts_by_reason"]["webp"] == 3
    assert sum("webp" in row["alert_reasons"] for row in command("audit", "--alerts", "--json").rows) == 3


@pytest.mark.slow
def test_a_rule_that_was_removed_counts_no_more(project: Path, command: Command) -> None:
    """Neither in the workflow nor in bulk, where nothing but the file says what alerts."""
    written(project / "statemachine" / "dog_uploader_pipeline.asl.json", edited(without="ExtensionAlert"))
    assert command("run", "--source", "sample", "--count", "12", "--run-id", "one-by-one").code == 0
    assert command("ingest", "sample", "--run-id", "bulk").code == 0
    assert records(command, "one-by-one") == records(command, "bulk")
    assert command("insights", "--json").rows[0]["alerts_by_reason"].keys() == {"png_content", "png_name"}


def test_an_invalid_workflow_is_named_with_what_to_do(project: Path, command: Command) -> None:
    """In one line, with the first problem and exit code 2, as a file that is not JSON."""
    file = project / "statemachine" / "dog_uploader_pipeline.asl.json"
    definition = json.loads(file.read_text())
    definition["States"]["CheckIfPNG"]["Choices"] = definition["States"]["CheckIfPNG"]["Choices"][1:2]
    file.write_text(json.dumps(definition))
    done = command("run", "--source", "sample")
    assert done.code == 2
    assert "is not reachable. (4 problems in all); see: pupline validate" in done.stderr
    assert re.search(rf"pupline: {re.escape(str(file))}:1:\d+: \$\.States\.PNGContentAlert: ", done.stderr)


@pytest.mark.slow
def test_the_projects_test_tells_of_its_rules(project: Path) -> None:
    """It passes as it comes, and after the documented change with the line for it."""
    test = project / "tests" / "test_alert_rules.py"
    words = [sys.executable, "-m", "unittest", "discover", "tests"]
    assert subprocess.run(words, cwd=project, timeout=60, check=False, capture_output=True).returncode == 0
    test.write_text(test.read_text().replace("    # def", "    def").replace("    #     self", "        self"))
    failed = subprocess.run(words, cwd=project, timeout=60, check=False, capture_output=True, text=True)
    assert "test_a_webp_alerts" in failed.stderr
    documented_webp(project / "statemachine" / "dog_uploader_pipeline.asl.json")
    assert subprocess.run(words, cwd=project, timeout=60, check=False, capture_output=True).returncode == 0


@pytest.mark.slow
def test_a_run_keeps_the_rules_that_it_began_with(project: Path, command: Command) -> None:
    """Also when it ends in another process, after the file has changed; which is said."""
    urls = project / "urls.txt"
    urls.write_text("http://127.0.0.1:1/a.jpg\nhttp://127.0.0.1:1/b.jpg\n")
    stopped = command("ingest", urls, "--tolerate", "0", "--allow-origin", "http://127.0.0.1:1", "--run-id", "r")
    assert stopped.code == 3, stopped.stderr
    written(project / "statemachine" / "dog_uploader_pipeline.asl.json", with_webp())
    resumed = command("ingest", "--resume", "--dataset", "urls")
    assert "the alert rules of" in resumed.stderr
    assert "keeps those that it began with" in resumed.stderr


def test_init_overwrites_nothing(project: Path, command: Command, tmp_path: Path) -> None:
    """A second project in a project's place, and one over other files, are refused in one line."""
    again = command("init")
    assert (again.code, again.stderr) == (2, "pupline: . is a project already; edit its files\n")
    (tmp_path / "README.md").write_text("mine")
    refused = command("init", tmp_path)
    assert refused.code == 2
    assert "has README.md already" in refused.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "dogs"]
    assert command("sources", "validate", project / "sources" / "my-source.toml").code == 0


@pytest.mark.slow
def test_a_file_can_be_named(tmp_path: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the option for one command, by the variable for all; the option is the stronger."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUPLINE_WORKFLOW", "absent.json")
    refused = command("run", "--source", "sample", "--data", tmp_path / "data")
    assert (refused.code, "absent.json: the workflow cannot be read" in refused.stderr) == (2, True)
    assert command("ingest", "sample", "--data", tmp_path / "data").code == 2
    assert not (tmp_path / "data").exists()
    written(tmp_path / "mine.json", with_webp())
    done = command("run", "--source", "sample", "--workflow-file", "mine.json", "--data", tmp_path / "data")
    assert done.code == 0
    monkeypatch.setenv("PUPLINE_WORKFLOW", "mine.json")
    assert "extension_mismatch, webp\n" in command("validate").stdout
    listed = command("validate", "--json").rows
    assert [Path(one["file"]).name for one in listed] == ["mine.json", "bulk_ingest.asl.json"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (edited({"Variable": "$.labels", "IsPresent": True, "Next": "ExtensionAlert"}), "it refers to $.labels"),
        ({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, "no Choice state CheckIfPNG"),
        ([], "a workflow is a JSON object"),
    ],
)
@pytest.mark.parametrize("through", [(), ("--workflow",)])
def test_rules_that_bulk_cannot_heed_stop_it_before_it_starts(
    definition: Any, problem: str, through: tuple[str, ...], tmp_path: Path, command: Command
) -> None:
    """One line, exit code 2, and no data directory; pupline validate says it of a valid definition."""
    file = written(tmp_path / "mine.json", definition)
    done = command("ingest", "sample", "--workflow-file", file, "--data", tmp_path / "data", *through)
    assert done.code == 2
    assert problem in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_validate_tells_what_bulk_cannot_heed(tmp_path: Path, command: Command) -> None:
    """The definition is valid, and pupline run uses it."""
    rule = {"Variable": "$.labels", "IsPresent": True, "Next": "ExtensionAlert"}
    done = command("validate", written(tmp_path / "mine.json", edited(rule)))
    assert done.code == 0
    assert "pupline ingest cannot" in done.stderr
    assert "$.labels" in command("validate", tmp_path / "mine.json", "--json").rows[0]["not_for_bulk"]


def test_a_project_of_another_user_is_none(project: Path, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anyone may write a pupline.toml into /tmp; it must not decide what others run."""
    real = Path.stat

    def of_another(self: Path, **options: Any) -> os.stat_result:
        found = real(self, **options)
        fields = list(found)
        if self.name == "pupline.toml":
            fields[stat.ST_UID] = os.getuid() + 1
        return os.stat_result(fields)

    monkeypatch.setattr(Path, "stat", of_another)
    assert str(project) not in command("validate").stdout


def test_a_projects_file_has_to_name_a_workflow(project: Path, command: Command) -> None:
    """What is wrong, and what to write."""
    (project / "pupline.toml").write_text("workflow = 3\n")
    assert "name the workflow's file, such as workflow = \"statemachine/" in command("validate").stderr
    (project / "pupline.toml").write_text("workflow = \n")
    assert "cannot be read as TOML" in command("run", "--source", "sample").stderr
    assert command("doctor", "--source", "sample").code == 1


@pytest.mark.slow
def test_a_project_can_be_deployed(project: Path, command: Command) -> None:
    """With the template, the settings of sam, and the functions' code as sam builds it: with the project's workflow."""
    assert command("init", "--aws").code == 0
    assert command("init", "--aws").code == 2
    documented_webp(project / "statemachine" / "dog_uploader_pipeline.asl.json")
    packaged = command("package")
    assert packaged.code == 0
    assert "sam deploy does not read build/package; for SAM: sam build, then sam deploy" in packaged.stderr
    template = (project / "template.yaml").read_text()
    for named in re.findall(r"(?:CodeUri|DefinitionS3Location): (\S+)", template):
        assert (project / named).exists()
    packed = project / "build" / "package" / "IngestBatch" / "pupline" / "statemachine"
    assert "WebPAlert" in (packed / "dog_uploader_pipeline.asl.json").read_text()
