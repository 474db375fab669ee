"""The state machines of a SAM or CloudFormation template."""

from collections.abc import Mapping
from typing import Literal

from pupline.definitions._document import Document
from pupline.definitions._marks import Step
from pupline.definitions._placed import Placed, trouble_at
from pupline.definitions._unreadable import UnreadableDefinition
from pupline.definitions.templates._functions import TemplateFunction, functions_of
from pupline.definitions.templates._inline import MAX_DEPTH, inline_definition, named_file
from pupline.definitions.templates._references import MACHINE_TYPES
from pupline.definitions.templates._resolver import Resolver, as_text, section
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, deeper_than

_PROPERTIES = ("Definition", "DefinitionString", "DefinitionUri", "DefinitionS3Location")


class Template:
    """A template. machines: the logical ids of its state machines. values: of parameters, by name.

    Raises: UnreadableDefinition for a template that is nested too deeply.
    """

    def __init__(self, document: Document, values: Mapping[str, str]) -> None:
        if deeper_than(document.value, MAX_DEPTH):
            raise UnreadableDefinition(document.file, f"the template is nested more than {MAX_DEPTH} levels deep", 1, 1)
        self._document = document
        self._template: dict[str, AnyJSON] = document.value
        self._resolver = Resolver(self._template, values)
        resources = self._resolver.resources
        self.machines = [name for name in resources if self._resolver.kind(name) in MACHINE_TYPES]

    def functions(self) -> dict[str, TemplateFunction]:
        """Its Lambda functions by logical id. Raises: ConfigurationError."""
        try:
            return functions_of(self._template, self._resolver, self._document.file.parent)
        except ConfigurationError as error:
            raise self._trouble(("Resources",), error) from error

    def machine_type(self, name: str) -> Literal["STANDARD", "EXPRESS"]:
        """What a state machine runs as."""
        properties = self._resolver.properties(name)
        found = self._resolver.resolve(properties.get("Type", properties.get("StateMachineType")))
        return "EXPRESS" if found == "EXPRESS" else "STANDARD"

    def substitutions(self, name: str) -> dict[str, str]:
        """The values of a state machine's DefinitionSubstitutions. Raises: ConfigurationError."""
        path = ("Resources", name, "Properties", "DefinitionSubstitutions")
        try:
            found = self._resolver.resolve(self._resolver.properties(name).get("DefinitionSubstitutions"))
        except ConfigurationError as error:
            raise self._trouble(path, error) from error
        return {key: as_text(value) for key, value in section({"": found}, "").items()}

    def definition(self, name: str) -> Placed:
        """The definition of a state machine, its placeholders not filled in.

        Raises: UnreadableDefinition where it is not in the template or in a file that the template names.
        """
        properties = self._resolver.properties(name)
        path: tuple[Step, ...] = ("Resources", name, "Properties")
        given = next((key for key in _PROPERTIES if key in properties), None)
        if given is None:
            raise self._trouble(path, f"it has none of {', '.join(_PROPERTIES)}")
        try:
            if given in ("Definition", "DefinitionString"):
                return inline_definition(self._resolver, self._document, (*path, given), properties[given])
            return named_file(self._resolver, self._document, properties[given])
        except UnreadableDefinition:
            raise
        except ConfigurationError as error:
            raise self._trouble((*path, given), error) from error

    def _trouble(self, path: tuple[Step, ...], error: ConfigurationError | str) -> UnreadableDefinition:
        who = f"{path[1]}: " if len(path) > 1 else ""
        return trouble_at(self._document, path, f"{who}{error}", error)


def is_template(value: AnyJSON) -> bool:
    """Whether a document is a SAM or CloudFormation template."""
    if not isinstance(value, dict) or "StartAt" in value or "States" in value:
        return False
    return "AWSTemplateFormatVersion" in value or isinstance(value.get("Resources"), dict)
