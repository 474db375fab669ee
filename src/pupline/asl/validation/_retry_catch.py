"""The checks of a state's Retry and Catch."""

from pupline.asl._errors import ALL, TASK_FAILED
from pupline.asl.validation import _fields as fields
from pupline.asl.validation._assign import check_assign
from pupline.asl.validation._expressions import check_jsonata
from pupline.asl.validation._report import Place


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
    _warn_about_order(retriers)


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
        check_assign(catcher, also="errorOutput")
        if place.language == "JSONata":
            check_jsonata(catcher, "Output", also="errorOutput")
        else:
            catcher.result_path()
    _warn_about_order(catchers)


def _error_equals(place: Place, *, last: bool) -> None:
    place.required("ErrorEquals")
    names = place.items("ErrorEquals", empty=False)
    for name in names:
        if isinstance(name.value, str):
            place.report.handled.append(name)
        else:
            name.add_problem("Expected value of type [STRING]")
    if not any(name.value == ALL for name in names):
        return
    if len(names) > 1:
        place.add_problem(f"'{ALL}' must appear alone in 'ErrorEquals'", "ErrorEquals")
    if not last:
        place.add_problem(f"'{ALL}' may only appear in the last element of the array", "ErrorEquals")


def _warn_about_order(places: list[Place]) -> None:
    """Warn of a Retrier or Catcher that is never used, because earlier ones handle all its errors."""
    handled: set[str] = set()
    for place in places:
        names = place.value.get("ErrorEquals") if isinstance(place.value, dict) else None
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            continue
        if names and all(_is_handled(name, handled) for name in names):
            place.warn("NEVER_USED", "Earlier ones in this list handle all errors that this one names.", "ErrorEquals")
        handled.update(names)


def _is_handled(name: str, handled: set[str]) -> bool:
    return name in handled or (TASK_FAILED in handled and not name.startswith("States."))
