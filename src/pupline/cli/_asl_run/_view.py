"""The end of executions on a terminal, or as JSON Lines."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from pupline.asl import MapRun, MockCase, Result, StateVisit, StateVisits, percent_text
from pupline.cli._asl_run._path import failed_state, path_text, show_path
from pupline.cli._asl_run._runner import Outcome, Runner
from pupline.cli._graph import draw
from pupline.cli._history_table import show_history
from pupline.cli._output import cell, console, message, print_json
from pupline.cli._progress import duration
from pupline.cli._table import Column, show_table
from pupline.text import plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_STYLES = {"SUCCEEDED": "green", "REFUSED": "yellow"}
_CASES = [
    Column("", needs=1),
    Column("case"),
    Column("status"),
    Column("error", needs=len("States.Runtime")),
    Column("path", needs=24),
]
_MAX_LINES = 400
"""Of an output; --json has all of it."""

_EVENT_ID = re.compile(r" \(entered at the event id #\d+\)")
_CAUSE = 400
"""Characters of a Cause below the table: the input that AWS quotes at its end may be long."""

_NAMED = 3
"""Cases that are named with what is true of all of them."""

_LONGEST = 4000
"""Characters of a line."""


@dataclass(frozen=True)
class Wanted:
    """What to show of the executions. fail_under: the least percentage of coverage."""

    graph: bool
    history: bool
    coverage: bool
    as_json: bool
    fail_under: float | None


@dataclass(frozen=True)
class View:
    """An outcome with what is read from its history, once."""

    outcome: Outcome
    events: Sequence[dict[str, Any]]
    path: Sequence[StateVisit]

    @property
    def status(self) -> str:
        """The execution's status, or REFUSED."""
        return "REFUSED" if self.outcome.result is None else self.outcome.result.status


def report(runner: Runner, cases: Sequence[MockCase], wanted: Wanted) -> int:
    """Run the cases, show each, then the coverage. Returns the exit code."""
    listed = CaseList() if len(cases) > 1 and not wanted.as_json else None
    passed = refused = 0
    for case in cases:
        outcome = runner.run(case)
        passed += outcome.passed
        refused += outcome.result is None
        events = [] if outcome.result is None else outcome.result.history
        view = View(outcome, events, StateVisits(events, runner.target.machine.definition).visits)
        if wanted.as_json:
            print_json(_as_json(runner, view, history=wanted.history))
        elif listed is None or wanted.graph or wanted.history:
            _show(runner, view, wanted)
        if listed is not None:
            listed.add(runner, view)
    if listed is not None:
        listed.show(f"{runner.target.file}: {passed} of {plural(len(cases), 'case')} passed")
    covered = _show_coverage(runner, wanted) if wanted.coverage else True
    if refused == len(cases):
        return 2
    return 0 if covered and passed == len(cases) else 1


# ---- one execution


def _show(runner: Runner, view: View, wanted: Wanted) -> None:
    out, result, case = console(), view.outcome.result, view.outcome.case
    title = cell(view.status, f"bold {_STYLES.get(view.status, 'red')}")
    title.append(f"  {printable(case.name or runner.target.spec)}", style="bold")
    if result is None:
        out.print(title)
        message(f"pupline: {printable(view.outcome.refusal, 2000)}")
        return
    title.append(f"  {_figures(runner, view, result)}", style="dim")
    out.print(title)
    out.print()
    if wanted.graph:
        for line in draw(runner.target.machine.definition, view.events, out.width):
            out.print(line)
    elif not wanted.history:
        show_path(out, view.path)
    if wanted.history:
        show_history(out, view.events, result.execution.start_time)
    for run in result.execution.map_runs:
        for words in _map_run(run):
            out.print(_line(words, "dim"), soft_wrap=True)
    if wanted.graph or wanted.history or result.execution.map_runs:
        out.print()
    if result.status == "SUCCEEDED":
        _show_output(out, result.output)
    else:
        for name, text in _trouble(runner, view, result):
            out.print(cell(f"{name:<7}", "bold").append(text, style="red" if name == "Error" else ""), soft_wrap=True)
    for mismatch in view.outcome.mismatches:
        out.print(_line(f"Mismatch: {mismatch}", "red"), soft_wrap=True)


def _line(text: str, style: str = "") -> "Text":
    """A line that may be long."""
    from rich.text import Text

    return Text(printable(text, _LONGEST), style=style)


def _figures(runner: Runner, view: View, result: Result) -> str:
    seconds = (result.execution.stop_time or 0) - result.execution.start_time
    parts = [plural(len(view.path), "state"), plural(len(view.events), "event")]
    if seconds >= 1:
        parts.append(f"{'took' if runner.pacing.scale == 1 else 'would have taken'} {duration(seconds)}")
    return ", ".join(parts)


def _show_output(out: "Console", value: Any) -> None:
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    out.print(cell("Output", "bold"))
    for line in lines[:_MAX_LINES]:
        out.print(_line(f"  {line}"), soft_wrap=True)
    if len(lines) > _MAX_LINES:
        out.print(cell(f"  … {len(lines) - _MAX_LINES:,} more lines; --json has all", "dim"))


def _map_run(run: MapRun) -> Iterator[str]:
    counts = run.items.describe()
    shown = ", ".join(f"{counts[name]:,} {name}" for name in ("succeeded", "failed", "aborted") if counts[name])
    yield f"Map Run {run.label}: {run.status}; items: {shown or 'none'}"
    failure = run.first_failure
    if failure is not None:
        cause = f": {printable(readable(failure.cause, failure.error).partition(chr(10))[0])}" if failure.cause else ""
        yield f"  first failure: item {failure.index}, in {failure.state}: {failure.error}{cause}"


