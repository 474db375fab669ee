"""Loading definitions by name: `FILE` or `FILE#Resource`."""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from pupline.definitions._document import Document, read_document
from pupline.definitions._loaded import LoadedDefinition
from pupline.definitions._placed import Placed, part_of
from pupline.definitions._placeholders import filled, mapped_texts, placeholder_names
from pupline.definitions._unreadable import UnreadableDefinition
from pupline.definitions.templates import ServerlessProject, Template, TemplateFunction, template_of
from pupline.errors import ConfigurationError
from pupline.text import nearest, printable

_NOT_AN_OBJECT = "Definition must be a valid JSON object with StartAt and States"
_NO_DEFINITION = "SCHEMA_VALIDATION_FAILED"
NO_SUBSTITUTIONS: Mapping[str, str] = MappingProxyType({})


def load_definition(spec: str | Path, substitutions: Mapping[str, str] = NO_SUBSTITUTIONS) -> LoadedDefinition:
    """The definition that a spec names: a file with a definition, or `template.yaml#Resource`.

    substitutions: values of placeholders, and of a template's parameters, by name. The resource may be left out where
    the template has one state machine.
    Raises: ConfigurationError in one line when there is no such definition; UnreadableDefinition, with line and column,
    when the file is not JSON or YAML.
    """
    file, resource = _parts(spec)
    document = read_document(file)
    template = template_of(document, substitutions)
    shown = printable(str(file), 1000)
    if template is None:
        if resource is not None:
            raise ConfigurationError(f"{shown} is not a template: leave out #{printable(resource)}")
        return plain_definition(document, substitutions)
    names = ", ".join(f"{shown}#{printable(name)}" for name in template.machines)
    if resource is None and len(template.machines) == 1:
        resource = template.machines[0]
    if resource is None:
        has = f"has several state machines; name one: {names}" if names else "is a template without a state machine"
        raise ConfigurationError(f"{shown} {has}")
    if resource not in template.machines:
        near = nearest(resource, template.machines)
        hint = f"Did you mean {shown}#{printable(near)}?" if near else f"It has {names or 'none'}"
        raise ConfigurationError(f"{shown} has no state machine {printable(resource)}. {hint}")
    return template_definition(file, template, resource, substitutions)


def template_functions(file: str | Path) -> dict[str, TemplateFunction]:
    """The Lambda functions of a template, by logical id. Raises: ConfigurationError, as `load_definition`."""
    template = template_of(read_document(Path(file)), NO_SUBSTITUTIONS)
    if template is None:
        raise ConfigurationError(f"{printable(str(file), 1000)} is not a template with Resources")
    return template.functions()


def plain_definition(document: Document, substitutions: Mapping[str, str]) -> LoadedDefinition:
    """The definition that a document is. Raises: UnreadableDefinition where it is not an object."""
    if not isinstance(document.value, dict):
        raise UnreadableDefinition(document.file, _NOT_AN_OBJECT, 1, 1, _NO_DEFINITION)
    return _loaded(part_of(document, (), document.value), substitutions)


def template_definition(
    file: Path, template: Template | ServerlessProject, name: str, substitutions: Mapping[str, str]
) -> LoadedDefinition:
    """A state machine of a template. Raises: UnreadableDefinition."""
    placed = template.definition(name)
    if not isinstance(placed.value, dict):
        raise UnreadableDefinition(placed.file, f"{name}: {_NOT_AN_OBJECT}", *placed.find(()), _NO_DEFINITION)
    given = template.substitutions(name)
    own = {**given, **substitutions}
    # Within a template there are references, too, that only a deployment can fill in.
    unknown = [each for each in placeholder_names(placed.value) if each not in own] if placed.file != file else []
    return replace(
        _loaded(placed, own),
        unknown=tuple(unknown) if given else (),
        substitutions=tuple(own),
        type=template.machine_type(name),
        resource=name,
        template=file,
        find_functions=template.functions,
    )


def _loaded(placed: Placed, values: Mapping[str, str]) -> LoadedDefinition:
    definition = mapped_texts(filled(placed.value, values), str)  # a plain text, also for a BarePlaceholder
    return LoadedDefinition(
        definition=definition,
        file=placed.file,
        placeholders=tuple(placeholder_names(definition)),
        repeated=placed.repeated,
        find=placed.find,
    )


def _parts(spec: str | Path) -> tuple[Path, str | None]:
    """The file and the resource of a spec; a file whose own name has a # in it is taken first."""
    text = str(spec)
    name, mark, resource = text.rpartition("#")
    if not mark or not name or not resource or os.path.exists(text):  # noqa: PTH110 - Path raises for a long name
        return Path(text), None
    return Path(name), resource
