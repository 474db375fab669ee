"""API of `about`: what a script needs before it can act."""

from fastapi import APIRouter
from pydantic import BaseModel

from pupline import __version__
from pupline.console.web import Console


class AboutModel(BaseModel):
    """What this console shows. data: the data directory; stack: instead of it.

    can_write: whether the API can act; then write_token is the X-Pupline-Token that it asks for.
    """

    version: str
    data: str | None
    stack: str | None
    can_write: bool
    write_token: str | None


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["about"])
    settings = console.settings

    @router.get("/about")
    def about() -> AboutModel:
        """What this console shows, and the token with which it acts."""
        return AboutModel(
            version=__version__,
            data=str(settings.data_dir) if settings.stack is None else None,
            stack=settings.stack,
            can_write=settings.can_write,
            write_token=console.write_token if settings.can_write else None,
        )

    return router
