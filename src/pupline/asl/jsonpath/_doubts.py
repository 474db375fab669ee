"""What is doubtful in a valid path: AWS selects nothing, fails or refuses it, and its author expects a value."""

from collections.abc import Iterator

from pupline.asl.jsonpath import _syntax as syntax
from pupline.asl.jsonpath._filter_parser import WORDS

_UNKNOWN_OPERATORS = (*WORDS, "===", "!==")


def doubts_of(path: syntax.ParsedPath) -> tuple[str, ...]:
    """Sentences for the author of the path, each with what to write instead."""
    return tuple(_doubts(path))


def _doubts(path: syntax.ParsedPath) -> Iterator[str]:
    last = len(path.steps) - 1
    for at, step in enumerate(path.steps):
        if isinstance(step, syntax.Call):
            instead = "use States.ArrayLength" if step.name in ("length()", "size()") else "use an intrinsic function"
            yield f"'{step.name}' is the name of a field: AWS has no path functions; {instead}"
        elif isinstance(step, (syntax.Index, syntax.Indices)) and min(_positions(step)) < 0:
            yield "AWS finds nothing at a negative index; write [(@.length-1)], or [-1:] for a list of the last element"
        elif isinstance(step, syntax.Slice) and None not in (step.start, step.stop) and _negative(step):
            yield "on AWS a slice counts from the end only with one bound, as in [-2:]; this one selects nothing"
        elif isinstance(step, syntax.Keys) and at < last:
            yield "several names must be the last step of a path; here they fail at run time"
        elif isinstance(step, syntax.Filter):
            yield from _doubts_of_filter(step.test)


def _positions(step: syntax.Index | syntax.Indices) -> tuple[int, ...]:
    return (step.position,) if isinstance(step, syntax.Index) else step.positions


def _negative(step: syntax.Slice) -> bool:
    return min(step.start or 0, step.stop or 0) < 0


def _doubts_of_filter(test: syntax.Condition) -> Iterator[str]:
    if test.operator in _UNKNOWN_OPERATORS:
        yield f"AWS's filters have no operator '{test.operator}'; they have ==, !=, <, <=, >, >=, =~, && and ||"
    for operand in test.operands:
        if isinstance(operand, syntax.Condition):
            yield from _doubts_of_filter(operand)
        elif isinstance(operand, syntax.ParsedPath):
            yield from _doubts(operand)
