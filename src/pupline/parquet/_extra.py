"""The extra package that Parquet needs."""

from importlib.util import find_spec

from pupline.errors import ConfigurationError
from pupline.text import printable

MISSING = (
    "Parquet needs an extra package: pip install 'pupline[parquet]'"
    " (with pipx: pipx inject pupline pyarrow; with uv: uv tool install --with pyarrow pupline; in a clone: make run)"
)
"""What is missing and how to install it, on one line."""


def installed() -> bool:
    """Whether the package is there. It is not imported for that."""
    return find_spec("pyarrow") is not None


def require() -> None:
    """Import the package. Raises: ConfigurationError where it is missing or cannot be loaded."""
    if not installed():
        raise ConfigurationError(MISSING)
    try:
        import pyarrow
        import pyarrow.parquet  # noqa: F401 - a wheel without it, or one of another system
    except ImportError as err:
        raise ConfigurationError(
            f"pyarrow, which Parquet needs, is installed but cannot be loaded: {printable(str(err), 200)};"
            " install it again: pip install --force-reinstall 'pupline[parquet]'"
        ) from err


def why_unavailable() -> str | None:
    """Why Parquet cannot be written or read here, as `require` says it; None where it can."""
    try:
        require()
    except ConfigurationError as err:
        return str(err)
    return None
