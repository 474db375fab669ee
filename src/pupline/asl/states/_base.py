"""What all compiled states share: entering, the data flow around the work, leaving.

A state is compiled once, when its machine is parsed. Fields that the definition leaves out cost nothing at run time:
their slot is None, or the whole step is another method, chosen at compile time.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from pupline.asl._errors import DataLimitExceeded
from pupline.asl._expression import Scope
from pupline.asl._history import entered, exited
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.jsonpath import ReferencePath, compile_path, compile_reference_path, compile_template
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread
    from pupline.asl.states._catch import CatchingState

Evaluate = Callable[[Scope], AnyJSON]

_NESTED = ("Branches", "ItemProcessor", "Iterator")
_RANDOM = re.compile(r"States\.UUID|States\.MathRandom|\$uuid|\$random|\$shuffle")
_JSONATA_CONTEXT = re.compile(r"\$states(?!\.(?:input|result|errorOutput)\b)|\$eval")


def empty_object(_: Scope) -> AnyJSON:
    """What `InputPath: null` and `OutputPath: null` select."""
    return {}


def path_or_none(definition: dict[str, AnyJSON], field: str) -> Evaluate | None:
    """The compiled InputPath or OutputPath; None where it would change nothing."""
    text = definition.get(field, "$")
    if text is None:
        return empty_object
    return None if text == "$" else compile_path(text, field=field).evaluate


def escaped(name: str) -> str:
    """A state name as it stands in command ids."""
    return name.replace("%", "%25").replace("/", "%2F").replace("@", "%40").replace("#", "%23")


class State:
    """One compiled state; the subclasses say what it does.

    next: the state that follows, None at an end. It is filled in when all states of the machine are compiled.
    """

    __slots__ = (
        "assign",
        "entered",
        "exited",
        "jsonata",
        "key",
        "name",
        "needs_context",
        "needs_random",
        "next",
        "output",
        "output_path",
        "result_path",
        "result_selector",
    )

    type: ClassVar[str]
    #: Whether `$$.State.RetryCount` is there.
    counts_retries: ClassVar[bool] = False
    #: Whether `$states.result` is there: what a task, the branches or the iterations gave.
    gives_result: ClassVar[bool] = False

    @property
    def catching(self) -> CatchingState | None:
        """The state itself when it can have Retry and Catch."""
        return None

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        own = dumps({key: value for key, value in definition.items() if key not in _NESTED})
        self.name = name
        self.key = escaped(name)
        self.jsonata = jsonata
        self.needs_context = bool(_JSONATA_CONTEXT.search(own)) if jsonata else "$$" in own
        self.needs_random = bool(_RANDOM.search(own))
        self.next: State | None = None
        self.entered = entered(self.type, name)
        self.exited = exited(self.type, name)
        self.assign = self.compile_assign(definition)
        self.output: Evaluate | None = None
        self.result_selector: Evaluate | None = None
        self.result_path: ReferencePath | bool = True
        self.output_path: Evaluate | None = None
        if jsonata:
            if "Output" in definition:
                self.output = compile_jsonata_value(definition["Output"], location="Output").evaluate
        else:
            self._compile_output(definition)

    def compile_assign(self, definition: dict[str, AnyJSON]) -> Evaluate | None:
        """The compiled Assign of a state, a Choice Rule or a Catcher."""
        if not definition.get("Assign"):
            return None
        if self.jsonata:
            return compile_jsonata_value(definition["Assign"], location="Assign").evaluate
        return compile_template(definition["Assign"], field="Assign").evaluate

    def _compile_output(self, definition: dict[str, AnyJSON]) -> None:
        if "ResultSelector" in definition:
            self.result_selector = compile_template(definition["ResultSelector"], field="ResultSelector").evaluate
        self.result_path = result_path(definition)
        self.output_path = path_or_none(definition, "OutputPath")

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Run the state with `thread.value`; the next state (its input in `thread.value`), or None when the thread
        waits or has ended.

        Raises: EvaluationError; the caller makes the state fail with it.
        """
        raise NotImplementedError

    def again(self, execution: Execution, thread: Thread) -> State | None:
        """Redrive: do the state again, on the same input."""
        thread.value = thread.raw
        return self.enter(execution, thread)

    def note_entered(self, execution: Execution, thread: Thread) -> None:
        """Write ...StateEntered and remember where we are."""
        events = thread.events
        thread.before = thread.last
        events.append((self.entered, thread.last, execution.now, thread.value))
        thread.last = thread.entered = len(events)
        thread.entered_time = execution.now
        thread.raw = thread.value
        thread.state = self

    def scope(self, execution: Execution, thread: Thread, value: AnyJSON) -> Scope:
        """What the state's JSONPath expressions see, `value` being `$`."""
        return Scope(
            value,
            execution.context_of(thread) if self.needs_context else None,
            thread.variables,
            None,
            execution.randomness_of(thread) if self.needs_random else None,
        )

    def jsonata_scope(self, execution: Execution, thread: Thread, **more: AnyJSON) -> Scope:
        """What the state's JSONata expressions see; more: `result` or `errorOutput` of `$states`."""
        states = {"input": thread.raw, **more}
        if self.needs_context:
            states["context"] = execution.context_of(thread)
        randomness = execution.randomness_of(thread) if self.needs_random else None
        return Scope(None, None, thread.variables, states, randomness)

    def leave(self, execution: Execution, thread: Thread, result: AnyJSON) -> State | None:
        """From the result of the work to the next state: ResultSelector, Assign, ResultPath, OutputPath, or Output."""
        assigned = None
        if self.jsonata:
            output = result
            if self.output is not None or self.assign is not None:
                more = {"result": result} if self.gives_result else {}
                scope = self.jsonata_scope(execution, thread, **more)
                if self.assign is not None:
                    assigned = self.assign(scope)
                if self.output is not None:
                    output = self.output(scope)
        else:
            if self.result_selector is not None:
                result = self.result_selector(self.scope(execution, thread, result))
            if self.assign is not None:
                assigned = self.assign(self.scope(execution, thread, result))
            output = self.placed(thread.raw, result)
            if self.output_path is not None:
                output = self.output_path(self.scope(execution, thread, output))
        return self.exit(execution, thread, output, assigned, self.next)

    def placed(self, raw: AnyJSON, result: AnyJSON) -> AnyJSON:
        """The result where ResultPath says, in the raw input."""
        path = self.result_path
        if path is True:
            return result
        return raw if path is False else path.put(raw, result)

    def exit(
        self,
        execution: Execution,
        thread: Thread,
        output: AnyJSON,
        assigned: dict[str, AnyJSON] | None,
        following: State | None,
    ) -> State | None:
        """Write ...StateExited, set the variables, go on to the following state or end the thread."""
        if output is not thread.raw and execution.size_quota.exceeds(output):
            raise DataLimitExceeded(self.name)
        if assigned is not None:
            if execution.size_quota.exceeds(assigned):
                raise DataLimitExceeded(self.name)
            thread.variables = {**thread.variables, **assigned}
        events = thread.events
        events.append((self.exited, thread.last, execution.now, output, assigned))
        thread.last = len(events)
        thread.value = output
        if following is None:
            execution.thread_succeeded(thread)
        return following

    def abandon(self, execution: Execution, thread: Thread) -> None:
        """Write what a state of this type writes when it fails for good; most write nothing."""


def result_path(definition: dict[str, AnyJSON]) -> ReferencePath | bool:
    """The compiled ResultPath: True where the result replaces the input, False where it is thrown away."""
    text = definition.get("ResultPath", "$")
    if text is None:
        return False
    return True if text == "$" else compile_reference_path(text, field="ResultPath")
