"""The checks of a Choice state's rules. Source: States Language, "Choice State"."""

from pupline.asl.jsonata import expression_text
from pupline.asl.validation._assign import check_assign
from pupline.asl.validation._expressions import check_jsonata
from pupline.asl.validation._plain_texts import looks_like_path
from pupline.asl.validation._report import MAX_NESTING, Place
from pupline.choice_rules import OPERATORS, operand_problem

_JOINED = ("And", "Or", "Not")
_NEXT = {"Next", "Assign", "Comment"}
_JSONATA = {"Condition", "Output", *_NEXT}
_JSONPATH = {"Variable", *_JOINED, *OPERATORS}


def check_choices(place: Place) -> None:
    """All rules of a Choice state."""
    always = False
    for rule in place.items("Choices", empty=False):
        if always:
            rule.warn("NEVER_USED", "An earlier rule always matches.")
        always = always or _always_matches(rule)
        if not rule.is_object():
            continue
        rule.text("Next")
        if place.language == "JSONata":
            _jsonata_rule(rule)
        else:
            _rule(rule, _NEXT, 0)
        check_assign(rule)
        rule.required("Next")


def _always_matches(rule: Place) -> bool:
    condition = rule.value.get("Condition") if isinstance(rule.value, dict) else None
    return rule.language == "JSONata" and (condition is True or expression_text(condition) == "true")


def _jsonata_rule(rule: Place) -> None:
    if not _JSONPATH.isdisjoint(rule.value):
        rule.meant["Condition"] = None
    rule.allow_only(_JSONATA, lambda name: "In JSONata, a rule has a Condition." if name in _JSONPATH else "")
    rule.required("Condition")
    check_jsonata(rule, "Output")
    condition = rule.value.get("Condition")
    if expression_text(condition) is not None or rule.computed("Condition"):
        check_jsonata(rule, "Condition")
    elif "Condition" in rule.value and not isinstance(condition, bool) and not rule.unfilled(condition, "Condition"):
        hint = "A JSONata expression stands between {% and %}." if isinstance(condition, str) else ""
        rule.add_problem("Expected value of type [BOOLEAN] or a JSONata expression", "Condition", hint=hint)


def _rule(rule: Place, extra: set[str], depth: int) -> None:
    if depth > MAX_NESTING:
        rule.add_problem(f"a Choice rule is nested more than {MAX_NESTING} deep")
        return
    for name in ("And", "Or"):
        if name in rule.value:
            rule.allow_only({name, *extra}, _explain)
            for inner in rule.items(name, empty=False):
                if inner.is_object():
                    _rule(inner, {"Comment"}, depth + 1)
            return
    if "Not" in rule.value:
        rule.allow_only({"Not", *extra}, _explain)
        inner_rule = rule.object("Not")
        if inner_rule is not None:
            _rule(inner_rule, {"Comment"}, depth + 1)
        return
    _comparison(rule, extra)


def _explain(name: str) -> str:
    if name in ("Next", "Assign"):
        return "It belongs to the whole rule, not to a part of it."
    if name in ("Condition", "Output"):
        return "It is for states whose query language is JSONata."
    return "It cannot stand next to And, Or or Not." if name in _JSONPATH else ""


def _comparison(rule: Place, extra: set[str]) -> None:
    operators = [name for name in rule.value if name in OPERATORS]
    rule.allow_only(_JSONPATH | extra, _explain)
    instead = "Condition" in rule.value or any(name in rule.meant for name in _JOINED)
    if not instead:
        rule.required("Variable")
    rule.path_field("Variable", reference=True)
    if len(operators) != 1:
        if operators or not (instead or rule.meant.keys() & OPERATORS):
            found = ", ".join(operators) or "none"
            rule.add_problem(f"A rule needs exactly one comparison operator, or And, Or or Not; found: {found}")
        return
    (name,) = operators
    _operand(rule, name)


def _operand(rule: Place, name: str) -> None:
    operand = rule.value[name]
    with_path = f"{name}Path" if f"{name}Path" in OPERATORS and looks_like_path(operand) else None
    problem = operand_problem(name, operand)
    if problem is not None and not rule.unfilled(operand, name):
        rule.add_problem(problem, name, hint=f"A path belongs in '{with_path}'." if with_path else "")
    elif name.endswith("Path"):
        rule.path_field(name, reference=True)
    elif with_path:
        message = f"The value of '{name}' looks like a JSONPath, but is compared as it is."
        rule.warn("NO_PATH", message, name, hint=f"To compare with the value there, use '{with_path}'.")
