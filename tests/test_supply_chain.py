"""What pupline is built from and what it ships: pinned, listed, and the same bytes in every build."""

import json
import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pupline import __version__

ROOT = Path(__file__).parents[1]
PINNED = sorted((ROOT / "requirements").glob("*.txt"))
BILL = ROOT / "dist" / "pupline.cdx.json"


def pins(path: Path) -> list[str]:
    """The requirements of a file, each with its hashes on one line."""
    lines = re.sub(r"\\\n\s*", " ", path.read_text()).splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


@pytest.mark.parametrize("path", PINNED, ids=lambda path: path.name)
def test_every_requirement_has_one_version_and_its_hashes(path: Path) -> None:
    """An index that is taken over cannot bring in another file; no file of requirements names an index."""
    assert pins(path)
    form = re.compile(r"[\w.-]+(\[[\w,-]+\])?==[\w.+!-]+( ; [^-]+)?( --hash=sha256:[0-9a-f]{64})+")
    assert [pin for pin in pins(path) if not form.fullmatch(" ".join(pin.split()))] == []
    assert "://" not in path.read_text()


def test_nothing_is_installed_without_hashes() -> None:
    """Each call of pip in a Makefile checks hashes, or installs what was built here without asking an index."""
    makefiles = "".join((ROOT / name).read_text() for name in ("Makefile", "aws.mk"))
    calls = re.findall(r"/pip .*", makefiles)
    assert len(calls) >= 10
    checked = ("$(PINNED)", "--require-hashes", "--no-deps --no-build-isolation --editable .", "--no-index")
    assert [call for call in calls if not any(option in call for option in checked)] == []


@pytest.mark.slow
def test_two_wheels_of_the_same_sources_are_the_same_bytes(tmp_path: Path) -> None:
    """The time, the directory and the umask of a build are not in the wheel, so that anyone can build it again."""
    built_from = ["src", "statemachine", "template.yaml", "*.toml", "README.md", "LICENSE", ".gitignore"]
    files = subprocess.run(["git", "ls-files", *built_from], cwd=ROOT, check=True, capture_output=True, text=True)
    digests = []
    for name, umask, when in (("one", 0o022, 1_000_000_000), ("two", 0o077, 1_700_000_000)):
        clone, out = tmp_path / name, tmp_path / f"{name}-dist"
        for file in files.stdout.splitlines():
            (clone / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, clone / file)
            (clone / file).chmod(0o666 & ~umask)
            os.utime(clone / file, (when, when))
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
        subprocess.run(build, cwd=clone, check=True, capture_output=True, timeout=60, umask=umask)
        (wheel,) = out.glob("*.whl")
        digests.append(sha256(wheel.read_bytes()).hexdigest())
    assert digests[0] == digests[1]


@pytest.mark.long
def test_the_bill_of_materials_lists_what_a_user_gets() -> None:
    """`make sbom` lists the pinned packages of the wheel and its extras, and nothing else."""
    if not BILL.exists():
        pytest.skip("dist/pupline.cdx.json is missing: run make sbom")
    bill = json.loads(BILL.read_text())
    listed = {canonicalize_name(each["name"]): each["version"] for each in bill["components"]}
    wanted = [Requirement(pin.partition(" --hash")[0]) for pin in pins(ROOT / "requirements" / "run.txt")]
    here = {
        canonicalize_name(each.name): str(each.specifier)[2:]
        for each in wanted
        if not each.marker or each.marker.evaluate()
    }
    assert listed == here
    assert all(each.get("licenses") and each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    pupline = bill["metadata"]["component"]
    assert (pupline["name"], pupline.get("version")) == ("pupline", __version__)
    (root,) = (each for each in bill["dependencies"] if each["ref"] == pupline["bom-ref"])
    assert root["dependsOn"]
