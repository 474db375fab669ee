"""Tokens that the server did not make."""

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._pages import _digest, page_of
from pupline.stepfunctions.executions._tokens import _read_token
from tests.stepfunctions.api_client import create
from tests.stepfunctions.test_executions import LONG_WAIT, error_of


@given(st.text() | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_a_task_token_is_read_or_refused(token: str) -> None:
    """Never anything else."""
    with suppress(ApiError):
        name, command_id = _read_token(token)
        assert name
        assert command_id


@given(st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
))  # fmt: skip
def test_a_page_token_is_read_or_refused(token: str) -> None:
    """Never anything else."""
    with suppress(ApiError):
        page_of("ListThings", {"nextToken": token}, lambda _place, _limit: [], str)


def test_a_page_token_with_another_place(client: Any) -> None:
    """A place that is not a number, or too large for one, is an invalid token."""
    machine = create(client, "pages", W=LONG_WAIT)
    for place in ("x", "9" * 40, "-1", "\uff11"):
        content = [_digest("ListExecutions", {"stateMachineArn": machine}), place]
        token = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        assert error_of(lambda token=token: client.list_executions(stateMachineArn=machine, nextToken=token)) == (
            "InvalidToken",
            "Invalid Token: 'Invalid token'",
        )
