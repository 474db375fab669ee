"""The files that a code host and git read agree with the project."""

import re
import tomllib
from pathlib import Path

import pytest

from pupline import __version__
from tests.conftest import FAST_LANE, MARKED_FILE, SLOW_MARKERS
from tools.commit_subject import problems
from tools.mutation import __main__ as mutation

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize(
    "subject",
    [
        "Deduplicate the failing-outcome constants",
        "Process images in batches",
        "Need a key",
        "X" * 72,
        'Revert "Added a thing"',
        "fixup! added",
    ],
)
def test_an_imperative_subject_passes(subject: str) -> None:
    """A subject that is a command of at most 72 characters has no problem, nor has one that git writes itself."""
    assert problems(subject) == []


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("Added a thing", "not imperative"),
        ("Adds a thing", "not imperative"),
        ("Adding a thing", "not imperative"),
        ("add a thing", "capital letter"),
        ("Add a thing.", "full stop"),
        ("X" * 73, "73 characters"),
        ("", "capital letter"),
    ],
)
def test_any_other_subject_is_named(subject: str, said: str) -> None:
    """What is wrong with a subject is said, once."""
    (problem,) = problems(subject)
    assert said in problem


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_to_commits(workflow: Path) -> None:
    """A tag can be moved to other code; a commit cannot."""
    uses = re.findall(r"uses: (\S+)", workflow.read_text())
    assert uses
    assert [use for use in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", use)] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_call_targets_that_exist(workflow: Path) -> None:
    """A step runs a make target or a script of the project, so that everybody can run it."""
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for run in re.findall(r"run: (.+)", workflow.read_text()):
        if match := re.match(r"make ([\w-]+)", run):
            assert match[1] in targets
        elif match := re.match(r"python3 -m tools\.(\w+)", run):
            assert (ROOT / "tools" / f"{match[1]}.py").is_file()
        else:
            assert (ROOT / run).is_file(), run


def test_the_current_version_is_supported_and_described() -> None:
    """SECURITY.md supports the version that the package has, and CHANGELOG.md says what is in it."""
    minor = ".".join(__version__.split(".")[:2])
    assert f"| {minor}.x | yes |" in (ROOT / "SECURITY.md").read_text()
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_fast_lane_leaves_out_every_marker_of_slow_tests() -> None:
    """A test with the marker long alone would take minutes of it. The same words stand in three files."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    known = {marker.partition(":")[0] for marker in options["markers"]} - {"no_cover"}
    assert set(SLOW_MARKERS) == known
    assert set(re.findall(r"\w+", FAST_LANE)) == known | {"not", "or"}
    assert FAST_LANE in options["addopts"]
    assert mutation.FAST_LANE == FAST_LANE


@pytest.mark.parametrize(
    ("text", "is_left_out"),
    [
        ("pytestmark = pytest.mark.slow\n", True),
        ("import x\n\npytestmark = [\n    pytest.mark.long,\n    needs(y),\n]\n", True),
        ("pytestmark = pytest.mark.filterwarnings('ignore')\n", False),
        ("@pytest.mark.slow\ndef test_one() -> None: ...\n", False),
    ],
)
def test_a_file_is_left_out_where_all_its_tests_have_such_a_marker(text: str, is_left_out: bool) -> None:
    """It is not even imported by the fast lane."""
    assert bool(MARKED_FILE.search(text)) is is_left_out
