"""The Lambda functions of a template: where their code is, and how it is called."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pupline.definitions.templates._references import FUNCTION_TYPES
from pupline.definitions.templates._resolver import Resolver, as_text, section
from pupline.json_values import AnyJSON


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A Lambda function in a template.

    name: its FunctionName, where the template gives one. code: the directory or archive of CodeUri, absolute; None
    where the code is in S3, in an image, or in the template itself (inline_code). handler: such as `app.handler`.
    environment: its variables, as far as the template says.
    """

    logical_id: str
    name: str | None
    code: Path | None
    inline_code: str | None
    handler: str | None
    runtime: str | None
    environment: Mapping[str, str]


def functions_of(template: dict[str, AnyJSON], resolver: Resolver, folder: Path) -> dict[str, TemplateFunction]:
    """The functions of a template by logical id. folder: the template's, which paths in it are relative to."""
    shared = section(section(template, "Globals"), "Function")
    return {
        name: _function(name, resolver, shared if kind == FUNCTION_TYPES[0] else {}, folder)
        for name in resolver.resources
        if (kind := resolver.kind(name)) in FUNCTION_TYPES
    }


def _function(name: str, resolver: Resolver, shared: dict[str, AnyJSON], folder: Path) -> TemplateFunction:
    own = resolver.properties(name)
    found = resolver.resolve({**shared, **own})
    code = found.get("CodeUri", found.get("Code"))
    inline = found.get("InlineCode", code.get("ZipFile") if isinstance(code, dict) else None)
    variables = {
        **section(section(resolver.resolve(shared), "Environment"), "Variables"),
        **section(section(found, "Environment"), "Variables"),
    }
    return TemplateFunction(
        logical_id=name,
        name=_text(found.get("FunctionName")),
        code=(folder / code).resolve() if isinstance(code, str) and "://" not in code else None,
        inline_code=_text(inline),
        handler=_text(found.get("Handler")),
        runtime=_text(found.get("Runtime")),
        environment={key: as_text(value) for key, value in variables.items()},
    )


def _text(value: AnyJSON) -> str | None:
    return value if isinstance(value, str) else None
