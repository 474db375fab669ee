"""A state machine that tests load from a file, run with mocks, and cover."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from pupline.asl import (
    Coverage,
    DefinitionError,
    MockCase,
    Mocks,
    StateMachine,
    Unexpected,
    execute,
    parse_mocks,
)
from pupline.definitions import LoadedDefinition, load_definition, read_document
from pupline.errors import ConfigurationError, PuplineError
from pupline.files import read_input
from pupline.json_values import AnyJSON
from pupline.testing._execution_result import ExecutionResult
from pupline.text import printable

Source: TypeAlias = "str | Path | Mapping[str, Any] | StateMachine"
"""A file, `FILE#Resource`, a definition, or a machine."""

_NOT_GIVEN: Final[Any] = object()


class MachineUnderTest:
    """A state machine, its mocks, and what its executions have covered.

    machine: the engine's. loaded: the file that it is from, None without one. mocks: None without a file of mocks.
    coverage: of all executions that `run` and `run_case` have made, and of those that another machine has started.
    """

    def __init__(
        self,
        machine: StateMachine,
        loaded: LoadedDefinition | None = None,
        mocks: Mocks | None = None,
        coverage: Coverage | None = None,
    ) -> None:
        self.machine = machine
        self.loaded = loaded
        self.mocks = mocks
        self.coverage = Coverage(machine) if coverage is None else coverage

    @property
    def name(self) -> str:
        """The file that the machine is from, or its name."""
        return self.machine.name if self.loaded is None else self.loaded.name

    @property
    def cases(self) -> tuple[str, ...]:
        """The names of the cases of its mocks."""
        return () if self.mocks is None else self.mocks.names

    def run(self, input: AnyJSON = _NOT_GIVEN, *, case: str | None = None, **options: Any) -> ExecutionResult:  # noqa: A002
        """Run an execution.

        input: the case's own by default, or else {}. case: of the mocks. options: those of `pupline.asl.execute`:
        states (over those of the case), tasks, default, machines, name, context, start.
        What has no answer raises NothingAnswers when it is called, unless there is a `default`. `machines` may hold
        other machines under test, which are covered too.
        """
        __tracebackhide__ = True
        found = MockCase("", {}) if case is None else self._case(case)
        if input is _NOT_GIVEN:
            input = found.input if found.has_input else {}  # noqa: A001
        states = {**found.states, **(options.pop("states", None) or {})}
        machines = options.pop("machines", None)
        if machines is not None:
            options["machines"] = {name: _machine_of(each) for name, each in machines.items()}
        options.setdefault("default", Unexpected())
        try:
            result = execute(self.machine, input, states=states, **options)
        except PuplineError as error:
            raise error.with_traceback(None)  # noqa: B904 - the same error, without the frames of the engine
        self.coverage.add(result)
        for nested in result.nested:
            for each in [self, *(machines or {}).values()]:
                if isinstance(each, MachineUnderTest) and each.machine is nested.execution.machine:
                    each.coverage.add(nested)
                    break
        return ExecutionResult(result)

    def run_case(self, name: str, input: AnyJSON = _NOT_GIVEN, **options: Any) -> ExecutionResult:  # noqa: A002
        """Run a case, and assert what it expects: its `Expect`, or without one that the execution succeeds."""
        __tracebackhide__ = True
        result = self.run(input, case=name, **options)
        expect = self._case(name).expect
        if expect is None:
            return result.assert_succeeded()
        problems = expect.mismatches(result.result, result.path)
        if problems:
            raise AssertionError("\n".join([f"case {printable(name)!r}:", *problems, repr(result)]))
        return result

    def _case(self, name: str) -> MockCase:
        if self.mocks is None:
            raise ConfigurationError(f"{printable(self.name)} was loaded without mocks: load it with mocks=FILE")
        return self.mocks.case(name)


def load_machine(
    source: Source,
    *,
    mocks: str | Path | Mapping[str, Any] | None = None,
    substitutions: Mapping[str, str] | None = None,
    type: Literal["STANDARD", "EXPRESS"] | None = None,  # noqa: A002 - the API's word
) -> MachineUnderTest:
    """A machine to test.

    source: a file (JSON, YAML, or a template with one machine), `template.yaml#Resource`, a definition, or a machine.
    mocks: a MockConfigFile.json of Step Functions Local (`FILE#Machine` where it has several that fit), a file in the
    simple form, or the content of one. substitutions: values of placeholders. type: the template's by default.
    Raises: ConfigurationError in one line.
    """
    loaded = None
    if isinstance(source, StateMachine):
        machine = source
    else:
        definition: Any = source
        if isinstance(source, str | Path):
            loaded = load_definition(source, substitutions or {})
            definition, type = loaded.definition, type or loaded.type  # noqa: A001
        machine = _parsed(definition, type or "STANDARD", loaded)
    return MachineUnderTest(machine, loaded, None if mocks is None else _mocks(mocks, machine, loaded))


def mock_cases(source: Source, mocks: str | Path, **options: Any) -> list[str]:
    """The names of the cases in a file of mocks, such as for `pytest.mark.parametrize`. options: of `load_machine`."""
    return list(load_machine(source, mocks=mocks, **options).cases)


def _machine_of(each: MachineUnderTest | StateMachine) -> StateMachine:
    return each.machine if isinstance(each, MachineUnderTest) else each


def _parsed(
    definition: dict[str, Any], machine_type: Literal["STANDARD", "EXPRESS"], loaded: LoadedDefinition | None
) -> StateMachine:
    try:
        return StateMachine.parse(definition, type=machine_type, any_resource=True)
    except DefinitionError as error:
        path, text = error.problems[0]
        where = None if loaded is None else loaded.position(path)
        place = "" if loaded is None else printable(str(loaded.file), 1000)
        place += f":{where.line}:{where.column}: " if where else ": " if place else ""
        if error.unfilled:
            values = ", ".join(f"{printable(name)!r}: ..." for name in error.unfilled)
            text = f"the placeholder needs a value; give substitutions={{{values}}}"
        elif len(error.problems) > 1:
            text = f"{printable(text, 500)} (and {len(error.problems) - 1} more)"
        raise ConfigurationError(f"{place}{printable(path, 400)}: {printable(text, 600)}") from error


def _mocks(mocks: str | Path | Mapping[str, Any], machine: StateMachine, loaded: LoadedDefinition | None) -> Mocks:
    likely = () if loaded is None else (loaded.resource or "", loaded.file.name.partition(".")[0])
    if isinstance(mocks, Mapping):
        return parse_mocks(mocks, machine.definition, likely=likely)
    path, name = Path(mocks), None
    if "#" in str(mocks) and not path.exists():
        text, _, name = str(mocks).rpartition("#")
        path = Path(text)
    return parse_mocks(
        read_document(path).value,
        machine.definition,
        file=printable(str(path), 1000),
        machine=name,
        likely=likely,
        read_file=lambda other: read_input(path.parent / other),
    )
