"""The OpenAPI document: what FastAPI knows of the routes, with the errors and the headers that our rules add."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from pupline import __version__
from pupline.console.web import ErrorModel

_DESCRIPTION = """Everything that the console's pages show and do.

Reading needs nothing, or the console's token as Bearer where it was started with one. A request that changes something
is JSON and has the header X-Pupline-Token, with the `write_token` of `/api/about`, and the Origin of the console."""

_ERRORS = {
    "400": "The request cannot be understood.",
    "401": "The console needs its token.",
    "404": "There is no such thing.",
    "421": "The Host header does not name this console.",
    "500": "An error in pupline.",
    "503": "The data directory or the stack cannot be read now.",
}
_WRITING_ERRORS = {
    "403": "The token or the Origin is missing, or this console only reads.",
    "409": "It cannot be done in its present state.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
}
_MODEL = ErrorModel.__name__


def openapi_document(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema is None:
        app.openapi_schema = _described(
            get_openapi(title="pupline console", version=__version__, description=_DESCRIPTION, routes=app.routes)
        )
    return app.openapi_schema


def _described(document: dict[str, Any]) -> dict[str, Any]:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):  # what is not valid is a 400 here
        schemas.pop(unused, None)
    schemas[_MODEL] = ErrorModel.model_json_schema()
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "write_token": {"type": "apiKey", "in": "header", "name": "X-Pupline-Token"},
    }
    for methods in document.get("paths", {}).values():
        for method, operation in methods.items():
            responses = operation["responses"]
            responses.pop("422", None)
            is_write = method != "get"
            for status, text in (_ERRORS | (_WRITING_ERRORS if is_write else {})).items():
                responses.setdefault(status, _error(text))
            operation["security"] = [{"write_token": []}, {"write_token": [], "token": []}] if is_write else _OPTIONAL
    return document


_OPTIONAL: list[dict[str, list[str]]] = [{}, {"token": []}]


def _error(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{_MODEL}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
