"""URLs of the console's pages."""

from collections.abc import Iterable
from urllib.parse import quote, urlencode


def path_of(*segments: str) -> str:
    """The path with these segments, each percent-encoded: `path_of("executions", "a b")` is `/executions/a%20b`."""
    return "/" + "/".join(quote(segment, safe="", errors="replace") for segment in segments)


def with_parameters(path: str, parameters: Iterable[tuple[str, object]]) -> str:
    """The path with query parameters. Those that are None are left out."""
    given = [(name, str(value)) for name, value in parameters if value is not None]
    return f"{path}?{urlencode(given, errors='replace')}" if given else path
