"""The bill: the known figures of each design, counted and not assumed where it can be, to the cent."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import StateMachine
from pupline.cost import Assumptions, CostQuery, percent_by_service, storage_month, sum_of, to_cents
from pupline.cost._assumptions import DEPLOYED_MB
from pupline.cost._prices import PRICES_USD, TIERS, service_of, usd_of
from tests.cost.cost_world import PIPELINE, by_design, quantities_of
from tests.cost.cost_world import usd_of as usd_of_bill
from tests.cost.records import record

ROOT = Path(__file__).parents[2]
IMAGES = st.integers(1, 10**10)


@pytest.mark.parametrize(
    ("design", "total"),
    [
        ("stack", "116.23"),
        ("stack_express", "18.69"),
        ("bulk", "6.55"),
        ("standard", "110.03"),
        ("express", "12.48"),
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
    quantities = quantities_of(found["bulk"])
    assert quantities["standard_transition"] == 10_000 + 7
    assert quantities["s3_put"] == 1_000_000 + 20_000 + 10 + 5


def test_where_the_money_goes() -> None:
    """Transitions make the one-by-one design expensive; every design needs the requests that store the images."""
    found = by_design(CostQuery(1_000_000))
    assert usd_of_bill(found["standard"], "standard_transition") == Decimal(100)
    assert usd_of_bill(found["map"], "s3_put") == Decimal(5)
    assert to_cents(usd_of_bill(found["map"], "dynamodb_write")) == Decimal("0.63")
    assert {name: to_cents(usd) for name, usd in found["stack_express"].by_service().items()} == {
        "Step Functions": Decimal("2.46"),
        "S3": Decimal("5.00"),
        "DynamoDB": Decimal("2.63"),
        "Lambda": Decimal("7.23"),
        "CloudWatch Logs": Decimal("1.37"),
        "KMS": Decimal("0.01"),
    }


def test_memos_are_written_once_and_read_before() -> None:
    """Of an image at random: the record and its entry in the index, two memos, one read; nothing in the bucket."""
    quantities = quantities_of(by_design(CostQuery(1_000))["stack"])
    assert (quantities["dynamodb_write"], quantities["dynamodb_read"]) == (4_000, 1_000)
    assert quantities["s3_put"] == 1_000
    assert "s3_get" not in quantities


def test_a_longer_workflow_costs_more() -> None:
    """One more state on the way is one more transition: nothing about the workflow stands in the prices."""
    definition = json.loads(json.dumps(PIPELINE.definition))
    definition["States"]["Between"] = {"Type": "Pass", "Next": "LogToDynamoDB"}
    definition["States"]["CheckIfPNG"]["Default"] = "Between"
    longer = by_design(CostQuery(1_000_000), StateMachine.parse(definition))
    assert usd_of_bill(longer["standard"], "standard_transition") == Decimal(125)
    assert longer["standard"].title == "one Standard execution per image, 5 transitions"


def test_a_workflow_with_tasks_of_its_own_is_priced_too() -> None:
    """A user's function counts as an invocation, another service's task as a transition."""
    definition = json.loads(json.dumps(PIPELINE.definition))
    function = {"FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:Blur"}
    resource = "arn:aws:states:::lambda:invoke"
    definition["States"]["Blur"] = {"Type": "Task", "Resource": resource, "Parameters": function, "Next": "Queue"}
    queue = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Next": "LogToDynamoDB"}
    definition["States"]["Queue"] = {**queue, "Parameters": {"QueueUrl": "q", "MessageBody": "b"}}
    for state in ("Blur", "Queue"):
        definition["States"][state]["ResultPath"] = None
    definition["States"]["CheckIfPNG"]["Default"] = "Blur"
    found = quantities_of(by_design(CostQuery(1_000), StateMachine.parse(definition))["stack"])
    assert (found["standard_transition"], found["lambda_request"]) == (6_000, 3_000)


def test_batches_are_counted_up() -> None:
    """A batch that is not full costs its transition all the same."""
    assert usd_of_bill(by_design(CostQuery(101, 100))["map"], "standard_transition") == Decimal("0.00005")


def test_alerts_cost_transitions_and_messages() -> None:
    """An alert is three transitions, one invocation, one message and one e-mail more; in bulk two messages in all."""
    plain, alerting = (
        by_design(CostQuery(1_000, assumptions=Assumptions(alerts=share))) for share in (Decimal(0), Decimal("0.1"))
    )
    one, other = quantities_of(plain["stack"]), quantities_of(alerting["stack"])
    assert other["standard_transition"] - one["standard_transition"] == 300
    assert other["lambda_request"] - one["lambda_request"] == 100
    assert (other["sns_publish"], other["sns_email"]) == (100, 100)
    assert quantities_of(alerting["bulk"])["sns_publish"] == 2


@settings(max_examples=40)
@given(IMAGES, st.integers(1, 1_000))
def test_the_bill_is_the_sum_of_its_lines(images: int, batch: int) -> None:
    """For any question: no line is negative, the floor is the least, the total is the sum of lines and of services."""
    found = by_design(CostQuery(images, batch))
    for bill in found.values():
        assert all(item.usd > 0 for item in (*bill.items, *bill.around))
        assert bill.usd == to_cents(sum_of(bill.items)) == to_cents(sum(bill.by_service().values(), Decimal(0)))
        assert bill.usd_with_around >= bill.usd
        assert abs(sum(percent_by_service(bill).values()) - 100) < 0.01
    assert min(bill.usd for bill in found.values()) == found["floor"].usd


@settings(max_examples=40)
@given(IMAGES, IMAGES, st.integers(0, 50).map(lambda percent: Decimal(percent) / 100))
def test_more_images_never_cost_less(one: int, other: int, alerts: Decimal) -> None:
    """No design, with any share of alerts, becomes cheaper by an image more."""
    fewer, more = (
        by_design(CostQuery(images, assumptions=Assumptions(alerts=alerts))) for images in sorted((one, other))
    )
    assert all(sum_of(fewer[name].items) <= sum_of(more[name].items) for name in fewer)


def test_the_price_of_an_image_converges() -> None:
    """What a run costs by itself disappears among many images, before the lower prices of large quantities begin."""
    for name in by_design(CostQuery(1)):
        each = [sum_of(by_design(CostQuery(10**power))[name].items) / 10**power for power in (3, 5, 6)]
        assert abs(each[2] - each[1]) <= abs(each[1] - each[0]) or each[0] == each[1]
        assert abs(each[2] / each[1] - 1) < Decimal("0.01")


@pytest.mark.parametrize("price", TIERS)
def test_a_lower_price_is_for_what_is_beyond(price: str) -> None:
    """The total grows without a jump, and each tier is cheaper than the one before."""
    unit = PRICES_USD[price]
    for begins, lower in TIERS[price]:
        assert lower < unit
        assert usd_of(price, Decimal(begins + 1)) - usd_of(price, Decimal(begins)) == lower
        unit = lower


def test_each_price_has_a_service() -> None:
    """The table by service forgets no price."""
    assert all(service_of(price) for price in PRICES_USD)
    assert service_of("s3_event") == "EventBridge"


def test_an_audit_replaces_assumptions() -> None:
    """Shares and means are those of the records; what no record knows stays as it was."""
    records = [
        record(),
        record(outcome="duplicate", reason="same_content", size_bytes=50_000),
        record(reason="renamed", alert_triggered=True, alert_sent=True, size_bytes=150_000),
        record(outcome="failed", reason="not_found", size_bytes=None, error="NotFound"),
    ]
    counted = Assumptions().counted(iter(records))
    shares = (counted.stored, counted.conflicts, counted.renamed, counted.alerts, counted.failed)
    assert shares == tuple(Decimal(share) for share in ("0.5", "0.5", "0.25", "0.25", "0.25"))
    assert counted.image_bytes == 100_000
    assert Assumptions().counted([record()]).item_bytes == 169
    assert (counted.records, counted.function_ms) == (4, Assumptions().function_ms)
    quantities = quantities_of(by_design(CostQuery(4_000, assumptions=counted))["standard"])
    assert quantities["standard_transition"] == 4_000 * 4 + 1_000 * 3
    assert [quantities[price] for price in ("s3_put", "s3_get", "sns_email")] == [4_000, 2_000, 1_000]
    assert storage_month(CostQuery(4_000_000, assumptions=counted)) == Decimal("4.60")


def test_failures_of_an_audit_cost_their_retries() -> None:
    """An error that the workflow tries again was tried again: each attempt is a transition and an invocation."""
    failing = record(outcome="failed", reason="server_error", size_bytes=None, error="ServerError")
    counted = Assumptions().counted([record(), failing])
    quantities = quantities_of(by_design(CostQuery(1_000, assumptions=counted))["standard"])
    retriers = PIPELINE.definition["States"]["FetchAndUploadDogImage"]["Retry"]
    attempts = next(one["MaxAttempts"] for one in retriers if "ServerError" in one["ErrorEquals"])
    assert quantities["standard_transition"] == 500 * 4 + 500 * (4 + attempts)
    assert quantities["lambda_request"] == 500 * 2 + 500 * (2 + attempts)


def test_rare_errors_are_counted_together() -> None:
    """An audit with any number of error names is read in a moment, and no failure is forgotten."""
    records = [record(outcome="failed", reason="other", size_bytes=None, error=f"E{n}") for n in range(100)]
    counted = Assumptions().counted(records)
    assert counted.failed == 1
    assert len(counted.failures) == 41


def test_an_empty_audit_changes_nothing() -> None:
    """Nothing was counted, so nothing is replaced."""
    assert Assumptions().counted([]) == Assumptions()


def test_a_large_record_needs_more_write_units() -> None:
    """DynamoDB writes in units of 1 KB."""
    counted = Assumptions().counted([record(cause="x" * 1_500)])
    bill = by_design(CostQuery(1_000_000, assumptions=counted))["floor"]
    assert usd_of_bill(bill, "dynamodb_write") == Decimal("1.25")


def test_memory_is_that_of_the_template() -> None:
    """The bill of this stack is with what template.yaml gives its functions."""
    sizes = re.findall(
        r"^  (\w+):\n    Type: AWS::Serverless::Function\n(?:    .*\n)*?    .*\bMemorySize: (\d+)\b",
        (ROOT / "template.yaml").read_text(),
        re.MULTILINE,
    )
    assert {name: int(size) for name, size in sizes} == DEPLOYED_MB


def test_waiting_for_servers_costs_another_attempt() -> None:
    """Three transitions and an invocation for an image; in bulk a second round for each batch with such an image."""
    asked = Assumptions(rate_limited=Decimal("0.5"))
    plain, waiting = by_design(CostQuery(1_000)), by_design(CostQuery(1_000, assumptions=asked))
    one, other = quantities_of(plain["stack"]), quantities_of(waiting["stack"])
    assert other["standard_transition"] - one["standard_transition"] == 500 * 3
    assert other["lambda_request"] - one["lambda_request"] == 500
    one, other = quantities_of(plain["bulk"]), quantities_of(waiting["bulk"])
    assert other["lambda_request"] - one["lambda_request"] == pytest.approx(10)
    assert other["s3_put"] - one["s3_put"] == pytest.approx(20)
