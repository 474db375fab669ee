"""API of `overview`."""

from fastapi import APIRouter

from pupline.console.web import Console


def api(console: Console) -> APIRouter:  # noqa: ARG001
    """The API of this area."""
    return APIRouter(tags=["overview"])
