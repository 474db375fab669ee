"""The console's own style sheet, script and icons. A request can name only files that were there at the start."""

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import Response

from pupline.console.web import not_found

_FOLDER = Path(__file__).with_name("static")
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
}


@dataclass(frozen=True, slots=True)
class _File:
    """One file, as it is and compressed. Pages are not compressed: they hold a token next to text from outside."""

    body: bytes
    packed: bytes
    media_type: str

    @classmethod
    def read(cls, path: Path) -> "_File":
        body = path.read_bytes()
        return cls(body, gzip.compress(body, mtime=0), _TYPES[path.suffix])


def static_files() -> APIRouter:
    """The routes of the files, which are kept in memory: they are small and few."""
    router = APIRouter()
    files = {path.name: _File.read(path) for path in _FOLDER.iterdir() if path.suffix in _TYPES}

    @router.get("/static/{name}", include_in_schema=False)
    async def static_file(name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
        if name not in files:
            raise not_found("there is no such file")
        found = files[name]
        headers = {"Vary": "Accept-Encoding"}
        if not _takes_gzip(accept_encoding):
            return Response(found.body, media_type=found.media_type, headers=headers)
        return Response(found.packed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})

    @router.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return await static_file("icon.svg")

    return router


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip by name."""
    parts = [part.replace(" ", "").lower().split(";") for part in accepted.split(",")]
    return any(name == "gzip" and not (rest and rest[0] in {"q=0", "q=0.0"}) for name, *rest in parts)
