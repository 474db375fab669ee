"""Run somebody's state machine from Python, with functions for its Tasks. Its twelve hours of waiting cost nothing."""

from pathlib import Path
from typing import Any

from pupline.asl import TaskError
from pupline.testing import load_machine


def charge(event: dict[str, Any], attempt: int) -> dict[str, Any]:
    """A Lambda function that looks at the attempt: the card service is busy at first."""
    print(f"attempt {attempt}: charge {event['amount']}")
    if attempt < 2:
        raise TaskError("Busy", "Try again later")
    return {"receipt": "r-1"}


order = load_machine(Path(__file__).parent / "order.asl.json")
result = order.run({"amount": 20, "hour": 20}, states={"Charge": charge, "SendParcel": {"MessageId": "m-1"}})
print(result.status, result.output)
print(" -> ".join(result.path))
print("\n".join(order.coverage.lines()))
