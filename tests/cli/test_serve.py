"""`pupline asl serve`: options that are refused before anything is opened."""

from pathlib import Path

import click
import pytest

from pupline.cli._serve import serve
from pupline.errors import ConfigurationError


@pytest.mark.parametrize(
    ("words", "error", "text"),
    [
        (["--host", "0.0.0.0"], ConfigurationError, "add --expose"),  # noqa: S104 - it is refused
        (["--host", "example.com"], ConfigurationError, "add --expose"),
        (["--account", "12"], click.BadParameter, "twelve digits"),
        (["--function", "Charge"], click.BadParameter, "NAME=module:callable"),
        (["--function", "a=m:f", "--function", "a=m:g"], click.BadParameter, "two functions"),
    ],
)
def test_options_that_cannot_be_are_refused(
    tmp_path: Path, words: list[str], error: type[Exception], text: str
) -> None:
    """A host that other machines reach needs --expose; nothing is created."""
    with pytest.raises(error, match=text):
        serve.main([*words, "--data", str(tmp_path / "data")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []
