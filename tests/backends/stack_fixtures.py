"""A fake deployed stack around each test: environment, moto, and the two services on 127.0.0.1."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.loaders import create_loader
from moto import mock_aws

from tests.backends.stack_fakes import REGION, START, FakeStack, FakeStates, deployed_resources, serving

_MODELS = create_loader()
"""botocore's descriptions of the services, read once for all tests: every session reads them anew by itself."""


@contextmanager
def fake_stack(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[FakeStack]:
    """The stack `pupline` in an account that only exists here."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setattr("botocore.session.create_loader", lambda _: _MODELS)
    monkeypatch.setattr("pupline.backends.stack._records.today", lambda: datetime.fromtimestamp(START, UTC).date())
    with mock_aws():
        stack = FakeStack(FakeStates(), deployed_resources())
        with serving(stack) as endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", endpoint)
            monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint)
            monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", endpoint)
            yield stack
