"""Every command in the documentation works as written.

Commands stand in `sh` blocks, one a line. They run in order, file by file, in a copy of what a user would have: the
working directory is a fresh one with the project's files linked into it. A block under `<!-- needs: ... -->` needs what
no test has (the internet, an AWS account): of its commands only the names and options are checked. A `text` block that
follows an `sh` block is what its last command prints on stdout; `...` stands for anything, and spaces for any spaces.
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("README.md"),
    ]
)
BLOCK = re.compile(
    r"(?:<!-- (?:needs|tour): (?P<needs>[^>]+) -->\n)?```sh\n(?P<body>.*?)```(?:\n\n```text\n(?P<output>.*?)```)?",
    re.DOTALL,
)
LINKED = ["statemachine", "src", "ingest_dog.py", "examples", "events", "template.yaml", "pyproject.toml"]


@dataclass(frozen=True)
class Documented:
    """One command line of one document."""

    line: str
    needs: str | None
    output: str | None = None

    @property
    def words(self) -> list[str]:
        """The command's words, as a shell would split them, comments dropped."""
        return shlex.split(self.line, comments=True)


def commands_of(document: Path) -> list[Documented]:
    """The command lines of a document, in order."""
    found = []
    for block in BLOCK.finditer(document.read_text()):
        body = block["body"].replace("\\\n", " ")
        *others, last = [line.strip() for line in body.splitlines() if line.strip()]
        found += [Documented(line, block["needs"]) for line in others]
        found.append(Documented(last, block["needs"], block["output"]))
    return found


def make_targets() -> set[str]:
    """The targets of the Makefile and of what it includes."""
    text = "".join(path.read_text() for path in [ROOT / "Makefile", *ROOT.glob("*.mk")])
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def check_names(words: list[str]) -> None:
    """Fail unless the command, its subcommand and all its options exist."""
    if words[0] == "make":
        assert set(words[1:]) <= make_targets(), words
    elif words[0] == "pupline":
        command = words[1:3] if words[1] == "asl" else words[1:2]
        shown = run_command(["pupline", *command, "--help"], Path.cwd()).stdout
        for option in [word.split("=")[0] for word in words if word.startswith("--")]:
            assert option in shown, f"{option} is not an option of pupline {shlex.join(command)}"


def run_command(words: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    """Run one command with the interpreter of the tests. Exit codes 0 and 1 (some failed) are results."""
    python = Path(sys.executable)
    programs = {"pupline": [str(python.parent / "pupline")], "python": [str(python)]}
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PUPLINE_DATA"},
        "PATH": f"{python.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    done = subprocess.run(
        programs[words[0]] + words[1:],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode in {0, 1}, f"{shlex.join(words)} exited {done.returncode}: {done.stderr}"
    assert "Traceback" not in done.stderr
    return done


def matches(documented: str, printed: str) -> bool:
    """Whether a command printed what its document shows. The rules under the heads of tables need not be shown."""
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    without_rules = re.sub(r"^\s*─+\n", "", printed, flags=re.MULTILINE)
    return doctest.OutputChecker().check_output(documented, without_rules, flags)


@pytest.mark.slow  # all but those of the README are left to `make test-long`
@pytest.mark.parametrize(
    "document",
    [
        pytest.param(path, id=str(path.relative_to(ROOT)), marks=[] if path.name == "README.md" else [pytest.mark.long])
        for path in DOCUMENTS
    ],
)
def test_documented_commands_work(document: Path, tmp_path: Path) -> None:
    """What a document tells the reader to type does what it says, in the order of the document."""
    for name in LINKED:
        if (ROOT / name).exists():
            (tmp_path / name).symlink_to(ROOT / name)
    wrong: list[str] = []
    for command in commands_of(document):
        words = command.words
        if words[0] in {"pupline", "python"} and command.needs is None:
            printed = run_command(words, tmp_path).stdout
            if command.output is not None and not matches(command.output, printed):
                wrong.append(f"{command.line} prints:\n{printed}")
        elif words[0] in {"pupline", "make"}:
            check_names(words)
        else:
            assert command.needs, f"{document.name}: '{command.line}' is run by no test; say what it needs"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A relative link in a document names a file that is there."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", document.read_text()):
        assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_lines_have_at_most_100_columns(document: Path) -> None:
    """Longer lines are hard to read in an editor and in a diff; tables, code and addresses may have them."""
    prose = re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL)
    too_long = [
        line for line in prose.splitlines() if len(line) > 100 and " " in line and not line.startswith(("|", "    "))
    ]
    assert not too_long
