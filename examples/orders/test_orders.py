"""The tests of somebody's state machine: `pytest examples/orders --asl-fail-under=100`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import Later, NoAnswer
from pupline.testing import MachineUnderTest, mock_cases

HERE = Path(__file__).parent
ORDER: dict[str, Any] = {"order": 7, "items": ["pen"], "card": "4111"}
CASES = mock_cases(HERE / "orders.asl.json", HERE / "MockConfigFile.json")


@pytest.fixture
def orders(state_machine: Callable[..., MachineUnderTest]) -> MachineUnderTest:
    """The machine with its mocks, from the files next to this one."""
    return state_machine("orders.asl.json", mocks="MockConfigFile.json")


@pytest.mark.parametrize("case", CASES)
def test_every_case_ends_well(orders: MachineUnderTest, case: str) -> None:
    """All cases of the mock file lead to a message to the customer."""
    assert orders.run_case(case, ORDER).path[-1] == "TellCustomer"


def test_a_refused_card_is_not_packed(orders: MachineUnderTest) -> None:
    """The customer is told, and the refusal is in the output."""
    result = orders.run(ORDER, case="CardRefused").assert_succeeded().assert_not_entered("Pack")
    assert result.output["refusal"] == {"Error": "CardRefused", "Cause": "The card has expired."}


def test_a_missing_item_fails_the_order(orders: MachineUnderTest) -> None:
    """An answer of the test's own; the card is not charged, so it needs none."""
    result = orders.run(ORDER, states={"CheckStock": {"missing": ["pen"]}})
    result.assert_failed("OutOfStock", state="OutOfStock", path=["CheckStock", "IsInStock", "OutOfStock"])


def test_a_warehouse_that_falls_silent_times_out(orders: MachineUnderTest) -> None:
    """Heartbeats keep the task alive; an hour after the last one it has timed out. The test takes no time."""
    silent = Later(5 * 3600, NoAnswer(), heartbeat_every=1800)
    orders.run(ORDER, case="HappyPath", states={"Pack": silent}).assert_failed("States.Timeout", state="Pack")
