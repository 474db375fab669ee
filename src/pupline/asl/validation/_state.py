"""The checks of one state: its type and query language, its fields, their values, and the machines inside it."""

from __future__ import annotations

from pupline.asl._errors import SyntaxProblem
from pupline.asl.jsonpath import compile_payload_string
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._assign import check_assign
from pupline.asl.validation._choices import check_choices
from pupline.asl.validation._expressions import StatesField, check_jsonata, check_template
from pupline.asl.validation._map import check_map
from pupline.asl.validation._placeholders import has_placeholder
from pupline.asl.validation._plain_texts import looks_like_path
from pupline.asl.validation._report import Place, reason
from pupline.asl.validation._retry_catch import check_catch, check_retry
from pupline.asl.validation._suggest import closest, hint_about_boolean
from pupline.asl.validation._task import check_task
from pupline.choice_rules import instant
from pupline.json_values import AnyJSON

_MAX_SECONDS = 99_999_999
_STANDARD_SECONDS, _EXPRESS_SECONDS = 31_536_000, 300
"""How long an execution may take. Source: AWS, "Quotas"."""

_COMPUTED = (
    "Seconds", "Timestamp", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "ToleratedFailureCount",
    "ToleratedFailurePercentage", "Error", "Cause",
)  # fmt: skip
"""Fields of a JSONata state that may be an expression, but not an object of expressions."""


