"""Live updates: which topics have changed, as server-sent events.

Topics are `executions`, `execution:NAME`, `ingests`, `records`, `alerts` and `jobs`.
"""

from fastapi import APIRouter

from pupline.console.live._api import api
from pupline.console.live._hub import Hub
from pupline.console.live._watches import hub_of

__all__ = ["Hub", "api", "hub_of", "pages"]


def pages(_console: object) -> APIRouter:
    """Nothing: this area has no pages."""
    return APIRouter()
