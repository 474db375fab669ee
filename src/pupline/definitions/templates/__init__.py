"""Templates with state machines and functions in them: SAM, CloudFormation, and the Serverless Framework.

Intrinsic functions are evaluated; what only a deployment knows has a stand-in, or stays a placeholder.
"""

from collections.abc import Mapping

from pupline.definitions._document import Document
from pupline.definitions.templates._functions import TemplateFunction
from pupline.definitions.templates._serverless import ServerlessProject, is_serverless
from pupline.definitions.templates._template import Template, is_template

__all__ = ["ServerlessProject", "Template", "TemplateFunction", "template_of"]


def template_of(document: Document, values: Mapping[str, str]) -> Template | ServerlessProject | None:
    """The template that a document is; None for any other. values: of its parameters, by name.

    Raises: ConfigurationError for one that cannot be read.
    """
    if is_serverless(document.value):
        return ServerlessProject(document, values)
    return Template(document, values) if is_template(document.value) else None
