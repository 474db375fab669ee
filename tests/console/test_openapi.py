"""The API is what its OpenAPI document says: schemathesis makes requests from it, valid and invalid ones."""

import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import InvalidURL
from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis.errors import Unsatisfiable

from pupline.console import ConsoleSettings, create_app
from tests.console.conftest import console_client, headers_for_writing

METHODS = {"get", "post", "delete"}

STREAMS = {"GET /api/live"}
"""They do not end."""


def test_the_document_is_complete(client: TestClient) -> None:
    """Every operation says what it does, what it answers, and each error that our rules add."""
    answer = client.get("/api/openapi.json")
    document = answer.json()
    assert "HTTPValidationError" not in answer.text
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method.upper()} {path}"
            assert method in METHODS, where
            assert operation.get("description"), f"{where} has no docstring"
            assert {"400", "404", "421", "503"} <= set(operation["responses"]), where
            assert "422" not in operation["responses"], where
            assert ("403" in operation["responses"]) == (method != "get"), where
            for status, response in operation["responses"].items():
                json_content = response.get("content", {}).get("application/json", {"schema": {}})
                assert "schema" in json_content, f"{where} {status} has no schema"


def test_the_documents_of_fastapi_are_off(client: TestClient) -> None:
    """Its pages load scripts from elsewhere."""
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_the_page_lists_the_api(client: TestClient) -> None:
    """Each operation of the document, and the keys."""
    page = client.get("/about").text
    for path in client.get("/api/openapi.json").json()["paths"]:
        assert path in page
    assert "Keyboard" in page


def test_scripts_find_what_they_need_to_act(client: TestClient, write_headers: dict[str, str]) -> None:
    """The token that writes need, where this console writes at all."""
    about = client.get("/api/about").json()
    assert about["write_token"] == write_headers["X-Pupline-Token"]
    assert (about["can_write"], about["stack"]) == (True, None)


def test_a_script_of_a_console_that_only_reads_gets_no_token(world: Path) -> None:
    """It would be of no use."""
    client = console_client(create_app(ConsoleSettings(data_dir=world, allow_writes=False)))
    assert client.get("/api/about").json()["write_token"] is None


def operations(document: Any) -> dict[str, Any]:
    """The operations of the API by name, as schemathesis sees them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import schemathesis.openapi

        schema = schemathesis.openapi.from_dict(document)
        found: Any = [operation.ok() for operation in schema.get_all_operations()]  # type: ignore[union-attr]
        return {operation.label: operation for operation in found}


@pytest.fixture
def own_client(own_world: Path) -> TestClient:
    """A client of a console over a copy of the sample data. It is not started, so its jobs wait."""
    return console_client(create_app(ConsoleSettings(data_dir=own_world)))


@pytest.mark.slow
@pytest.mark.long
def test_answers_are_as_documented(own_client: TestClient) -> None:
    """For requests made from the document: no error of ours, a documented status, and the documented schema."""
    headers = headers_for_writing(own_client)
    for name, operation in operations(own_client.get("/api/openapi.json").json()).items():
        if name not in STREAMS:
            check(own_client, operation, headers)


def check(client: TestClient, operation: Any, headers: dict[str, str]) -> None:
    """Send requests of one operation, and validate the answers."""
    from schemathesis import GenerationMode
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

    def send(case: Any) -> None:
        arguments = case.as_transport_kwargs(base_url=str(client.base_url), headers=headers)
        del arguments["cookies"]
        if isinstance(arguments.get("data"), bytes | str):
            arguments["content"] = arguments.pop("data")
        try:
            answer = client.request(**arguments, follow_redirects=False)
        except InvalidURL:  # a client does not send one of 64 kB
            reject()
        case.validate_response(answer, checks=checks)

    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        examine = settings(
            max_examples=6,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(case=operation.as_strategy(generation_mode=mode))(send))
        with suppress(Unsatisfiable):  # nothing about it can be invalid
            examine()
