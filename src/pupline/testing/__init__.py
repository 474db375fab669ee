"""State machines under test: a fixture for pytest, and plain functions for unittest and all others.

    def test_a_refused_card_is_reported(state_machine):
        orders = state_machine("orders.asl.json")
        result = orders.run({"card": "1"}, states={"Charge": Throw("CardRefused")})
        result.assert_succeeded(output={"status": "refused"}, path=["Charge", "Report"])

`plugin` is the plugin for pytest. Installing pupline makes pytest load it, in every project of that environment: so
neither it nor this file imports the engine, or anything else of weight, before a test asks for it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.testing._execution_result import ExecutionResult
    from pupline.testing._machine import MachineUnderTest, load_machine, mock_cases

__all__ = ["ExecutionResult", "MachineUnderTest", "load_machine", "mock_cases"]


def __getattr__(name: str) -> Any:
    """The names of this package, whose modules are imported when the first of them is used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pupline.testing import _execution_result, _machine

    return getattr(_execution_result if name == "ExecutionResult" else _machine, name)
