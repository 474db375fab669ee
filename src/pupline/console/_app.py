"""The application: the areas, the static files, errors, and the rules that hold for every request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio.to_thread
from fastapi import Depends, FastAPI
from starlette.types import Receive, Scope, Send

from pupline.console import (
    about,
    alerts,
    audit,
    executions,
    gallery,
    ingests,
    insights,
    jobs,
    live,
    overview,
    sources,
    start,
)
from pupline.console._errors import add_error_pages
from pupline.console._openapi import openapi_document
from pupline.console._static_files import static_files
from pupline.console.security import Access, Hosts, Protection, login_pages
from pupline.console.web import AsciiJSONResponse, Console, ConsoleSettings, ListPreparation, check_parameters

AREAS = (overview, executions, gallery, audit, alerts, insights, ingests, sources, start, jobs, about, live)
"""Each has `pages(console)` and `api(console)`. The order matters only where paths overlap."""

API = "/api"

_THREADS = 16
"""Handlers that run at the same time. Twice as many as may read, so that a few slow reads leave room for others."""


class ConsoleApp(FastAPI):
    """The application behind its protection, which has to be outside of everything, error pages too."""

    console: Console
    protection: Protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.protection(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return openapi_document(self)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that the protection has let through."""
        if scope["type"] == "http":  # of before the page reads anything
            scope["state"] = {**scope.get("state", {}), "live_cursor": self.console.live.cursor}
        await super().__call__(scope, receive, send)


def create_app(settings: ConsoleSettings) -> ConsoleApp:
    """The console as an ASGI application. Raises: ConfigurationError where the data directory cannot be used."""
    console = Console(settings)
    console.live = live.hub_of(settings, console.jobs.cursor)
    console.prepare()
    app = ConsoleApp(
        title="pupline",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        dependencies=[Depends(check_parameters)],
        lifespan=_lifespan,
        redirect_slashes=False,
        default_response_class=AsciiJSONResponse,
    )
    app.console = app.state.console = console
    access = Access(settings.token, settings.port)
    app.protection = Protection(
        app.answer,
        hosts=Hosts(settings.host, settings.port, settings.allowed_hosts),
        access=access,
        write_token=console.write_token,
        can_write=settings.can_write,
    )
    app.include_router(static_files())
    if access.is_needed:
        app.include_router(login_pages(console, access), include_in_schema=False)
    for area in AREAS:
        app.include_router(area.pages(console), include_in_schema=False)
        app.include_router(area.api(console), prefix=API)
    add_error_pages(app, console)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    console: Console = app.state.console
    anyio.to_thread.current_default_thread_limiter().total_tokens = _THREADS
    console.jobs.start()
    preparation = ListPreparation(console.reader)
    preparation.start()
    yield
    preparation.stop()
    await console.live.stop()
    console.close()
