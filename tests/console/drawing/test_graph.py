"""The graph of a state machine: everything in it once, nothing on top of another, and nothing unescaped."""

import time
from collections.abc import Mapping
from itertools import pairwise
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import StateMachine, StateVisits, Throw, execute
from pupline.console.drawing import Graph, state_graph

SVG = "{http://www.w3.org/2000/svg}"
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"}


def parsed(graph: Graph) -> ElementTree.Element:
    """The drawing, which is well-formed and without styles or scripts."""
    found = ElementTree.fromstring(str(graph.svg))  # noqa: S314 - our own text
    for element in found.iter():
        assert element.tag.removeprefix(SVG) in {"svg", "g", "a", "rect", "path", "text", "title", "circle"}
        assert not {name for name in element.attrib if name == "style" or name.startswith("on")}
    return found


def drawn(graph: Graph) -> list[str]:
    """The names of the states in the drawing."""
    return [link.attrib["data-state"] for link in parsed(graph).iter(f"{SVG}a")]


def frames(graph: Graph) -> list[tuple[float, float, float, float]]:
    """(left, top, right, bottom) of each state's frame."""
    found = [link.find(f"{SVG}rect") for link in parsed(graph).iter(f"{SVG}a")]
    numbers = [[float(one.attrib[key]) for key in ("x", "y", "width", "height")] for one in found if one is not None]
    return [(x, y, x + width, y + height) for x, y, width, height in numbers]


