"""`sam build` makes the packages that pupline stages: in a fresh clone, and in a project."""

import subprocess
import sys
from pathlib import Path

import pytest

from pupline import packaging
from tests.aws import aws_sam
from tests.aws.aws_sam import make, sam, tree
from tests.aws.aws_stack import local_aws
from tests.cli.conftest import pupline
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.slow, pytest.mark.aws, needs(aws_sam.missing())]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone after `sam build`, with no more than a Python."""
    directory = aws_sam.clone(tmp_path_factory.mktemp("clone with spaces"))
    done = sam(directory, "build", PATH=aws_sam.plain_python(tmp_path_factory.mktemp("python")))
    assert done.returncode == 0, done.stderr
    return directory


def test_sam_build_makes_what_pupline_package_stages(clone: Path, tmp_path: Path) -> None:
    """File by file, for each function of the template."""
    for name in packaging.FUNCTIONS:
        packaging.stage(name, tmp_path)
        assert tree(clone / ".aws-sam" / "build" / name) == tree(tmp_path / name)


@pytest.mark.long
@needs(local_aws.missing())
def test_the_steps_of_the_example_pipeline_work(clone: Path) -> None:
    """Deployment and smoke test of examples/github-actions, with its scripts, on the local AWS."""
    (clone / ".venv").symlink_to(aws_sam.ROOT / ".venv")
    command = [".venv/bin/python", "-m", "tools.on_local_aws", "bash", "examples/github-actions/try.sh"]
    environment = aws_sam.variables_of(clone, None)
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 images: 3 stored" in done.stdout


def test_a_build_that_cannot_work_says_why(clone: Path, tmp_path: Path) -> None:
    """Rules that IngestBatch could not evaluate, a Python that is too old, a function of the user's: what to do."""
    workflow = clone / "statemachine" / "dog_uploader_pipeline.asl.json"
    good = workflow.read_text()
    workflow.write_text("{}")
    refused = sam(clone, "build", "AlertPNG")
    workflow.write_text(good)
    assert refused.returncode == 1
    assert f"{workflow}: " in refused.stderr
    old = tmp_path / "old"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for name, python, problem in (
        ("AlertPNG", str(old), "pupline needs Python 3.11 or newer; try: PYTHON=python3.12 sam build"),
        ("Resize", sys.executable, "Resize is not one of the functions FetchAndUploadDogImage, "),
    ):
        done = make(clone, name, tmp_path / "none", PYTHON=python)
        assert done.returncode
        assert problem in done.stderr
    assert not (tmp_path / "none").exists()


def test_a_project_is_built_with_the_installed_pupline(tmp_path: Path) -> None:
    """Its workflow and its specs, as `pupline package` stages them; without pupline on the PATH, what to do."""
    project = tmp_path / "dogs"
    assert pupline("init", "--aws", project).code == 0
    workflow = project / "statemachine" / "dog_uploader_pipeline.asl.json"
    workflow.write_text(workflow.read_text() + "\n")
    for staged in packaging.stage_all(tmp_path / "staged", packaging.own_specs(project), workflow):
        done = make(project, staged.name, tmp_path / staged.name, PUPLINE=str(Path(sys.executable).parent / "pupline"))
        assert done.returncode == 0, done.stderr
        assert tree(tmp_path / staged.name) == tree(tmp_path / "staged" / staged.name)
    assert "my-source.toml" in tree(tmp_path / "FetchAndUploadDogImage")
    refused = make(project, "AlertPNG", tmp_path / "none", PATH=aws_sam.PROGRAMS)
    assert refused.returncode
    assert "activate the environment that pupline is installed in" in refused.stderr
