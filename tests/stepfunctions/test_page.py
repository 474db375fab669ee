"""docs/step-functions-api.md says what the server does."""

import re
from pathlib import Path

from pupline.stepfunctions._api import _OPERATIONS, MAX_BODY_BYTES
from pupline.stepfunctions.http import Limits
from pupline.stepfunctions.protocol import load_service

PAGE = (Path(__file__).parents[2] / "docs" / "step-functions-api.md").read_text()


def test_the_page_lists_the_operations() -> None:
    """All that the service has, all of which are answered."""
    table = PAGE.split("| operations | |")[1].split("\n\n")[0]
    listed = re.findall(r"`([A-Z]\w+)`", "".join(row.split("|")[1] for row in table.splitlines() if "|" in row))
    assert sorted(listed) == sorted(_OPERATIONS) == sorted(load_service().inputs)


def test_the_page_has_the_bounds() -> None:
    """Of requests and connections."""
    limits = Limits(body_bytes=MAX_BODY_BYTES)
    text = " ".join(PAGE.split())
    assert MAX_BODY_BYTES == 8 * 1024 * 1024
    assert (limits.request_seconds, limits.idle_seconds) == (30, 60)
    assert "at most 8 MiB and half a minute, a connection a minute between requests" in text
    assert f"at most {limits.connections} connections" in text
