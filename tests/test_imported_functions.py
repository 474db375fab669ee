"""`NAME=module:callable`: functions that an option names."""

from pathlib import Path

import pytest

from pupline.errors import ConfigurationError
from pupline.imported_functions import function_from, functions_from


def test_a_function_is_imported_from_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module of a project is found where the command runs; an attribute may have dots, a name may have `=`."""
    (tmp_path / "payments_of_test.py").write_text(
        "class Till:\n    @staticmethod\n    def charge(event):\n        return 1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    name, function = function_from("Is=paid=payments_of_test:Till.charge")
    assert (name, function({})) == ("Is=paid", 1)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("Charge", "is not NAME=module:callable"),
        ("Charge=payments", "is not NAME=module:callable"),
        ("=payments:charge", "is not NAME=module:callable"),
        ("Charge=:charge", "is not NAME=module:callable"),
        ("Charge=no_such_module_here:charge", "cannot be imported: ModuleNotFoundError"),
        ("Charge=json:no_such", "json:no_such: module 'json' has no attribute 'no_such'"),
        ("Charge=json:__name__", "is a str, which cannot be called"),
    ],
)
def test_what_cannot_be_imported_is_one_clear_line(option: str, message: str) -> None:
    """Another form, a module that is not there, an attribute that is missing or not callable."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        function_from(option)
    assert "\n" not in str(caught.value)


def test_a_name_has_one_function() -> None:
    """The same name twice would hide one of the functions."""
    assert list(functions_from(["A=json:dumps", "B=json:loads"])) == ["A", "B"]
    with pytest.raises(ConfigurationError, match="A is given two functions"):
        functions_from(["A=json:dumps", "A=json:loads"])
