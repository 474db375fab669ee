"""The bodies of requests: understood or refused with one clear line, never ignored."""

import pytest
from fastapi.testclient import TestClient

from tests.console.conftest import headers_for_writing


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("executions/redrive", "[", "the body: it is not valid JSON"),
        ("executions/redrive", "[" * 50_000, "the body"),
        ("executions/redrive", "[]", "the body: write a JSON object"),
        ("executions/redrive", "{}", "names: it is missing"),
        ("executions/redrive", '{"names": []}', "names: give at least 1 value"),
        ("executions/redrive", '{"names": [1]}', "names: write a text"),
        ("executions/redrive", '{"names": ["a\\u0000"]}', "the body: names contains a NUL character"),
        ("executions/redrive", '{"names": ["\\ud800"]}', "the body: names contains half of a character"),
        ("executions/stop", '{"names": ["\\ud800"]}', "half of a character"),
        ("executions/again", '{"names": ["\\ud800"]}', "half of a character"),
        ("runs", '{"source": "\\udfff"}', "half of a character"),
        ("runs", '{"cuont": 5}', "cuont: there is no such field"),
        ("runs", '{"count": 1e400}', "count"),
        ("ingests", '{"source": "x", "rate": NaN}', "rate"),
        ("schedule", '{"every": "\\ud800"}', "half of a character"),
    ],
)
def test_what_is_refused(client: TestClient, path: str, body: str, message: str) -> None:
    """Nothing is started by a request of which a part would be ignored, or that no command can be given."""
    headers = headers_for_writing(client) | {"Content-Type": "application/json"}
    answer = client.post(f"/api/{path}", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert message in answer.json()["message"]
    assert "nput should" not in answer.text
