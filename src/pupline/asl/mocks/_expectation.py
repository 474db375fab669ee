"""What a case expects of its execution, and how an execution differs from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pupline.asl.driver import Result
from pupline.asl.mocks._answers import problem, refuse_others
from pupline.json_values import AnyJSON, dumps
from pupline.text import printable

_STATUSES = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
_FIELDS = ("Status", "Output", "Error", "Cause", "Path")


@dataclass(frozen=True, slots=True)
class Expectation:
    """fields: of Status, Output, Error, Cause and Path (the names of the states, as entered), those that are given.

    Without a Status, an Error or a Cause expects an execution that has failed, and everything else one that succeeded.
    """

    fields: Mapping[str, AnyJSON]

    @classmethod
    def read(cls, value: AnyJSON, where: str) -> Expectation:
        """The expectation in a file of mocks. Raises: ConfigurationError."""
        refuse_others(value, _FIELDS, where, 'an object such as {"Status": "SUCCEEDED", "Output": ...}')
        if value.get("Status", "FAILED") not in _STATUSES:
            raise problem(where, f"Status must be one of {', '.join(_STATUSES)}")
        for name in ("Error", "Cause"):
            if not isinstance(value.get(name), str | None):
                raise problem(where, f"{name} must be a string")
        path = value.get("Path", [])
        if not isinstance(path, list) or not all(isinstance(name, str) for name in path):
            raise problem(where, "Path must be an array of state names")
        return cls(dict(value))

    @property
    def status(self) -> str:
        """The status that the execution must end with."""
        fails = "Error" in self.fields or "Cause" in self.fields
        return str(self.fields.get("Status", "FAILED" if fails else "SUCCEEDED"))

    def mismatches(self, result: Result, path: Sequence[str]) -> list[str]:
        """One line for each field in which the execution differs."""
        return list(self._mismatches(result, path))

    def _mismatches(self, result: Result, path: Sequence[str]) -> Iterator[str]:
        fields = self.fields
        if result.status != self.status:
            failure = f" ({printable(result.error)})" if result.error else ""
            yield f"Status is {result.status}{failure}, expected {self.status}"
        for name, found in (("Output", result.output), ("Error", result.error), ("Cause", result.cause)):
            if name in fields and not _is_same(found, fields[name]):
                yield f"{name} {_difference(found, fields[name])}"
        if "Path" in fields and list(path) != fields["Path"]:
            yield f"Path is {_names(path)}, expected {_names(fields['Path'])}"


def _is_same(found: AnyJSON, expected: AnyJSON) -> bool:
    """Whether two JSON values are the same: 1 is 1.0, and true is not 1."""
    if isinstance(found, bool) or isinstance(expected, bool):
        return found is expected
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        return found.keys() == expected.keys() and all(_is_same(found[key], expected[key]) for key in found)
    if isinstance(found, list) and isinstance(expected, list):
        return len(found) == len(expected) and all(map(_is_same, found, expected))
    return bool(found == expected)


def _difference(found: AnyJSON, expected: AnyJSON, path: str = "") -> str:
    """`is 1, expected 2`, of the first place where two values differ."""
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for key in [*expected, *(key for key in found if key not in expected)]:
            if key not in found:
                return f"{path} has no {printable(key)!r}, expected {_short(expected[key])}".strip()
            if key not in expected:
                return f"{path} has {printable(key)!r}, which is not expected".strip()
            if not _is_same(found[key], expected[key]):
                return _difference(found[key], expected[key], f"{path}.{printable(key)}")
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for number, pair in enumerate(zip(found, expected, strict=True)):
            if not _is_same(*pair):
                return _difference(*pair, f"{path}[{number}]")
    return f"{path} is {_short(found)}, expected {_short(expected)}".strip()


def _short(value: AnyJSON) -> str:
    return printable(dumps(value), 120)


def _names(path: Sequence[str]) -> str:
    return printable(" -> ".join(path), 1000) or "empty"
