"""The base of all compiled states: entering, the data flow around the work, leaving.

A state is compiled once, when its machine is parsed. Fields that the definition leaves out cost nothing at run time:
their slot is None, or the whole step is another method, chosen at compile time.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pupline.asl._errors import DataLimitExceeded
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._history import entered, exited
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.jsonpath import ReferencePath, compile_path, compile_reference_path, compile_template
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread
    from pupline.asl.states._catch import CatchingState

_NESTED = ("Branches", "ItemProcessor", "Iterator")
_RANDOM = re.compile(r"States\.UUID|States\.MathRandom|\$uuid|\$random|\$shuffle")
_JSONATA_CONTEXT = re.compile(r"\$states(?!\.(?:input|result|errorOutput)\b)|\$eval|\$now|\$millis")
_ESCAPED = str.maketrans({"%": "%25", "/": "%2F", "@": "%40", "#": "%23"})


class State:
    """One compiled state; the subclasses do its work.

    key: the name as it appears in command ids. next: the state that follows, None at an end; it is filled in when all
    states of the machine are compiled.
    """

    __slots__ = (
        "assign",
        "entered",
        "exited",
        "input_path",
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
    #: Whether `$$.State.RetryCount` exists.
    counts_retries: ClassVar[bool] = False
    #: Whether `$states.result` exists: the output of the task, the branches or the iterations.
    has_states_result: ClassVar[bool] = False

    @property
    def catching(self) -> CatchingState | None:
        """The state itself when it can have Retry and Catch."""
        return None

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        own = dumps({key: value for key, value in definition.items() if key not in _NESTED})
        self.name = name
        self.key = name.translate(_ESCAPED)
        self.jsonata = jsonata
        self.needs_context = bool(_JSONATA_CONTEXT.search(own)) if jsonata else "$$" in own
        self.needs_random = bool(_RANDOM.search(own))
        self.next: State | None = None
        self.entered = entered(self.type, name)
        self.exited = exited(self.type, name)
        self.assign = self.compile_assign(definition)
        self.output = self.compile_field(definition, "Output") if jsonata else None
        self.input_path = None if jsonata else _compile_path(definition, "InputPath")
        self.result_selector = None if jsonata else self.compile_field(definition, "ResultSelector")
        self.result_path = True if jsonata else compile_result_path(definition)
        self.output_path = None if jsonata else _compile_path(definition, "OutputPath")

    def compile_field(
        self, definition: dict[str, AnyJSON], field: str, *, location: str | None = None
    ) -> Evaluate | None:
        """The value of a field, of the state or a part of it, as an expression; None if the field is absent.

        location: where the field is, for messages, such as "Catch[0]/Output"; the field itself by default.
        """
        return self.compile_value(definition[field], location or field) if field in definition else None

    def compile_value(self, value: AnyJSON, location: str) -> Evaluate:
        """A value that may hold expressions in the state's query language, as an expression."""
        if self.jsonata:
            return compile_jsonata_value(value, location=location).evaluate
        return compile_template(value, field=location).evaluate

    def compile_assign(self, definition: dict[str, AnyJSON]) -> Evaluate | None:
        """The compiled Assign of the state, a Choice Rule or a Catcher; None for an empty one."""
        return self.compile_field(definition, "Assign") if definition.get("Assign") else None

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Run the state with `thread.value`.

        Returns the next state (its input in `thread.value`), or None when the thread waits or has ended.
        Raises: EvaluationError; the caller makes the state fail with it.
        """
        raise NotImplementedError

    def redrive(self, execution: Execution, thread: Thread) -> State | None:
        """Run the state again, on the same input."""
        thread.value = thread.state_input
        return self.enter(execution, thread)

    def write_entered(self, execution: Execution, thread: Thread) -> None:
        """Write ...StateEntered; from now on the thread is in this state."""
        events = thread.events
        thread.before = thread.last
        events.append((self.entered, thread.last, execution.now, thread.value))
        thread.last = thread.entered = len(events)
        thread.entered_time = execution.now
        thread.state_input = thread.value
        thread.state = self

    def scope(self, execution: Execution, thread: Thread, value: AnyJSON) -> Scope:
        """The scope of the state's JSONPath expressions, with `value` as `$`."""
        return Scope(
            value,
            execution.context_of(thread) if self.needs_context else None,
            thread.variables,
            None,
            execution.randomness_of(thread) if self.needs_random else None,
        )

    def jsonata_scope(self, execution: Execution, thread: Thread, **more: AnyJSON) -> Scope:
        """The scope of the state's JSONata expressions; more: `result` or `errorOutput` of `$states`."""
        states = {"input": thread.state_input, **more}
        context = execution.context_of(thread) if self.needs_context else None
        if context is not None:
            states["context"] = context
        randomness = execution.randomness_of(thread) if self.needs_random else None
        return Scope(thread.state_input, context, thread.variables, states, randomness)

    def input_scope(self, execution: Execution, thread: Thread) -> Scope:
        """The scope in which the state's work begins; its `input` is the state's input after InputPath."""
        if self.jsonata:
            return self.jsonata_scope(execution, thread)
        scope = self.scope(execution, thread, thread.state_input)
        if self.input_path is not None:
            scope.input = self.input_path(scope)
        return scope

    def effective_input(self, execution: Execution, thread: Thread) -> AnyJSON:
        """The state's input after InputPath."""
        return thread.state_input if self.input_path is None else self.input_scope(execution, thread).input

    def leave(self, execution: Execution, thread: Thread, result: AnyJSON) -> State | None:
        """From the result of the work to the next state: ResultSelector, Assign, ResultPath, OutputPath, or Output."""
        assigned = None
        if self.jsonata:
            output = result
            if self.output is not None or self.assign is not None:
                more = {"result": result} if self.has_states_result else {}
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
            output = result if self.result_path is True else put_result(self.result_path, thread.state_input, result)
            if self.output_path is not None:
                output = self.output_path(self.scope(execution, thread, output))
        return self.exit(execution, thread, output, assigned, self.next)

    def exit(
        self,
        execution: Execution,
        thread: Thread,
        output: AnyJSON,
        assigned: dict[str, AnyJSON] | None,
        following: State | None,
    ) -> State | None:
        """Write ...StateExited and set the variables; the following state, or None when the thread has ended."""
        if output is not thread.state_input and execution.texts.exceeds_quota(output):
            raise DataLimitExceeded(self.name)
        if assigned is not None:
            if execution.texts.exceeds_quota(assigned):
                raise DataLimitExceeded(self.name)
            thread.variables = {**thread.variables, **assigned}
        events = thread.events
        events.append((self.exited, thread.last, execution.now, output, assigned))
        thread.last = len(events)
        thread.value = output
        if following is None:
            execution.thread_succeeded(thread)
        return following

    def write_state_failed(self, execution: Execution, thread: Thread) -> None:
        """Write the event of a state of this type that fails for good; most types have none."""


def place_in(name: str, part: str) -> str:
    """The place of a part of a state, such as `Catch[0]`, among those that an execution has taken.

    A string, as its hash is kept; the place of a state is its name, which has no line break.
    """
    return f"{name}\n{part}"


def _compile_path(definition: dict[str, AnyJSON], field: str) -> Evaluate | None:
    """The compiled InputPath or OutputPath; None where it would change nothing. A null one selects `{}`."""
    text = definition.get(field, "$")
    if text is None:
        return lambda _: {}
    return None if text == "$" else compile_path(text, field=field).evaluate


def compile_result_path(definition: dict[str, AnyJSON]) -> ReferencePath | bool:
    """The compiled ResultPath: True where the result replaces the input, False where it is discarded."""
    text = definition.get("ResultPath", "$")
    if text is None:
        return False
    return True if text == "$" else compile_reference_path(text, field="ResultPath")


def put_result(result_path: ReferencePath | bool, state_input: AnyJSON, result: AnyJSON) -> AnyJSON:
    """The state's input with the result where ResultPath puts it."""
    if result_path is True:
        return result
    return state_input if result_path is False else result_path.put(state_input, result)
