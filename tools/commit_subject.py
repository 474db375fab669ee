"""Check that the subjects of commits are imperative and at most 72 characters long.

    python -m tools.commit_subject FILE             a commit message, as git's commit-msg hook names it
    python -m tools.commit_subject --range A..B     the subjects of the commits in a range

Prints one line per problem and exits with 1 if there is any.
"""

import argparse
import subprocess
import sys
from pathlib import Path

LONGEST = 72
"""Subjects beyond this are cut by `git log --oneline` in a terminal of 80 columns, and by code hosts."""

AUTOMATIC = ("Merge ", 'Revert "', "fixup! ", "squash! ", "amend! ")
"""Beginnings that git writes itself."""

BASE_FORMS = {"bring", "embed", "exceed", "feed", "need", "ping", "proceed", "seed", "shed", "speed", "string"}
"""Verbs whose base form ends like a past tense or a participle."""


def problems(subject: str) -> list[str]:
    """What is wrong with a subject line; empty if nothing is.

    The mood is judged by the ending of the first word, which catches "Added", "Adds" and "Adding".
    """
    if subject.startswith(AUTOMATIC):
        return []
    found = []
    if len(subject) > LONGEST:
        found.append(f"it has {len(subject)} characters; the limit is {LONGEST}, and the reason belongs in the body")
    if subject.endswith("."):
        found.append("it ends with a full stop")
    first = subject.split(maxsplit=1)[0] if subject.strip() else ""
    if not first[:1].isupper():
        found.append("it does not begin with a capital letter")
    verb = first.lower()
    third_person = verb.endswith("s") and not verb.endswith(("ss", "us"))
    if verb not in BASE_FORMS and (verb.endswith(("ed", "ing")) or third_person):
        found.append(f"{first!r} is not imperative; write it as a command, such as 'Add' or 'Fix'")
    return found


def _subjects(arguments: argparse.Namespace) -> list[str]:
    if arguments.range:
        log = ["git", "log", "--no-merges", "--format=%s", arguments.range]
        return subprocess.run(log, check=True, capture_output=True, text=True).stdout.splitlines()
    lines = [line for line in Path(arguments.file).read_text().splitlines() if not line.startswith("#")]
    return ["\n".join(lines).strip().partition("\n")[0]]


def main() -> int:
    """Check what the arguments name; the exit code."""
    parser = argparse.ArgumentParser(description="Check the subjects of commits.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", help="a file with a commit message")
    what.add_argument("--range", help="commits, such as main..HEAD")
    wrong = [(subject, problem) for subject in _subjects(parser.parse_args()) for problem in problems(subject)]
    for subject, problem in wrong:
        sys.stderr.write(f"commit subject {subject!r}: {problem}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
