"""What the stored position of any listing says of it, without the listing: a list needs no paginators."""

import json
from collections.abc import Mapping
from typing import Any

from pupline.tasks.left_out import LeftOut


def shortfall_of(position: str | None) -> str | None:
    """The `shortfall` of the listing at `position`; None where it had none, or for another kind of position."""
    short = _state_of(position).get("short")
    return short if isinstance(short, str) else None


def left_out_of(position: str | None) -> LeftOut:
    """What the listing at `position` left out; nothing for another kind of position."""
    return LeftOut.from_json(_state_of(position).get("left_out"))


def _state_of(position: str | None) -> Mapping[str, Any]:
    try:
        state = json.loads(position or "null")
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
