"""Our engine against others: random machines end the same way, but for a list of known differences."""

import json
import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings

from tests.differential.differential_machines import Case, Vocabulary, cases
from tests.differential.interpreters import run_moto, run_node, run_ours, same
from tests.differential.known_differences import DIFFERENCES, MOTO, NODE, Difference
from tools.peers import AwsLocalStepFunctions, Outcome, why_no_node

EXAMPLES = int(os.environ.get("DIFFERENTIAL_EXAMPLES", "0"))
"""How many random machines; by default as many as take a few seconds, and always the same ones."""

Peer = Callable[[Case], Outcome]

# moto lets the branches of a failed Parallel run on in their threads, where they fail in turn.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture(scope="module")
def node() -> Iterator[Peer]:
    """aws-local-stepfunctions, where it is installed."""
    missing = why_no_node()
    if missing:
        pytest.skip(missing)
    with AwsLocalStepFunctions() as process:
        yield lambda case: run_node(case, process)


def vocabulary(peer: str) -> Vocabulary:
    """All words but those of the peer's known differences."""
    words = Vocabulary()
    for difference in DIFFERENCES:
        if difference.peer == peer:
            for part, left_out in difference.left_out.items():
                words = words.without(part, left_out)
    return words


def is_known_ground(peer: str, case: Case, ours: Outcome, history: str) -> bool:
    """Whether the execution came where the peer is known to differ, or where timing decides."""
    evidence = json.dumps(case.definition, ensure_ascii=False) + history
    # Which of several failing branches is the first is up to the threads of the peer.
    if '"Parallel"' in evidence and (ours.status == "FAILED" or "ParallelStateFailed" in evidence):
        return True
    territories = [each.territory for each in DIFFERENCES if each.peer == peer and each.territory]
    return any(all(text in evidence for text in territory) for territory in territories)


def check(peer: str, run: Peer, examples: int) -> None:
    """Random machines end the same way in both, and most of them can be compared."""
    compared = {True: 0, False: 0}

    @settings(
        max_examples=EXAMPLES or examples,
        derandomize=not EXAMPLES,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(cases(vocabulary(peer)))
    def compare(case: Case) -> None:
        ours, history = run_ours(case)
        known = is_known_ground(peer, case, ours, history)
        compared[not known] += 1
        if not known:
            theirs = run(case)
            assert same(ours, theirs), f"ours: {ours}\n{peer}: {theirs}"

    compare()
    assert compared[True] > compared[False], "most random machines went to known ground; widen the vocabulary"


def test_random_machines_end_as_in_moto() -> None:
    """Status, output and Error Name are those of moto's interpreter."""
    check(MOTO, run_moto, 60)


def test_random_machines_end_as_in_aws_local_stepfunctions(node: Peer) -> None:
    """Status, output and Error Name are those of aws-local-stepfunctions."""
    check(NODE, node, 40)


@pytest.mark.parametrize("known", [each for each in DIFFERENCES if each.peer == MOTO], ids=lambda each: each.title)
def test_known_differences_from_moto_are_still_there(known: Difference) -> None:
    """A listed difference shows, as described; one that is gone must leave the list."""
    check_difference(known, run_moto)


@pytest.mark.parametrize("known", [each for each in DIFFERENCES if each.peer == NODE], ids=lambda each: each.title)
def test_known_differences_from_aws_local_stepfunctions_are_still_there(known: Difference, node: Peer) -> None:
    """A listed difference shows, as described; one that is gone must leave the list."""
    check_difference(known, node)


def check_difference(known: Difference, run: Peer) -> None:
    """The peer ends as listed, and ours otherwise."""
    ours, _ = run_ours(known.case)
    theirs = run(known.case)
    assert not same(ours, theirs), f"{known.peer} no longer differs: take '{known.title}' off the list"
    assert same(theirs, known.theirs), f"ours: {ours}\n{known.peer}: {theirs}"
