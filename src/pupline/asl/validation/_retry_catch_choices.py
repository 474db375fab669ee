"""The checks of a state's Retry, Catch and Choices."""

from pupline.asl.jsonata import expression_text
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._report import MAX_NESTING, Place
from pupline.choice_rules import OPERATORS, operand_problem

_ALL = "States.ALL"


def check_retry(place: Place) -> None:
    """A state's Retriers; their numbers are never computed. Source: States Language, "Retrying after error"."""
    retriers = place.items("Retry", empty=True)
    for retrier in retriers:
        if not retrier.is_object():
            continue
        retrier.allow_only(fields.RETRIER)
        _error_equals(retrier, last=retrier is retriers[-1])
        retrier.integer("IntervalSeconds", least=1, most=99_999_999, computed=False)
        retrier.integer("MaxAttempts", least=0, most=99_999_999, computed=False)
        retrier.number("BackoffRate", least=1, computed=False)
        retrier.integer("MaxDelaySeconds", least=1, most=31_622_400, computed=False)
        retrier.one_of("JitterStrategy", ("FULL", "NONE"))


def check_catch(place: Place) -> None:
    """A state's Catchers. Source: States Language, "Fallback states"."""
    catchers = place.items("Catch", empty=True)
    for catcher in catchers:
        if not catcher.is_object():
            continue
        catcher.allow_only(fields.CATCHER[place.language])
        catcher.required("Next")
        catcher.text("Next")
        _error_equals(catcher, last=catcher is catchers[-1])
        catcher.template("Assign")
        if place.language == "JSONata":
            catcher.jsonata("Output")
        else:
            catcher.result_path()


def _error_equals(place: Place, *, last: bool) -> None:
    place.required("ErrorEquals")
    names = place.items("ErrorEquals", empty=False)
    for name in names:
        if not isinstance(name.value, str):
            name.add_problem("Expected value of type [STRING]")
    if not any(name.value == _ALL for name in names):
        return
    if len(names) > 1:
        place.add_problem(f"'{_ALL}' must appear alone in 'ErrorEquals'", "ErrorEquals")
    if not last:
        place.add_problem(f"'{_ALL}' may only appear in the last element of the array", "ErrorEquals")


def check_choices(place: Place) -> None:
    """A Choice state's rules. Source: States Language, "Choice State"."""
    for rule in place.items("Choices", empty=False):
        if not rule.is_object():
            continue
        rule.required("Next")
        rule.text("Next")
        if place.language == "JSONata":
            _jsonata_rule(rule)
        else:
            rule.template("Assign")
            _rule(rule, {"Next", "Assign", "Comment"}, 0)


def _jsonata_rule(rule: Place) -> None:
    rule.allow_only(("Condition", "Next", "Assign", "Output", "Comment"))
    rule.required("Condition")
    rule.jsonata("Assign")
    rule.jsonata("Output")
    condition = rule.value.get("Condition")
    if expression_text(condition) is not None:
        rule.jsonata("Condition")
    elif "Condition" in rule.value and not isinstance(condition, bool):
        rule.add_problem("Expected value of type [BOOLEAN] or a JSONata expression", "Condition")


def _rule(rule: Place, extra: set[str], depth: int) -> None:
    if depth > MAX_NESTING:
        rule.add_problem(f"a Choice rule is nested more than {MAX_NESTING} deep")
        return
    for name in ("And", "Or"):
        if name in rule.value:
            rule.allow_only({name, *extra})
            for inner in rule.items(name, empty=False):
                if inner.is_object():
                    _rule(inner, {"Comment"}, depth + 1)
            return
    if "Not" in rule.value:
        rule.allow_only({"Not", *extra})
        inner_rule = rule.object("Not")
        if inner_rule is not None:
            _rule(inner_rule, {"Comment"}, depth + 1)
        return
    _comparison(rule, extra)


def _comparison(rule: Place, extra: set[str]) -> None:
    operators = [name for name in rule.value if name in OPERATORS]
    rule.allow_only({"Variable", *OPERATORS, *extra})
    rule.required("Variable")
    rule.path_field("Variable", reference=True)
    if len(operators) != 1:
        found = ", ".join(operators) or "none"
        rule.add_problem(f"A rule needs exactly one comparison operator, or And, Or or Not; found: {found}")
        return
    (name,) = operators
    problem = operand_problem(name, rule.value[name])
    if problem is not None:
        rule.add_problem(problem, name)
    elif name.endswith("Path"):
        rule.path_field(name, reference=True)
