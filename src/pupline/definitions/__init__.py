"""State machine definitions, read from JSON, YAML and templates.

    loaded = load_definition("machine.asl.json")
    loaded = load_definition("template.yaml#OrderMachine", {"TableName": "orders"})
    machine = StateMachine.parse(loaded.definition, type=loaded.type)

A file is a definition in JSON or YAML, or a template: of SAM, CloudFormation or the Serverless Framework. Nothing in a
file is executed.
"""

from pupline.definitions._document import read_document
from pupline.definitions._load import load_definition, template_functions
from pupline.definitions._loaded import LoadedDefinition
from pupline.definitions._marks import Position
from pupline.definitions._scan import Skipped, Unread, find_definitions, load_definitions
from pupline.definitions._unreadable import UnreadableDefinition
from pupline.definitions.templates import TemplateFunction

__all__ = [
    "LoadedDefinition",
    "Position",
    "Skipped",
    "TemplateFunction",
    "Unread",
    "UnreadableDefinition",
    "find_definitions",
    "load_definition",
    "load_definitions",
    "read_document",
    "template_functions",
]
