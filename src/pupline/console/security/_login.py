"""The page on which a browser shows the token once."""

import asyncio
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from pupline.console.security._access import Access
from pupline.console.web import Console, Text

LOGIN = "/login"
_GUESS_SECONDS = 0.5
"""Of each wrong token, and only one is looked at at a time."""


def login_pages(console: Console, access: Access) -> APIRouter:
    """The page and its form. It works without the script."""
    router = APIRouter()
    guessing = asyncio.Lock()

    @router.get(LOGIN)
    async def login(request: Request, next: Text = None) -> Response:  # noqa: A002 - the parameter's name
        return console.page(request, "login.html", next=local_path(next), is_wrong=False)

    @router.post(LOGIN)
    async def log_in(request: Request) -> Response:
        form = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=10)
        target = local_path(form.get("next", [""])[0])
        if not access.is_token(form.get("token", [""])[0].strip()):
            async with guessing:
                await asyncio.sleep(_GUESS_SECONDS)
            return console.page(request, "login.html", status=403, next=target, is_wrong=True)
        return RedirectResponse(target, status_code=303, headers={"Set-Cookie": access.cookie()})

    return router


def local_path(text: str | None) -> str:
    """The text if it is a path of this console, else the path of the first page: no link leads from here elsewhere."""
    is_path = text is not None and text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable()
    return text if is_path and text is not None else "/"
