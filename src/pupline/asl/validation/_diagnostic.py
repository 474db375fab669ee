"""One diagnostic of a definition, and its forms: JSON path, AWS's location, ValidateStateMachineDefinition's object."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pupline.asl.states import not_recognized

Severity: TypeAlias = Literal["ERROR", "WARNING"]
Step: TypeAlias = str | int

SCHEMA = "SCHEMA_VALIDATION_FAILED"

_SOURCE = re.compile(r"\[Source: .*\]$", re.DOTALL)


_UNKNOWN_RESOURCE = not_recognized("").partition("  ")[0]
"""How AWS's message for a Resource begins, before the Resource itself."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem of a definition (ERROR), or a likely mistake in a valid definition (WARNING).

    code, message: AWS's, where they are known. steps: keys and indices to the place; None for the whole definition.
    hint: what AWS does not say: the reason, the position in the text, "did you mean"; may be empty.
    field: the field that it is about, where `steps` leads to the object that holds it, as AWS has it.
    consequence: it follows from another diagnostic. AWS lists it; readers do not need it.
    """

    code: str
    message: str
    steps: tuple[Step, ...] | None = ()
    severity: Severity = "ERROR"
    hint: str = ""
    field: str | None = None
    consequence: bool = False

    @property
    def path(self) -> str:
        """The place as a JSON path, such as `$.States['My state'].Choices[0]`; empty for the whole definition."""
        return "" if self.steps is None else json_path(self.steps)

    @property
    def exact_path(self) -> str:
        """The place with the field, for the line in the file."""
        return self.path if self.steps is None or self.field is None else json_path((*self.steps, self.field))

    @property
    def location(self) -> str | None:
        """The place in AWS's notation, such as `/States/My state/Choices[0]`."""
        if self.steps is not None:
            return "".join(f"[{step}]" if isinstance(step, int) else f"/{step}" for step in self.steps) or "/"
        source = _SOURCE.search(self.message)
        return source.group() if source else None

    @property
    def is_unknown_resource(self) -> bool:
        """Whether it says that AWS does not recognise the Resource of a Task."""
        in_task = self.steps is not None and not {"ItemReader", "ResultWriter"} & {*self.steps[-2:]}
        return in_task and self.message.startswith(_UNKNOWN_RESOURCE)

    @property
    def text(self) -> str:
        """The message and the hint."""
        if not self.hint:
            return self.message
        return f"{self.message}{' ' if self.message.endswith('.') else '. '}{self.hint}"

    def as_dict(self) -> dict[str, str]:
        """The diagnostic as ValidateStateMachineDefinition returns it."""
        found = {"code": self.code, "message": self.message, "severity": self.severity}
        return found if self.location is None else {**found, "location": self.location}


def json_path(path: Iterable[Step]) -> str:
    """Keys and indices as a JSON path: `$.States['My state'].Choices[0]`."""
    text = "$"
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.fullmatch(r"[\w$-]+", step):
            text += f".{step}"
        else:
            escaped = step.replace("\\", "\\\\").replace("'", "\\'")
            text += f"['{escaped}']"
    return text


def create_error(found: Iterable[Diagnostic]) -> str:
    """CreateStateMachine's message for these errors, in AWS's words only."""
    parts = []
    for each in found:
        # AWS prints the missing location of a machine without an end as Java does.
        where = "null" if each.code == "MISSING_END_STATE" else each.location if each.steps is not None else None
        parts.append(f"{each.code}: {each.message}" + (f" at {where}" if where else ""))
    return f"Invalid State Machine Definition: '{', '.join(parts)}'"
