"""The application: the areas, the static files, errors, and the rules that hold for every request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI

from pupline.console import (
    about,
    alerts,
    audit,
    executions,
    gallery,
    ingests,
    insights,
    jobs,
    overview,
    sources,
    start,
)
from pupline.console._errors import add_error_pages
from pupline.console._static_files import static_files
from pupline.console.security import Hosts, Protection
from pupline.console.web import Console, ConsoleSettings, check_parameters

AREAS = (overview, executions, gallery, audit, alerts, insights, ingests, sources, start, jobs, about)
"""Each has `pages(console)` and `api(console)`. The order matters only where paths overlap."""

API = "/api"


def create_app(settings: ConsoleSettings) -> FastAPI:
    """The console as an ASGI application. Raises: ConfigurationError where the data directory cannot be used."""
    console = Console(settings)
    console.prepare()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        console.jobs.start()
        yield
        console.close()

    app = FastAPI(
        title="pupline",
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
        dependencies=[Depends(check_parameters)],
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.console = console
    app.include_router(static_files())
    for area in AREAS:
        app.include_router(area.pages(console), include_in_schema=False)
        app.include_router(area.api(console), prefix=API)
    add_error_pages(app, console)
    app.add_middleware(
        Protection,
        hosts=Hosts(settings.host, settings.port, settings.allowed_hosts),
        write_token=console.write_token,
        can_write=settings.can_write,
    )
    return app
