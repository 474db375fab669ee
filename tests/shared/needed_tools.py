"""Tests that need a tool outside of `.venv`, which `make aws-tools` and `make loaders` install."""

import os

import pytest

IN_CI = os.environ.get("CI") == "true"
"""With it, `make test` has installed every tool: a test that misses one has to fail."""


def needs(missing: str | None) -> pytest.MarkDecorator:
    """Skip the tests where something is missing, except in CI. missing: what, and how to install it, or None."""
    return pytest.mark.skipif(missing is not None and not IN_CI, reason=str(missing))