def overlap(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    """Whether two frames have an area in common."""
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


LETTERS = "abcXYZ<>&'\"/ \x00\x1b\u202e\ud800\u4e2d\U0001f436"


def name(random: Random) -> str:
    """A name of any letters."""
    return "".join(random.choices(LETTERS, k=random.randrange(1, 12)))


def machine_from(random: Random, depth: int = 2, prefix: str = "") -> dict[str, Any]:
    """A definition with any transitions, which a validator might not accept."""
    names = [f"{prefix}{number}{name(random)}" for number in range(random.randrange(1, 8))]
    states: dict[str, Any] = {}
    for number, one in enumerate(names):
        kind = random.choice(["Task", "Pass", "Choice", "Fail", "Succeed", "Wait", "Map", "Parallel"])
        targets = [*names, "nowhere"]
        state: dict[str, Any] = {"Type": kind}
        if kind == "Choice":
            rules = [{"Condition": name(random), "Next": random.choice(targets)} for _ in range(random.randrange(4))]
            state |= {"Choices": rules, "Default": random.choice(targets)}
        elif random.random() < 0.7:
            state["Next"] = random.choice(targets)
        else:
            state["End"] = True
        if random.random() < 0.4:
            state["Catch"] = [{"ErrorEquals": [name(random)], "Next": random.choice(targets)}]
        if depth and kind == "Map":
            state["ItemProcessor"] = machine_from(random, depth - 1, f"{prefix}{number}.")
        if depth and kind == "Parallel":
            parts = range(random.randrange(4))
            state["Branches"] = [machine_from(random, depth - 1, f"{prefix}{number}.{part}.") for part in parts]
        states[one] = state
    return {"StartAt": random.choice(names), "States": states}


machines = st.integers(0, 2**32).map(lambda seed: machine_from(Random(seed)))  # a strategy for each value takes minutes


def names_in(machine: Mapping[str, Any]) -> list[str]:
    """All states of a definition."""
    found = list(machine["States"])
    for state in machine["States"].values():
        for part in [*state.get("Branches", ()), *([state["ItemProcessor"]] if "ItemProcessor" in state else [])]:
            found += names_in(part)
    return found


@pytest.mark.slow
@given(machines)
@settings(max_examples=25, deadline=None)
def test_any_machine_is_drawn_whole(machine: dict[str, Any]) -> None:
    """Every state is there once, in the drawing and in the list, and no frame covers another."""
    graph = state_graph(machine)
    places = frames(graph)
    assert len(places) == len(names_in(machine))
    assert len(set(drawn(graph))) == len(places)
    for number, first in enumerate(places):
        assert not any(overlap(first, second) for second in places[number + 1 :])
    listed = ElementTree.fromstring(str(graph.text))  # noqa: S314 - our own text
    assert len(list(listed.iter("a"))) == len(places)
    assert str(state_graph(machine).svg) == str(graph.svg)


@pytest.mark.slow
@given(machines)
@settings(max_examples=15, deadline=None)
def test_lines_pass_no_state(machine: dict[str, Any]) -> None:
    """A line touches states only at its ends."""
    graph = state_graph(machine)
    leaves = [place for place in frames(graph) if place[3] - place[1] < 80]
    for path in parsed(graph).iter(f"{SVG}path"):
        if path.attrib.get("class") == "edge-line":
            points = corners(path.attrib["d"])
            for start, end in pairwise(points):
                box = (min(start[0], end[0]), min(start[1], end[1]), max(start[0], end[0]), max(start[1], end[1]))
                for left, top, right, bottom in leaves:
                    assert not overlap(box, (left + 1, top + 1, right - 1, bottom - 1))


def corners(data: str) -> list[tuple[float, float]]:
    """The points of a path of M, L and Q."""
    points = []
    for part in data.replace("L", "|").replace("Q", "|").removeprefix("M").split("|"):
        numbers = [float(one) for one in part.split()]
        points += list(zip(numbers[::2], numbers[1::2], strict=True))
    return points


@pytest.mark.parametrize("value", [None, 3, [], {}, {"States": 5}, {"States": {"A": None, "B": {"Next": ["x"]}}}])
def test_what_is_no_definition_is_drawn_as_far_as_it_goes(value: Any) -> None:
    """Definitions come from outside: anything that is not a state is left out."""
    assert drawn(state_graph(value if isinstance(value, dict) else {"States": value})) in ([], ["B"])


def test_text_from_outside_is_escaped() -> None:
    """Names, rules and links are shown as text; control and bidirectional characters as escapes."""
    name = '"><script>alert(1)</script>\u202e\x1b'
    choice = {"Type": "Choice", "Choices": [{"Condition": "{% '<b>' %}", "Next": name}], "Default": name}
    graph = state_graph({"StartAt": "A", "States": {"A": choice, name: {"Type": "Fail"}}}, selected=name)
    for text in (str(graph.svg), str(graph.text)):
        assert "<script" not in text
        assert "<b>" not in text
        assert "\\u202e" in text
        assert "\x1b" not in text
    marked = [link.attrib["href"] for link in parsed(graph).iter(f"{SVG}a") if "aria-current" in link.attrib]
    assert marked == ["?state=%22%3E%3Cscript%3Ealert%281%29%3C%2Fscript%3E%E2%80%AE%1B"]


def test_how_an_execution_went() -> None:
    """States have their status, also in words; what was not taken is not marked as taken."""
    each = {"StartAt": "Fetch", "States": {"Fetch": {**TASK, "Parameters": {"FunctionName": "f"}, "End": True}}}
    machine = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemProcessor": each,
                "MaxConcurrency": 1,
                "Catch": [{"ErrorEquals": ["Bad"], "Next": "Handle"}],
                "Next": "Never",
            },
            "Handle": {"Type": "Pass", "End": True},
            "Never": {"Type": "Succeed"},
        },
    }
    result = execute(StateMachine.parse(machine), [1, 2, 3], states={"Fetch": [1, Throw("Bad")]}, name="e")
    graph = state_graph(machine, StateVisits(result.history, machine))
    links = {link.attrib["data-state"]: link.attrib for link in parsed(graph).iter(f"{SVG}a")}
    assert "is-caught" in links["Each"]["class"]
    assert links["Each"]["aria-label"] == ("Each, Map, caught, 1 of 3 succeeded, 1 of 3 failed, 1 of 3 pending")
    assert links["Fetch"]["aria-label"] == "Fetch, Lambda invoke, failed, 2 visits, 1 succeeded, 1 failed"
    assert "is-not-entered" in links["Never"]["class"]
    assert "Handle (Catch Bad), taken" in str(graph.text)
    assert "Never, taken" not in str(graph.text)


@pytest.mark.slow
def test_large_machines_take_bounded_time() -> None:
    """A handler that 600 states lead to is one line, and any transitions between 300 states are drawn in time."""
    chain = {f"S{n}": {**TASK, "Next": f"S{n + 1}", "Catch": [{"ErrorEquals": ["E"], "Next": "H"}]} for n in range(600)}
    states = {**chain, "S600": {"Type": "Succeed"}, "H": {"Type": "Fail"}}
    started = time.process_time()
    graph = state_graph({"StartAt": "S0", "States": states})
    assert len(drawn(graph)) == 602
    assert len(str(graph.svg)) < 1_000_000
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("Short", ["Short"]),
        ("LogFailureToDynamoDB", ["LogFailureTo", "DynamoDB"]),
        ("Wait before next Map Run", ["Wait before next", "Map Run"]),
        ("a" * 50, ["a" * 18, "aaaaaaaaaaaa…aaaaa"]),
    ],
)
def test_long_names_have_two_lines(name: str, lines: list[str]) -> None:
    """A name is cut between words; the whole is in the title."""
    graph = state_graph({"StartAt": name, "States": {name: {"Type": "Succeed"}}})
    texts = [text.text for text in parsed(graph).iter(f"{SVG}text") if text.attrib["class"] == "state-name"]
    assert texts == lines
    assert name in str(graph.svg)
