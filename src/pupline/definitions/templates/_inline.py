"""A definition in a template: an object, a text, a function that gives one of them, or the name of a file."""

import os
from dataclasses import replace
from pathlib import Path

from pupline.definitions._document import Document
from pupline.definitions._marks import Step
from pupline.definitions._placed import Placed, joined_text, part_of, text_in, whole_file
from pupline.definitions._placeholders import filled_by, is_placeholder
from pupline.definitions._unreadable import DefinitionElsewhere
from pupline.definitions.templates._resolver import Resolver, intrinsic_function, section
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON, deeper_than
from pupline.text import printable

MAX_DEPTH = 200
"""Levels of a template: its functions are evaluated by recursion."""

_NAMES = (".asl", ".json", ".yaml", ".yml", ".template", ".tftpl", ".tpl")
"""How files of definitions end. Files within the template's folder may have any name."""


def inline_definition(resolver: Resolver, document: Document, path: tuple[Step, ...], value: AnyJSON) -> Placed:
    """The definition that stands at a path of a document. Raises: ConfigurationError where it is not known."""
    name = intrinsic_function(value)
    inner = value[name] if name is not None else value
    if name == "Fn::If":
        at, chosen = resolver.chosen(inner)
        return inline_definition(resolver, document, (*path, name, at), chosen)
    if name == "Fn::ToJsonString":
        return inline_definition(resolver, document, (*path, name), inner)
    if name == "Fn::Transform":
        return _included(resolver, document, inner)
    if name == "Fn::Sub":
        text, variables = resolver.sub_parts(inner)
        placed = text_in(document, (*path, name) if isinstance(inner, str) else (*path, name, 0), text)
        return replace(placed, value=filled_by(placed.value, resolver.substitution(variables)))
    if name == "Fn::Join":
        return joined_text(document, (*path, name, 1), *resolver.join_parts(inner))
    found = resolver.resolve(value)
    if not isinstance(found, str):
        return part_of(document, path, found)
    if is_placeholder(found):
        raise DefinitionElsewhere(f"the definition is not in the template: it is {printable(found)}")
    return text_in(document, path, found)


def named_file(resolver: Resolver, document: Document, value: AnyJSON) -> Placed:
    """The definition in a file whose path, relative to the document's, stands in the document."""
    found = resolver.resolve(value)
    if not isinstance(found, str) or found.startswith(("s3://", "https://", "http://")):
        raise DefinitionElsewhere("the definition is in S3: name the file that was put there")
    if "${" in found:
        raise DefinitionElsewhere(f"the file of the definition is not known: {printable(found)}")
    file = document.file.parent / found
    if not _may_be_read(document.file.parent, file):
        raise ConfigurationError(f"{printable(found)} is outside the template's folder, and not named as JSON or YAML")
    return whole_file(file)


def _may_be_read(folder: Path, file: Path) -> bool:
    """Whether a template may name a file: a template from elsewhere must not show what is in a file of any kind."""
    if "\0" in str(file):
        return True  # opening it says why not
    real = Path(os.path.realpath(file))
    return real.name.lower().endswith(_NAMES) or real.is_relative_to(os.path.realpath(folder))


def _included(resolver: Resolver, document: Document, transform: AnyJSON) -> Placed:
    """The file that the macro AWS::Include names."""
    if section({"": transform}, "").get("Name") != "AWS::Include":
        raise DefinitionElsewhere("the definition is made by a macro (Fn::Transform)")
    placed = named_file(resolver, document, section(transform, "Parameters").get("Location"))
    if deeper_than(placed.value, MAX_DEPTH):
        raise ConfigurationError(f"what it includes is nested more than {MAX_DEPTH} levels deep")
    return replace(placed, value=resolver.resolve(placed.value))
