"""The page about the console itself: its keys, its API, its version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline import __version__
from pupline.console.web import Console


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API. parameters: the names of those in its query."""

    method: str
    path: str
    summary: str
    parameters: tuple[str, ...]


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/about")
    def about(request: Request) -> Response:
        found = operations_by_area(request.app.openapi())
        origin = str(request.base_url).rstrip("/")
        return console.page(request, "about/about.html", version=__version__, origin=origin, operations_by_area=found)

    return router


def operations_by_area(document: Mapping[str, Any]) -> Mapping[str, Sequence[Operation]]:
    """The operations of an OpenAPI document, by their first tag."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document.get("paths", {}).items():
        for method, operation in methods.items():
            text = operation.get("description") or operation.get("summary", "")
            names = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"]
            row = Operation(method.upper(), path, text.partition("\n")[0], tuple(names))
            found.setdefault(operation.get("tags", ["other"])[0], []).append(row)
    return found