class StateChecker:
    """Checks a state. machines: the places of its branches or item processor, which the caller checks next."""

    def __init__(self, place: Place, name: str, machine_language: fields.Language) -> None:
        place.owner = name
        place.language = machine_language
        self.place = place
        self.machine_language = machine_language
        self.machines: list[Place] = []

    def check(self) -> None:
        """Add all problems of the state to its report."""
        kind = self.type()
        if kind is None:
            return
        place = self.place
        self.check_fields(kind, allowed_language=self.check_language())
        place.required("Type")
        for pair in fields.EXCLUSIVE.get(kind, ()):
            place.exclusive(*pair)
        self.check_common(kind)
        getattr(self, f"check_{kind.lower()}")()
        if kind in ("Task", "Parallel", "Map"):
            check_retry(place)
            check_catch(place)

    def type(self) -> str | None:
        """The state's type, guessed where it or its field is mistyped; None when it is unknown."""
        place = self.place
        name = "Type" if "Type" in place.value else next((key for key in place.value if closest(key, ["Type"])), None)
        if name is None:
            place.required("Type")
            return None
        kind = place.value[name]
        if isinstance(kind, str) and kind in fields.STATE_TYPES:
            return kind
        if place.unfilled(kind, name):
            return None
        message = f"The field 'Type' should have one of these values: [{', '.join(fields.STATE_TYPES)}]"
        meant = closest(kind, fields.STATE_TYPES) if isinstance(kind, str) else None
        place.add_problem(message, name, hint=f"Did you mean '{meant}'?" if meant else "")
        place.guessed = True
        return meant

    def check_language(self) -> bool:
        """Decide the state's query language; returns whether the machine's allows it."""
        place = self.place
        place.one_of("QueryLanguage", fields.LANGUAGES)
        wanted = place.value.get("QueryLanguage", self.machine_language)
        if wanted == "JSONPath" and self.machine_language == "JSONata":
            message = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
            place.add_problem(message, field="QueryLanguage")
            place.language = "JSONPath"
            return False
        place.language = "JSONPath" if wanted == "JSONPath" else "JSONata"
        return True

    def check_fields(self, kind: str, *, allowed_language: bool) -> None:
        place = self.place
        good = fields.allowed(kind, place.language)
        for name in place.value:
            if name in good:
                continue
            if not fields.other_language(kind, name, place.language):
                place.unknown_field(name, good, fields.explanation(kind, name, place.language))
            elif allowed_language:
                self.report_other_language(name)

    def report_other_language(self, name: str) -> None:
        place, hint = self.place, ""
        instead = fields.INSTEAD.get(name) if place.language == "JSONata" else None
        if instead:
            place.meant[instead] = place.value[name]
            hint = f"In JSONata, use '{instead}'."
        place.add_problem(fields.other_language_problem(name, place.language), hint=hint, field=name)

    def check_common(self, kind: str) -> None:
        place = self.place
        place.text("Comment")
        if kind not in ("Choice", "Succeed", "Fail"):
            self.check_transition()
        result: StatesField | None = "result" if kind in ("Task", "Parallel", "Map") else None
        check_assign(place, also=result)
        if place.language == "JSONata":
            check_jsonata(place, "Output", also=result)
            check_jsonata(place, "Arguments")
            for name in _COMPUTED:
                if isinstance(place.value.get(name), str):
                    check_jsonata(place, name)
            return
        place.path_field("InputPath", null=True)
        place.path_field("OutputPath", null=True)
        place.result_path()
        for name in ("Parameters", "ResultSelector"):
            check_template(place, name)

    def check_transition(self) -> None:
        """Exactly one of Next and End, where `"End": false` counts as none."""
        place = self.place
        place.text("Next")
        end = place.value.get("End", False)
        if not isinstance(end, bool):
            if not place.unfilled(end, "End"):
                place.add_problem("Expected value of type [BOOLEAN]", "End", hint=hint_about_boolean(end))
        elif end:
            place.exclusive("Next", "End")
        elif "Next" not in place.value:
            place.one_required("Next", "End")

    # ---- one method per type

    def check_pass(self) -> None:
        """Result is static; a path in it is a mistake."""
        place = self.place
        result = place.value.get("Result")
        if looks_like_path(result):
            self.warn_static("Result")
        ahead: list[tuple[tuple[str | int, ...], AnyJSON]] = [(("Result",), result)]
        while ahead:
            steps, value = ahead.pop()
            if len(steps) > 100:
                continue
            if isinstance(value, dict):
                for key, item in value.items():
                    if key.endswith(".$") and isinstance(item, str) and item.startswith(("$", "States.")):
                        self.warn_static(*steps, key)
                    ahead.append(((*steps, key), item))
            elif isinstance(value, list):
                ahead += [((*steps, at), item) for at, item in enumerate(value)]

    def warn_static(self, *steps: str | int) -> None:
        message = "The Result of a Pass state is static: nothing in it is evaluated."
        self.place.warn("PASS_RESULT_IS_STATIC", message, *steps, hint="Use Parameters instead.")

    def check_succeed(self) -> None:
        """Nothing beyond the common fields."""

    def check_fail(self) -> None:
        place = self.place
        for name in ("Error", "Cause"):
            text = place.text(name)
            if name == "Error" and text is not None:
                place.report.raised.add(text)
            if place.language == "JSONPath" and looks_like_path(text):
                message = f"The value of '{name}' looks like a JSONPath, but stays as it is."
                place.warn("NO_PATH", message, name, hint=f"To have it evaluated, name the field '{name}Path'.")
            self.check_payload_string(f"{name}Path")

    def check_payload_string(self, name: str) -> None:
        place = self.place
        text = place.text(name)
        if text is None:
            return
        try:
            place.note_path(compile_payload_string(text, field=name), name)
        except SyntaxProblem as problem:
            if has_placeholder(text):
                place.note_unfilled(text, name)
            else:
                place.add_problem(problem.message, name, hint=reason(problem, text))

    def check_choice(self) -> None:
        self.place.required("Choices")
        self.place.text("Default")
        check_choices(self.place)

    def check_wait(self) -> None:
        place = self.place
        paths = ("SecondsPath", "TimestampPath") if place.language == "JSONPath" else ()
        place.exactly_one("Seconds", "Timestamp", *paths)
        self.check_duration(place.integer("Seconds", least=0, most=_MAX_SECONDS))
        for name in paths:
            place.path_field(name, reference=True)
        timestamp = place.value.get("Timestamp")
        if "Timestamp" not in place.value or place.computed("Timestamp") or has_placeholder(timestamp):
            return
        if not isinstance(timestamp, str):
            place.add_problem("Expected value of type [STRING]", "Timestamp")
        elif instant(timestamp) is None:
            hint = "A path belongs in TimestampPath." if timestamp.startswith("$") else ""
            place.add_problem("String does not match RFC3339 timestamp", "Timestamp", hint=hint)

    def check_duration(self, seconds: int | None) -> None:
        express = self.place.report.machine_type == "EXPRESS"
        if seconds is not None and seconds > (_EXPRESS_SECONDS if express else _STANDARD_SECONDS):
            limit = "An Express execution ends after five minutes." if express else "An execution ends after a year."
            self.place.warn("WAIT_TOO_LONG", f"This Wait never ends. {limit}", "Seconds")

    def check_task(self) -> None:
        check_task(self.place)

    def check_parallel(self) -> None:
        place = self.place
        place.required("Branches")
        for branch in place.items("Branches", empty=False):
            if branch.is_object():
                branch.allow_only(fields.BRANCH)
                self.machines.append(branch)

    def check_map(self) -> None:
        self.machines += check_map(self.place)