def _trouble(runner: Runner, view: View, result: Result) -> Iterator[tuple[str, str]]:
    """(name, text) of what there is to know about a failure."""
    yield "Error", printable(result.error or {"TIMED_OUT": "States.Timeout"}.get(result.status, "none"), 500)
    if result.cause:
        for number, line in enumerate(readable(result.cause, result.error).splitlines()):
            yield "" if number else "Cause", printable(line, 2000)
    state = failed_state(view.events)
    if state is not None:
        where = _place(runner, state)
        yield "At", printable(state) + (f", {where}" if where else "")
    if result.hint:
        yield "Hint", result.hint


def readable(cause: str, error: str | None) -> str:
    """A Cause for people: the error of a Lambda function with its stack, other JSON indented, any text as it is."""
    try:
        value = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    if isinstance(value, dict) and isinstance(value.get("errorMessage"), str):
        kind, stack = value.get("errorType"), value.get("stackTrace")
        head = value["errorMessage"] if kind in (error, None) else f"{kind}: {value['errorMessage']}"
        frames = [frame.rstrip() for frame in stack if isinstance(frame, str)] if isinstance(stack, list) else []
        return "\n".join([head, *frames])
    return json.dumps(value, indent=2, ensure_ascii=False) if isinstance(value, dict | list) else cause


def _place(runner: Runner, state: str) -> str | None:
    path = next((item.path for item in runner.coverage.items if item.kind == "state" and item.state == state), None)
    where = runner.target.loaded.position(path) if path else None
    return f"{runner.target.file}:{where.line}:{where.column}" if where else None


# ---- several


class CaseList:
    """A row for each case, and below the table what else there is to say of it. Histories are not kept."""

    def __init__(self) -> None:
        self._rows: list[list[Text]] = []
        self._notes: dict[tuple[str, str], list[str]] = {}
        """(text, style) -> the cases of which it is true."""

    def add(self, runner: Runner, view: View) -> None:
        """Add a case."""
        outcome, result = view.outcome, view.outcome.result
        sign = cell("✔", "green") if outcome.passed else cell("✘", "red")
        status = cell(view.status, "" if outcome.passed else _STYLES.get(view.status, "red"))
        error = (result.error or "") if result is not None else ""
        self._rows.append([sign, cell(outcome.case.name), status, cell(error), _line(path_text(view.path))])
        for mismatch in outcome.mismatches:
            self._note(view, mismatch, "red")
        if result is not None and not outcome.passed and result.status != "SUCCEEDED":
            state = failed_state(view.events)
            where = _place(runner, state) if state is not None else None
            cause = readable(result.cause, result.error).partition("\n")[0] if result.cause else ""
            cause = printable(_EVENT_ID.sub("", cause), _CAUSE)  # --case shows all of it
            parts = [where or "", result.error or result.status, cause, result.hint or ""]
            self._note(view, ": ".join(part for part in parts if part), "red")
        if outcome.refusal:
            self._note(view, outcome.refusal, "yellow")

    def _note(self, view: View, text: str, style: str) -> None:
        self._notes.setdefault((text, style), []).append(printable(view.outcome.case.name))

    def show(self, total: str) -> None:
        """Print the table, the notes and the total."""
        out = console()
        show_table(out, _CASES, self._rows)
        for (text, style), names in self._notes.items():
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            out.print(_line(f"{', '.join(names[:_NAMED])}{more}: {text}", style), soft_wrap=True)
        out.print(_line(total), soft_wrap=True)


# ---- JSON


def _as_json(runner: Runner, view: View, *, history: bool) -> dict[str, Any]:
    outcome, result = view.outcome, view.outcome.result
    found: dict[str, Any] = {"case": outcome.case.name or None, "status": view.status, "passed": outcome.passed}
    if result is None:
        return found | {"refusal": outcome.refusal}
    state = None if result.status == "SUCCEEDED" else failed_state(view.events)
    found |= {
        "output": result.output,
        "error": result.error,
        "cause": result.cause,
        "path": [visit.state for visit in view.path],
        "seconds": (result.execution.stop_time or 0) - result.execution.start_time,
        "failed_state": state,
        "location": None if state is None else _place(runner, state),
        "hint": result.hint,
        "mismatches": list(outcome.mismatches),
    }
    if result.execution.map_runs:
        found["map_runs"] = [_map_run_as_json(run) for run in result.execution.map_runs]
    return found | ({"events": view.events} if history else {})


def _map_run_as_json(run: MapRun) -> dict[str, Any]:
    return run.describe() | {"first_failure": run.first_failure and asdict(run.first_failure)}


# ---- coverage


def _show_coverage(runner: Runner, wanted: Wanted) -> bool:
    """Show the coverage; whether it is enough."""
    coverage, target = runner.coverage, runner.target
    if wanted.as_json:
        print_json({"coverage": coverage.as_json(target.loaded.position)})
    else:
        out = console()
        out.print()
        for line in coverage.lines(target.file, target.loaded.position):
            out.print(_line(line), soft_wrap=True)
    least = wanted.fail_under
    if least is None or coverage.percent >= least:
        return True
    message(f"pupline: coverage is {percent_text(coverage.percent)}, below --fail-under {least:g}")
    return False
