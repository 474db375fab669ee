"""The state machines of a Serverless Framework project: `stepFunctions.stateMachines` of its serverless.yml.

Its variables, such as ${self:service}, stay placeholders, except for files: `${file(machines/order.yml)}`.
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from pupline.definitions._document import Document, read_document
from pupline.definitions._marks import Step
from pupline.definitions._placed import Placed, trouble_at
from pupline.definitions._unreadable import UnreadableDefinition
from pupline.definitions.templates._functions import TemplateFunction
from pupline.definitions.templates._inline import MAX_DEPTH, inline_definition
from pupline.definitions.templates._resolver import Resolver, as_text, section
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, deeper_than
from pupline.text import printable

_FILE = re.compile(r"\$\{file\(([^(){}]{1,400})\)(?::([\w.-]{1,200}))?\}")
_MAX_FILES = 10
"""Files that lead to one another from one place."""


class _Part(NamedTuple):
    """A value, and where it stands in which document."""

    document: Document
    path: tuple[Step, ...]
    value: AnyJSON

    def member(self, name: str) -> "_Part":
        """A member of an object; its value is None where there is none."""
        return _Part(self.document, (*self.path, name), section({"": self.value}, "").get(name)).followed()

    def followed(self) -> "_Part":
        """What stands in the file that this part names; itself where it names none."""
        part = self
        for _ in range(_MAX_FILES):
            found = _FILE.fullmatch(part.value.strip()) if isinstance(part.value, str) else None
            if found is None:
                return part
            document = _document(part, found[1].strip())
            part = _Part(document, (), document.value)
            for key in found[2].split(".") if found[2] else ():
                part = _Part(document, (*part.path, key), section({"": part.value}, "").get(key))
        raise part.trouble("its files lead to one another")

    def trouble(self, problem: str) -> UnreadableDefinition:
        """An error at this place."""
        return trouble_at(self.document, self.path, problem, problem)


def _document(part: _Part, name: str) -> Document:
    file = part.document.file.parent / name
    if file.suffix.lower() not in (".json", ".yaml", ".yml", ".asl"):
        raise part.trouble(f"{printable(name)} is not JSON or YAML; programs are not run")
    document = read_document(file)
    if deeper_than(document.value, MAX_DEPTH):
        raise part.trouble(f"{printable(name)} is nested more than {MAX_DEPTH} levels deep")
    return document


class ServerlessProject:
    """A project. machines: the keys of its state machines. values: of names that it refers to.

    Raises: ConfigurationError for a file that it names and that cannot be read.
    """

    def __init__(self, document: Document, values: Mapping[str, str]) -> None:
        root = _Part(document, (), document.value)
        if deeper_than(document.value, MAX_DEPTH):
            raise root.trouble(f"the file is nested more than {MAX_DEPTH} levels deep")
        self._folder = document.file.parent
        self._functions = section({"": root.member("functions").value}, "")
        resources = section({"": root.member("resources").member("Resources").value}, "")
        functions = {name: {"Type": "AWS::Lambda::Function"} for name in self._functions}
        # The framework calls the function `hello` HelloLambdaFunction in CloudFormation.
        self._resolver = Resolver(
            {"Resources": {**resources, **{_logical_id(name): one for name, one in functions.items()}, **functions}},
            values,
            {_logical_id(name): name for name in functions},
        )
        self._machines = root.member("stepFunctions").member("stateMachines")
        self.machines = list(section({"": self._machines.value}, ""))

    def functions(self) -> dict[str, TemplateFunction]:
        """Its Lambda functions by their keys; the code of all is the project's directory."""
        found = {}
        for name, value in self._functions.items():
            own = section({"": value}, "")
            variables = section(own, "environment").items()
            found[name] = TemplateFunction(
                logical_id=name,
                name=own["name"] if isinstance(own.get("name"), str) else None,
                code=self._folder.resolve(),
                inline_code=None,
                handler=own["handler"] if isinstance(own.get("handler"), str) else None,
                runtime=own["runtime"] if isinstance(own.get("runtime"), str) else None,
                environment={key: as_text(self._resolver.resolve(one)) for key, one in variables},
            )
        return found

    def machine_type(self, name: str) -> Literal["STANDARD", "EXPRESS"]:
        """What a state machine runs as."""
        return "EXPRESS" if self._machines.member(name).member("type").value == "EXPRESS" else "STANDARD"

    def substitutions(self, name: str) -> dict[str, str]:  # noqa: ARG002 - as Template has it
        """The values that the project gives to placeholders: none."""
        return {}

    def definition(self, name: str) -> Placed:
        """The definition of a state machine. Raises: ConfigurationError where it is not in the project's files."""
        part = self._machines.member(name).member("definition")
        try:
            return inline_definition(self._resolver, *part)
        except UnreadableDefinition:
            raise
        except ConfigurationError as error:
            raise trouble_at(part.document, part.path, f"{name}: {error}", error) from error


def _logical_id(name: str) -> str:
    return name[:1].upper() + name[1:].replace("-", "Dash").replace("_", "Underscore") + "LambdaFunction"


def is_serverless(value: AnyJSON) -> bool:
    """Whether a document is a Serverless Framework project with state machines."""
    return isinstance(value, dict) and isinstance(value.get("stepFunctions"), (dict, str))
