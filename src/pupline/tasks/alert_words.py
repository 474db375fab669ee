"""The words of an alert, read from the Pass state that a rule of CheckIfPNG leads to.

Bulk ingestion publishes the first alert of a run in these words. Of the States Language it understands what such a
state needs: constants, `$.image.FIELD`, and States.Format of these. Where a message has more, it gets a general text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pupline.json_values import JSON, AnyJSON
from pupline.tasks.records import MAX_ALERT_REASON
from pupline.text import printable

CHOICE = "CheckIfPNG"
"""The Choice state whose rules are the alert rules."""

_MAX_SUBJECT = 100
_MAX_VALUE = 1024

_FIELD = re.compile(r"\$(?:\.image|\[['\"]image['\"]\])(?:\.([A-Za-z_]\w*)|\[['\"]([A-Za-z_]\w*)['\"]\])", re.ASCII)
_FORMAT = re.compile(r"States\.Format\(\s*'((?:[^'\\]|\\.)*+)'((?:\s*,\s*[^,()\s]++)*+)\s*\)", re.DOTALL)
_PIECE = re.compile(r"\{\}|\\(.)|[^\\{]+|\{", re.DOTALL)


def image_field(path: AnyJSON) -> str | None:
    """FIELD of `$.image.FIELD`, in either notation; None for any other path."""
    found = _FIELD.fullmatch(path) if isinstance(path, str) else None
    return found and (found[1] or found[2])


@dataclass(frozen=True, slots=True)
class AlertWords:
    """What a rule's Pass state says. reason: in records and as the message attribute.

    message: texts, and fields of the image between them; None where the state's message has more than these.
    """

    reason: str
    subject: str | None
    message: tuple[str | tuple[str], ...] | None

    def subject_line(self) -> str:
        """ASCII, at most 100 characters, as SNS requires."""
        return self.subject or f"Alert: {self.reason.encode('ascii', 'replace').decode()}"[:_MAX_SUBJECT]

    def text(self, image: Mapping[str, JSON]) -> str:
        """The message about one image."""
        if self.message is None:
            return f"{self.subject_line()}: {_shown(image['uploaded_image'])}"
        return "".join(part if isinstance(part, str) else _shown(image[part[0]]) for part in self.message)


def words_of(state: Mapping[str, AnyJSON], fields: frozenset[str], *, jsonata: bool) -> AlertWords | str | None:
    """The words of a Pass state; what is wrong with them, for people; None where the state does not set `$.alert`.

    fields: those that an image has. jsonata: the state's query language.
    """
    if jsonata:
        output = state.get("Output")
        template = output.get("alert") if isinstance(output, dict) else None
    else:
        template = state.get("Parameters", state.get("Result")) if state.get("ResultPath") == "$.alert" else None
    if not isinstance(template, dict):
        return None
    reason = template.get("reason")
    if not isinstance(reason, str) or not reason.strip() or reason.startswith("{%"):
        return 'it has to set "reason" to a constant text, which names the rule in the audit records'
    if template.get("triggered") is not True:
        return 'it has to set "triggered" to true, as the other states with words do'
    return AlertWords(
        printable(reason, MAX_ALERT_REASON), _subject(template.get("subject")), _message(template, fields)
    )


def _subject(value: AnyJSON) -> str | None:
    usable = isinstance(value, str) and value.isascii() and value.isprintable() and not value.startswith(("{%", " "))
    return value if usable and 0 < len(value) <= _MAX_SUBJECT else None


def _message(template: Mapping[str, AnyJSON], fields: frozenset[str]) -> tuple[str | tuple[str], ...] | None:
    constant, dynamic = template.get("message"), template.get("message.$")
    if isinstance(constant, str) and constant and not constant.startswith("{%"):
        return (constant,)
    if not isinstance(dynamic, str):
        return None
    if (field := image_field(dynamic)) in fields:
        return ((str(field),),)
    found = _FORMAT.fullmatch(dynamic)
    return _formatted(found[1], found[2].split(",")[1:], fields) if found else None


def _formatted(text: str, paths: list[str], fields: frozenset[str]) -> tuple[str | tuple[str], ...] | None:
    named = [image_field(path.strip()) for path in paths]
    pieces = list(_PIECE.finditer(text))
    if any(name not in fields for name in named) or sum(piece[0] == "{}" for piece in pieces) != len(named):
        return None
    names = iter(named)
    return tuple((str(next(names)),) if piece[0] == "{}" else piece[1] or piece[0] for piece in pieces)


def _shown(value: JSON) -> str:
    return printable(value if isinstance(value, str) else json.dumps(value), _MAX_VALUE)
