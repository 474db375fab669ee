"""The bill: the known figures of each design, counted and not assumed where it can be, to the cent."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import StateMachine
from pupline.backends import BULK_NAME, load_workflow
from pupline.cost import Assumptions, Bill, CostQuery, bills, storage_month, to_cents
from pupline.cost._assumptions import DEPLOYED_MB, METRICS_LINE_BYTES
from pupline.cost._paths import WorkflowPath, WorkflowPaths
from pupline.lambdas._metrics import record_metrics
from pupline.tasks.records import AuditRecord

ROOT = Path(__file__).parents[1]
WORKFLOW = load_workflow()
BULK = load_workflow(BULK_NAME)


def by_design(query: CostQuery, workflow: StateMachine = WORKFLOW) -> dict[str, Bill]:
    """The bills by their short names."""
    return {bill.design: bill for bill in bills(workflow, BULK, query)}


def usd_of(bill: Bill, *prices: str) -> Decimal:
    """What these lines come to."""
    return sum((item.usd for item in bill.items if item.price in prices), Decimal(0))


@pytest.mark.parametrize(
    ("design", "total"),
    [
        ("stack", "124.63"),
        ("standard", "110.03"),
        ("express", "12.48"),
        ("bulk", "6.54"),
        ("map", "6.45"),
        ("floor", "5.63"),
    ],
)
def test_what_a_million_images_cost(design: str, total: str) -> None:
    """Each design at list prices, to the cent."""
    assert by_design(CostQuery(1_000_000))[design].usd == Decimal(total)


def test_bulk_is_near_the_floor() -> None:
    """A million images through BulkIngest cost at most a quarter more than one PUT and one write each."""
    found = by_design(CostQuery(1_000_000))
    assert found["bulk"].usd < Decimal("1.25") * found["floor"].usd
    quantities = {item.price: item.quantity for item in found["bulk"].items}
    assert quantities["standard_transition"] == 10_000 + 7
    assert quantities["s3_put"] == 1_000_000 + 20_000 + 10 + 5


def test_where_the_money_goes() -> None:
    """Transitions make the one-by-one design expensive; every design needs the requests that store the images."""
    found = by_design(CostQuery(1_000_000))
    assert usd_of(found["standard"], "standard_transition") == Decimal(100)
    assert usd_of(found["map"], "s3_put") == Decimal(5)
    assert to_cents(usd_of(found["map"], "dynamodb_write")) == Decimal("0.63")


def test_ways_are_counted_in_the_workflow() -> None:
    """Four states for an image that is as it should be; an alert adds its words, AlertPNG and the publishing."""
    functions = {"FetchAndUploadDogImage": 1, "AlertPNG": 0, "LogToDynamoDB": 1}
    assert WorkflowPaths.counted(WORKFLOW) == WorkflowPaths(
        plain=WorkflowPath(4, functions, 0),
        alert=WorkflowPath(7, functions | {"AlertPNG": 1}, 1),
        failure=WorkflowPath(4, functions, 0),
    )


def test_a_longer_workflow_costs_more() -> None:
    """One more state on the way is one more transition: nothing about the workflow stands in the prices."""
    definition = json.loads(json.dumps(WORKFLOW.definition))
    definition["States"]["Between"] = {"Type": "Pass", "Next": "LogToDynamoDB"}
    definition["States"]["CheckIfPNG"]["Default"] = "Between"
    longer = by_design(CostQuery(1_000_000), StateMachine.parse(definition))
    assert usd_of(longer["standard"], "standard_transition") == Decimal(125)
    assert longer["standard"].title == "one Standard execution per image, 5 transitions"


def test_batches_are_counted_up() -> None:
    """A batch that is not full costs its transition all the same."""
    assert usd_of(by_design(CostQuery(101, 100))["map"], "standard_transition") == Decimal("0.00005")


@given(st.integers(1, 10**9), st.integers(1, 10_000))
def test_the_bill_is_the_sum_of_its_lines(images: int, batch: int) -> None:
    """For any question: no line is negative, the floor is the least, the total is the lines' sum."""
    found = by_design(CostQuery(images, batch))
    for bill in found.values():
        assert all(item.usd > 0 for item in bill.items)
        assert bill.usd == to_cents(sum((item.usd for item in bill.items), Decimal(0)))
    assert min(bill.usd for bill in found.values()) == found["floor"].usd


def record(**fields: Any) -> AuditRecord:
    """A stored JPEG, with the given fields changed."""
    plain: dict[str, Any] = {
        "image_name": "a.jpg",
        "upload_timestamp": "2026-01-02T03:04:05.000Z",
        "alert_triggered": False,
        "outcome": "stored",
        "reason": "accepted",
        "execution": "r-00001",
        "size_bytes": 100_000,
    }
    return AuditRecord(**(plain | fields))


def test_an_audit_replaces_assumptions() -> None:
    """Shares and means are those of the records; what no record knows stays as it was."""
    records = [
        record(),
        record(outcome="duplicate", reason="same_content", size_bytes=50_000),
        record(reason="renamed", alert_triggered=True, alert_sent=True, size_bytes=150_000),
        record(outcome="failed", reason="not_found", size_bytes=None, error="NotFound"),
    ]
    counted = Assumptions().counted(iter(records))
    shares = (counted.stored, counted.conflicts, counted.renamed, counted.alerts, counted.failures)
    assert shares == tuple(Decimal(share) for share in ("0.5", "0.5", "0.25", "0.25", "0.25"))
    assert counted.image_bytes == 100_000
    assert Assumptions().counted([record()]).item_bytes == 169
    assert (counted.records, counted.function_ms) == (4, Assumptions().function_ms)
    bill = by_design(CostQuery(4_000, assumptions=counted))["standard"]
    quantities = {item.price: item.quantity for item in bill.items}
    assert quantities["standard_transition"] == 4_000 * 4 + 1_000 * 3
    assert [quantities[price] for price in ("s3_put", "s3_get", "sns_email")] == [4_000, 2_000, 1_000]
    assert storage_month(CostQuery(4_000_000, assumptions=counted)) == Decimal("4.60")


def test_an_empty_audit_changes_nothing() -> None:
    """Nothing was counted, so nothing is replaced."""
    assert Assumptions().counted([]) == Assumptions()


def test_a_large_record_needs_more_write_units() -> None:
    """DynamoDB writes in units of 1 KB."""
    counted = Assumptions().counted([record(cause="x" * 1_500)])
    assert usd_of(by_design(CostQuery(1_000_000, assumptions=counted))["floor"], "dynamodb_write") == Decimal("1.25")


def test_the_metrics_are_as_long_as_is_said() -> None:
    """What the stack's bill takes for the line is near what the function logs."""
    metrics = record_metrics(record(image_name="n02088094_1003.jpg").as_item(), "pupline", 1_780_000_000.0)
    assert abs(len(json.dumps(metrics)) - METRICS_LINE_BYTES) < 200


def test_memory_is_that_of_the_template() -> None:
    """The bill of this stack is with what template.yaml gives its functions."""
    sizes = re.findall(
        r"^  (\w+):\n    Type: AWS::Serverless::Function\n(?:    .*\n)*?      MemorySize: (\d+)$",
        (ROOT / "template.yaml").read_text(),
        re.MULTILINE,
    )
    assert {name: int(size) for name, size in sizes} == DEPLOYED_MB
