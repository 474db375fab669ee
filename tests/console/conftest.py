"""The console in this process, over one sample data directory that all tests read."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from tests.shared.console_world import shared_world

ORIGIN = "http://127.0.0.1:8084"


def console_client(app: FastAPI) -> TestClient:
    """A client of the application, at the address that its settings have by default."""
    return TestClient(app, base_url=ORIGIN)


@pytest.fixture(scope="session")
def world(request: pytest.FixtureRequest) -> Path:
    """The sample data directory of `tests.shared.console_world`. Do not write to it."""
    return shared_world(Path(request.config.cache.mkdir("console-world")))


@pytest.fixture(scope="session")
def client(world: Path) -> Iterator[TestClient]:
    """A client of the console over the sample data directory."""
    with console_client(create_app(ConsoleSettings(data_dir=world))) as found:
        yield found


@pytest.fixture(scope="session")
def empty_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of the console over an empty data directory."""
    with console_client(create_app(ConsoleSettings(data_dir=tmp_path_factory.mktemp("empty")))) as found:
        yield found


@pytest.fixture
def own_world(world: Path, tmp_path: Path) -> Path:
    """A copy of the sample data directory, to write to."""
    return Path(shutil.copytree(world, tmp_path / "data"))


@pytest.fixture(scope="session")
def write_headers(client: TestClient) -> dict[str, str]:
    """The headers of a request to `client` that changes something."""
    return headers_for_writing(client)


def headers_for_writing(client: TestClient) -> dict[str, str]:
    """The headers of a request that changes something."""
    app = client.app
    assert isinstance(app, FastAPI)
    return {"Origin": ORIGIN, "X-Pupline-Token": app.state.console.write_token}
