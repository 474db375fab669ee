"""Run somebody's state machine from Python: functions for its Tasks, and a warehouse that answers hours later."""

from pathlib import Path
from typing import Any

from pupline.asl import Later, TaskError
from pupline.testing import load_machine

STOCK = {"pen": 3, "ink": 0}


def check_stock(items: list[str]) -> dict[str, Any]:
    """A Lambda function: it gets the payload."""
    return {"missing": [item for item in items if not STOCK.get(item)]}


def charge(state_name: str, attempt: int, payload: dict[str, Any]) -> dict[str, Any]:
    """A function that looks at the attempt: the bank is busy at first."""
    print(f"{state_name}, attempt {attempt}: {payload}")
    if attempt < 2:
        raise TaskError("BankIsBusy", "Please try again.")
    return {"receipt": "R-1"}


def pack(task_token: str) -> Later:
    """A worker that sends its token back after 3 hours, and a heartbeat every half hour. No time passes here."""
    print(f"Pack: the warehouse has the token {task_token[:8]}...")
    return Later(3 * 3600, {"parcel": "P-1"}, heartbeat_every=1800)


orders = load_machine(Path(__file__).parent / "orders.asl.json")
result = orders.run(
    {"order": 7, "items": ["pen"], "card": "4111"},
    states={"CheckStock": check_stock, "Charge": charge, "Pack": pack, "TellCustomer": {"MessageId": "1"}},
)
print(result.status, "->".join(result.path))
print(result.output)

result = orders.run({"order": 8, "items": ["pen", "ink"], "card": "4111"}, states={"CheckStock": check_stock})
print(result.status, result.error, "in", result.failing_state)
print("\n".join(orders.coverage.lines()))
