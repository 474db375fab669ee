"""The tests of somebody's state machine: `pytest examples/orders --asl-fail-under=100`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pupline.asl import Throw
from pupline.testing import MachineUnderTest, mock_cases

HERE = Path(__file__).parent


@pytest.fixture
def order(state_machine: Callable[..., MachineUnderTest]) -> MachineUnderTest:
    """The machine with its mocks, from the files next to this one."""
    return state_machine("order.asl.json", mocks="mocks.yaml")


@pytest.mark.parametrize("case", mock_cases(HERE / "order.asl.json", HERE / "mocks.yaml"))
def test_every_case_ends_as_it_says(order: MachineUnderTest, case: str) -> None:
    """The mocks are the tests: each case has its input, its answers and what it expects."""
    order.run_case(case)


def test_a_declined_card_is_told_and_nothing_is_sent(order: MachineUnderTest) -> None:
    """An answer of the test's own, over those of a case; what is not called needs none."""
    result = order.run(case="Day", states={"Charge": Throw("CardDeclined"), "TellCustomer": None})
    result.assert_failed("CardDeclined", state="Declined", path=["Charge", "TellCustomer", "Declined"])
    result.assert_not_entered("SendParcel")


def test_the_evening_order_waits_for_the_next_day(order: MachineUnderTest) -> None:
    """Time is virtual: the history has the twelve hours, the test takes none."""
    entered, exited = order.run({"hour": 20}, case="Day").events_of("WaitForMorning")
    assert exited["timestamp"] - entered["timestamp"] == 12 * 3600
