"""The console's own style sheet, script and icons. A request can name only files that were there at the start."""

from pathlib import Path

from fastapi import APIRouter
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


def static_files() -> APIRouter:
    """The routes of the files, which are kept in memory: they are small and few."""
    router = APIRouter()
    files = {file.name: (file.read_bytes(), _TYPES[file.suffix]) for file in _FOLDER.iterdir() if file.suffix in _TYPES}

    @router.get("/static/{name}", include_in_schema=False)
    async def static_file(name: str) -> Response:
        if name not in files:
            raise not_found("there is no such file")
        body, media_type = files[name]
        return Response(body, media_type=media_type)

    @router.get("/favicon.ico", include_in_schema=False)
    async def favicon() -> Response:
        return await static_file("icon.svg")

    return router
