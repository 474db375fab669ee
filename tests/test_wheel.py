"""The wheel works where there is no clone: installed as a user installs it, run in an empty directory."""

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    out = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (built,) = out.glob("*.whl")
    return built


def test_the_wheel_holds_the_package_the_workflows_and_its_metadata(wheel: Path) -> None:
    """Nothing but the package is in it, with the workflows and what an index shows."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (archive.read(name).decode() for name in names if name.endswith(".dist-info/METADATA"))
    tops = {name.partition("/")[0] for name in names}
    assert sorted(tops) == ["pupline", next(top for top in tops if top.endswith(".dist-info"))]
    workflows = {f"pupline/statemachine/{path.name}" for path in (ROOT / "statemachine").glob("*.json")}
    assert workflows
    assert workflows <= set(names)
    assert "pupline/py.typed" in names
    for field in ("Author", "Keywords", "License-Expression", "Requires-Python", "Summary"):
        assert f"\n{field}: " in metadata


@pytest.mark.long
def test_the_installed_command_runs_the_workflow(wheel: Path, tmp_path: Path) -> None:
    """Installed into a new environment, `pupline run` finds its workflow and stores three sample images."""
    venv.create(tmp_path / "venv", with_pip=True)
    programs = tmp_path / "venv" / "bin"
    install: list[str | Path] = [programs / "python", "-m", "pip", "install", "--no-index", "--no-deps", wheel]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    (packages,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    # The dependencies are those of the tests: files named in a .pth file there, such as that of an editable
    # installation, do not count here.
    dependencies = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "dependencies.pth").write_text("\n".join(dependencies))

    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PUPLINE"))}
    run: list[str | Path] = [programs / "pupline", "run", "--source", "sample", "--count", "3", "--json"]
    done = subprocess.run(run, cwd=empty, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["status"] for line in done.stdout.splitlines()] == ["SUCCEEDED"] * 3
    where: list[str | Path] = [programs / "python", "-c", "import pupline; print(pupline.__file__)"]
    found = subprocess.run(where, cwd=empty, env=environment, capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(packages)
