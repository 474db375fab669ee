"""Definitions in JSON and YAML: values, positions, placeholders, and what is refused."""

import json
from pathlib import Path

import pytest

from pupline.definitions import LoadedDefinition, UnreadableDefinition, load_definition, load_definitions
from pupline.errors import ConfigurationError

JSON = """{
  "StartAt": "A",
  "States": {
    "A": {"Type": "Map", "MaxConcurrency": ${n}, "Label": "${lookup(a, "b")}-x", "End": true},
    "B C": {"Type": "Wait", "Seconds": 5}
  }
}"""


def loaded(tmp_path: Path, text: str, name: str = "machine.asl.json", **values: str) -> LoadedDefinition:
    """The definition in a file with this text."""
    file = tmp_path / name
    file.write_text(text)
    return load_definition(file, values)


def test_a_placeholder_may_stand_without_quotes(tmp_path: Path) -> None:
    """And with quotes inside; it stays a text where nobody gives a value."""
    found = loaded(tmp_path, JSON)
    assert found.definition["States"]["A"]["MaxConcurrency"] == "${n}"
    assert type(found.definition["States"]["A"]["MaxConcurrency"]) is str
    assert found.definition["States"]["A"]["Label"] == '${lookup(a, "b")}-x'
    assert found.placeholders == ("n", 'lookup(a, "b")')


@pytest.mark.parametrize(("value", "is_read_as"), [("4", 4), ("true", True), ('{"a": 1}', {"a": 1}), ("four", "four")])
@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_a_value_without_quotes_is_read_as_json(tmp_path: Path, value: str, is_read_as: object, name: str) -> None:
    """One in quotes is a text, as AWS makes of it."""
    text = '{"StartAt": ${n}, "Comment": "${n}"}' if name == "a.json" else 'StartAt: ${n}\nComment: "${n}"'
    found = loaded(tmp_path, text, name, n=value)
    assert found.definition == {"StartAt": is_read_as, "Comment": value}
    assert found.placeholders == ()


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("$.StartAt", (2, 14)),
        ("$.States.A", (4, 5)),
        ("$.States.A.End", (4, 89)),
        ("$.States.A.Nope", (4, 5)),
        ("$.States['B C'].Seconds", (5, 40)),
        ("$.States['B C']", (5, 5)),
    ],
)
def test_every_path_has_a_position_in_json(tmp_path: Path, path: str, position: tuple[int, int]) -> None:
    """At the key of an object, at any other value itself; a path that does not exist is where its object is."""
    assert loaded(tmp_path, JSON).position(path) == position


YAML = """\
StartAt: A
Defaults: &defaults {Type: Pass, End: true}
States:
  A:
    <<: *defaults
    Type: Wait
  B: *defaults
  C: [on, yes, 012, 2026-01-31, 1_000, 1:30, 0x1F, .inf]
  D: [1, -2.5e3, true, null, ~, "1", 'true', !!str 5]
  E: !Sub "${A}"
  F: !GetAtt Function.Arn
"""


def test_yaml_is_read_as_its_author_meant_it(tmp_path: Path) -> None:
    """Scalars as in JSON; merge keys; CloudFormation's tags as functions."""
    states = loaded(tmp_path, YAML, "a.yaml").definition["States"]
    assert states["A"] == {"Type": "Wait", "End": True}
    assert states["B"] == {"Type": "Pass", "End": True}
    assert states["C"] == ["on", "yes", "012", "2026-01-31", "1_000", "1:30", "0x1F", ".inf"]
    assert states["D"] == [1, -2500.0, True, None, None, "1", "true", "5"]
    assert states["E"] == {"Fn::Sub": "${A}"}
    assert states["F"] == {"Fn::GetAtt": ["Function", "Arn"]}


@pytest.mark.parametrize(
    ("path", "position"),
    [("$.States.A.Type", (6, 11)), ("$.States.A.End", (2, 39)), ("$.States.B", (7, 3)), ("$.States.D[1]", (9, 10))],
)
def test_every_path_has_a_position_in_yaml(tmp_path: Path, path: str, position: tuple[int, int]) -> None:
    """What is shared by an alias stands where it is written."""
    assert loaded(tmp_path, YAML, "a.yaml").position(path) == position


