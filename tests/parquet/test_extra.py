"""Without the extra package, whoever needs Parquet is told in one line how to install it."""

import sys
from pathlib import Path

import pytest

from pupline.errors import ConfigurationError
from pupline.parquet import ParquetWriter, installed, require


def test_it_is_there_in_development() -> None:
    """The tests of everything else need it."""
    assert installed()
    require()


def test_a_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On one line, before any file is opened."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert not installed()
    with pytest.raises(ConfigurationError) as raised:
        ParquetWriter(tmp_path / "a.parquet", [("url", "text")])
    assert str(raised.value).startswith("Parquet needs an extra package: pip install 'pupline[parquet]' (")
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_a_package_that_cannot_be_loaded_is_not_called_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing it once more is another command."""
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigurationError, match=r"installed but cannot be loaded: .*--force-reinstall"):
        require()
