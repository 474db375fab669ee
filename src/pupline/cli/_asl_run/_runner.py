"""Running the cases of a machine, one after another."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.asl import (
    Answers,
    AnswersUsedUp,
    Coverage,
    InvalidExecutionInput,
    MockCase,
    NothingAnswers,
    Result,
    Unexpected,
    execute,
    path_of,
    unanswered,
)
from pupline.cli._asl_run._functions import Functions, output_on_stderr
from pupline.cli._asl_run._pace import Pacing
from pupline.cli._asl_run._target import Target
from pupline.errors import ConfigurationError
from pupline.text import printable

_SHOWN = 5
_HOW = "answers come from --function NAME=module:callable and --mocks FILE"


@dataclass(frozen=True)
class Outcome:
    """The end of one case. result: None where it was refused, for the reason `refusal`."""

    case: MockCase
    result: Result | None
    refusal: str = ""
    mismatches: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether the execution succeeded, or ended as the case expects."""
        if self.result is None or self.mismatches:
            return False
        return self.case.expect is not None or self.result.status == "SUCCEEDED"


@dataclass
class Runner:
    """Runs cases of one machine, and counts what they cover. given_input: for cases without an input of their own."""

    target: Target
    functions: Functions
    given_input: Any
    context: dict[str, Any] | None
    name: str | None
    pacing: Pacing
    coverage: Coverage = field(init=False)

    def __post_init__(self) -> None:
        self.coverage = Coverage(self.target.machine)

    def run(self, case: MockCase) -> Outcome:
        """Run a case. It is refused when an answer is missing: before the start, or when the state is reached.

        A case with a name is a path through the machine, so that states off the path need no answer.
        """
        states = {**self.functions.states, **case.states}
        options: dict[str, Any] = {"tasks": self.functions.tasks, "states": states, "context": self.context}
        if self.pacing.scale is not None:
            options |= {"wait": self.pacing.wait, "start": time.time()}
        if case.name:
            options["default"] = Unexpected()
        else:
            self._refuse_unanswered(states)
        try:
            with output_on_stderr():
                result = execute(
                    self.target.machine,
                    case.input if case.has_input else self.given_input,
                    name=self.name or case.name or "run",
                    **options,
                )
        except (NothingAnswers, AnswersUsedUp) as error:
            return Outcome(case, None, f"{error} ({_HOW})")
        except ConfigurationError as error:  # it waits for an answer that never comes
            return Outcome(case, None, str(error))
        except InvalidExecutionInput as error:
            source = f"case {printable(case.name)}, Input" if case.has_input else "--input"
            raise ConfigurationError(f"{source}: {printable(str(error), 500)}") from error
        self.coverage.add(result)
        found = case.expect.mismatches(result, path_of(result.history)) if case.expect is not None else ()
        return Outcome(case, result, mismatches=found)

    def _refuse_unanswered(self, states: dict[str, Any]) -> None:
        found = unanswered(self.target.machine, Answers(tasks=self.functions.tasks, states=states))
        if not found:
            return
        shown = [f"'{printable(each.state)}' (as {printable(' or '.join(each.keys), 400)})" for each in found[:_SHOWN]]
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConfigurationError(
            f"{self.target.file}: nothing answers {'state' if len(found) == 1 else 'states'} {', '.join(shown)}{more}; "
            f"{_HOW}, which --mocks-init writes"
        )
