"""Responses that can hold any text: JSON, and so a state's name or a cause, may name half a surrogate pair."""

import json
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse


class AsciiJSONResponse(JSONResponse):
    """JSON in ASCII, with escapes for all other characters."""

    def render(self, content: Any) -> bytes:
        """The text. Raises: ValueError for NaN and infinities."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")


class PageResponse(HTMLResponse):
    """A page. What UTF-8 cannot hold, in an attribute say, becomes a question mark."""

    def render(self, content: Any) -> bytes:
        """The page in UTF-8."""
        return str(content).encode("utf-8", "replace")
