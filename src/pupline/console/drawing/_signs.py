"""Signs: small drawings that say a status or a type without colour. Paths on a field of 16 by 16."""

from pupline.asl import VisitStatus
from pupline.console.drawing._markup import Markup, element

STATUS_CLASSES: dict[VisitStatus | None, str] = {
    "succeeded": "is-succeeded",
    "caught": "is-caught",
    "failed": "is-failed",
    "timed out": "is-timed-out",
    "aborted": "is-aborted",
    "running": "is-running",
    None: "is-not-entered",
}

_STATUS_PATHS: dict[VisitStatus, str] = {
    "succeeded": "M4.5 8.3 7 10.8 11.5 5.6",
    "caught": "M8 4.2v4.6M8 11.2v.6",
    "failed": "M5.3 5.3l5.4 5.4M10.7 5.3l-5.4 5.4",
    "timed out": "M8 4.6V8l2.4 1.6",
    "aborted": "M5 8h6",
    "running": "M6.4 5v6l4.6-3z",
}

_TYPE_PATHS = {
    "Task": "M3 13 8 3l5 10M5.2 9h5.6",
    "Choice": "M8 2.2 13.8 8 8 13.8 2.2 8zM8 6v4M6 8h4",
    "Wait": "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M8 5v3.2l2.2 1.4",
    "Pass": "M2.5 8h10M9 4.5 12.7 8 9 11.5",
    "Parallel": "M3 3.5h10M3 12.5h10M5 3.5v9M8 3.5v9M11 3.5v9",
    "Map": "M3 4h6v6H3zM6 10v3h7V7H9",
    "Succeed": "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M5.5 8.2l1.8 1.8 3.2-3.8",
    "Fail": "M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 1 0 0-11M6 6l4 4M10 6l-4 4",
}


def status_sign(status: VisitStatus | None, x: float, y: float) -> Markup | None:
    """A disc with the sign of a status, its middle at x, y; nothing for a state that was not entered."""
    if status is None:
        return None
    path = element("path", {"d": _STATUS_PATHS[status], "class": "sign-line", "transform": _moved(x, y)})
    return element("g", {"class": "sign"}, element("circle", {"cx": x, "cy": y, "r": 9, "class": "sign-disc"}), path)


def type_sign(kind: str, x: float, y: float) -> Markup:
    """The sign of a type of state in a square, its middle at x, y."""
    square = element("rect", {"x": x - 14, "y": y - 14, "width": 28, "height": 28, "rx": 6, "class": "type-square"})
    path = _TYPE_PATHS.get(kind, "M4 8h8")
    line = element("path", {"d": path, "class": "type-line", "transform": _moved(x, y)})
    return element("g", {"class": "type"}, square, line)


def _moved(x: float, y: float) -> str:
    return f"translate({x - 8:.1f} {y - 8:.1f})"
