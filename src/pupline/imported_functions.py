"""Functions that an option names: NAME=module:callable.

A leaf: every room may import it. The module is imported, so this runs the user's code.
"""

import importlib
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pupline.errors import ConfigurationError
from pupline.text import printable


def functions_from(options: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """The functions of several options by their names. Raises ConfigurationError, also for a name that comes twice."""
    found: dict[str, Callable[..., Any]] = {}
    for option in options:
        name, function = function_from(option)
        if name in found:
            raise ConfigurationError(f"{printable(name)} is given two functions")
        found[name] = function
    return found


def function_from(option: str) -> tuple[str, Callable[..., Any]]:
    """(name, function) of `NAME=module:callable`, such as `Charge=app.payments:charge`.

    NAME may hold `=`, as the module's place cannot. The module is looked for in the current directory first.
    Raises: ConfigurationError for another form, a module that cannot be imported, and what is not callable.
    """
    name, equals, place = option.rpartition("=")
    module_name, colon, attribute = place.partition(":")
    if not (equals and colon and name and module_name and attribute):
        raise ConfigurationError(f"{printable(option)!r} is not NAME=module:callable, such as Charge=payments:charge")
    found = _module(module_name)
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as err:
            raise ConfigurationError(f"{printable(place)}: {printable(str(err))}") from err
    if not callable(found):
        raise ConfigurationError(f"{printable(place)} is a {type(found).__name__}, which cannot be called")
    return name, found


def _module(name: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as err:
        what = f"{type(err).__name__}: {err}"
        raise ConfigurationError(f"the module {printable(name)} cannot be imported: {printable(what)}") from err