@pytest.mark.parametrize(
    ("name", "text", "place", "words"),
    [
        ("a.json", '{"a": 1,\n "b" 2}', "2:6", "Expecting ':' delimiter"),
        ("a.json", '{"a": ${n},\n "b" 2, "c": ${m}}', "2:6", "Expecting ':' delimiter"),
        ("a.json", '{"a": ${n}, "b" 2}', "1:17", "Expecting ':' delimiter"),
        ("a.json", '{"a": 1,}', "1:", "comma before"),
        ("a.json", '{"a": [1, ]}', "1:", "comma before"),
        ("a.json", '{"a": 1\n "b": 2}', "2:2", "is a comma missing before it?"),
        ("a.json", '{"a": ${n},\n // b\n "b": 2}', "2:2", "JSON has no comments"),
        ("a.json", '{\n  "a": NaN}', "2:8", "NaN is not JSON"),
        ("a.json", '{"a": ${n,\n "b": 1}', "1:7", "no closing brace"),
        ("a.json", '{"a": %{ if x }1%{ endif }}', "1:7", "render the file first"),
        ("a.json", '{"a": ' * 200_000, "1:", "nested"),
        ("a.json", "", "1:1", "the text is empty"),
        ("a.yaml", "a: [", "1:5", "did not find"),
        ("a.yaml", "a: b: c", "1:5", "mapping values are not allowed"),
        ("a.yaml", "a: \x00", "1:4", "control characters"),
        ("a.yaml", "a: *b", "1:4", "alias *b"),
        ("a.yaml", "a: &a [*a]", "1:8", "alias *a"),
        ("a.yaml", "a: 1\n---\nb: 2", "2:1", "more than one YAML document"),
        ("a.yaml", "- " * 1000, "1:801", "nested"),
        ("a.yaml", "[" * 100_000, "1:401", "nested"),
        ("a.yaml", "a: !!python/object:os.system x", "1:4", "not supported"),
        ("a.yaml", "? [a]\n: b", "1:3", "must be a text"),
        (
            "a.yaml",
            "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [{f'*a{n - 1},' * 9}]" for n in range(1, 9))]),
            "",
            "values",
        ),
        ("a.yaml", "\n".join(["a0: &a0 [1]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 999))]), "", "nested"),
    ],
)
def test_a_broken_text_is_refused_with_its_place(tmp_path: Path, name: str, text: str, place: str, words: str) -> None:
    """One line, with file, line and column."""
    with pytest.raises(UnreadableDefinition, match=words.replace("*", r"\*")) as caught:
        loaded(tmp_path, text, name)
    assert str(caught.value).startswith(f"{tmp_path / name}:{place}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.json", "a.yaml"])
def test_positions_count_characters_and_line_feeds(tmp_path: Path, name: str) -> None:
    """Letters beyond ASCII are one column; what only YAML takes for the end of a line is none."""
    found = loaded(tmp_path, '{"é\U0001f436\u2028": "\u0085",\n "b": {"ü": "x", "c": 1}}', name)
    assert found.position("$.b.c") == (2, 23)
    assert found.position("$.b.c", at_key=True) == (2, 18)


def test_keys_that_occur_twice_are_noted(tmp_path: Path) -> None:
    """The last counts, as for AWS."""
    text = '{"States": {"A": {"End": true, "End": false}}}'
    for name in ("a.json", "a.yaml"):
        found = loaded(tmp_path, text, name)
        assert found.definition == {"States": {"A": {"End": False}}}
        assert found.repeated == (("States", "A", "End"),)


def test_json_is_json_whatever_is_in_its_texts(tmp_path: Path) -> None:
    """Text that is valid JSON is never taken for a template."""
    value = {"StartAt": "${a", "b": "%{ if", "c": '"}${"', "d": "\ufdd0"}
    assert loaded(tmp_path, json.dumps(value)).definition == value


@pytest.mark.parametrize("name", ["a.asl.json", "a.asl.yaml"])
def test_a_text_longer_than_any_definition_is_refused_before_it_is_read(tmp_path: Path, name: str) -> None:
    """Positions in tens of megabytes would take minutes."""
    file = tmp_path / name
    file.write_text('{"Comment": "' + "x" * 4 * 1024 * 1024 + '"}')
    with pytest.raises(UnreadableDefinition, match="4,194,319 characters; the limit is 4,194,304"):
        load_definition(file)


@pytest.mark.parametrize("name", ["a" * 5000, "a" * 5000 + "#M"])
def test_a_name_that_no_system_takes_is_a_file_that_cannot_be_read(name: str) -> None:
    """As a shell makes it of a text that was meant for another option."""
    with pytest.raises(ConfigurationError, match="cannot be read: File name too long"):
        list(load_definitions([name]))
