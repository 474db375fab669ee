"""How long BulkIngest takes, in how many runs, and which ceiling decides."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.cost import BATCH_SECONDS, BulkSchedule, CostQuery, Estimate, questions, to_cents
from pupline.cost._schedule import BATCHES, CONCURRENCY, DYNAMODB, HOSTS, LAMBDA, S3, alternatives
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN
from tests.cost.cost_world import WORKFLOWS, by_design, quantities_of

BILLION = CostQuery(10**9)


def test_a_billion_images() -> None:
    """Runs of the largest size, ten million batches; four at a time are slow, and nothing else limits them."""
    schedule = BulkSchedule.of(BILLION)
    assert (schedule.plan.runs, schedule.plan.batches) == (10**9 // MAX_IMAGES_PER_RUN, 10_000_000)
    assert schedule.ceiling == CONCURRENCY
    assert schedule.seconds / 3600 == pytest.approx(4_872, rel=0.01)


@pytest.mark.parametrize(
    ("query", "ceiling"),
    [
        (CostQuery(10**9, host_rate=10), HOSTS),
        (CostQuery(10**9, bulk_concurrency=1_000), S3),
    ],
)
def test_the_lowest_ceiling_decides(query: CostQuery, ceiling: str) -> None:
    """The hosts, the bucket or the account, whichever lets through the fewest images a second."""
    schedule = BulkSchedule.of(query)
    assert schedule.ceiling == ceiling
    assert schedule.images_per_second == min(schedule.rates.values())
    assert schedule.rates[DYNAMODB] == 4_000


@pytest.mark.parametrize("images", [1, 50])
def test_a_batch_has_no_more_images_than_there_are(images: int) -> None:
    """Nor are there more batches at the same time: a few images cost what they take, whatever is asked for."""
    few = CostQuery(images, batch=10_000, bulk_concurrency=10, host_rate=0.5)
    assert few.unhindered_batch_ms == CostQuery(images, batch=images).unhindered_batch_ms
    assert few.batch_ms == 2000 * images


def test_what_grows_with_the_load_is_no_ceiling_later() -> None:
    """Then the account's own quota is, however much more was asked for."""
    schedule = BulkSchedule.of(CostQuery(10**9, bulk_concurrency=10_000), is_warm=True)
    assert schedule.ceiling == LAMBDA
    assert schedule.plan.concurrency == 1_000
    assert not {S3, DYNAMODB} & set(schedule.rates)


def test_more_at_once_reaches_the_next_ceiling() -> None:
    """First what the bucket takes at once, then what the account allows; no advice where the hosts are the limit."""
    cold, warm = alternatives(BILLION)
    assert [(more.query.bulk_concurrency, more.until, more.is_warm) for more in (cold, warm)] == [
        (240, S3, False),
        (1_000, LAMBDA, True),
    ]
    assert warm.schedule.seconds < cold.schedule.seconds < BulkSchedule.of(BILLION).seconds / 50
    assert [more.query.bulk_concurrency for more in alternatives(cold.query)] == [1_000]
    assert not alternatives(warm.query)
    assert [(more.query.bulk_concurrency, more.until) for more in alternatives(CostQuery(1_000))] == [(10, BATCHES)]
    assert not alternatives(CostQuery(100, bulk_concurrency=1))


def test_where_hosts_are_the_limit_fewer_batches_are_cheaper() -> None:
    """As many as keep the hosts busy take as long, and do not pay for waiting."""
    query = CostQuery(10**9, host_rate=500, bulk_concurrency=100)
    (other,) = alternatives(query)
    assert (other.query.bulk_concurrency, other.until) == (35, HOSTS)
    assert other.schedule.seconds == pytest.approx(BulkSchedule.of(query).seconds, rel=0.01)
    assert by_design(other.query)["bulk"].usd < by_design(query)["bulk"].usd
    assert not alternatives(other.query)


def test_slow_hosts_cost_function_time() -> None:
    """Where the hosts allow less than the batches could fetch, the batches wait, and are billed for it."""
    fast, slow = CostQuery(1_000_000), CostQuery(1_000_000, host_rate=10)
    assert (fast.batch_ms, slow.batch_ms) == (7_000, 40_000)
    assert slow.batch_ms < BATCH_SECONDS * 1_000
    assert by_design(slow)["bulk"].by_service()["Lambda"] > 5 * by_design(fast)["bulk"].by_service()["Lambda"]


def test_each_run_has_its_own_requests() -> None:
    """Two runs pay twice for the manifest, the result files, the summary and the parent's states."""
    queries = [CostQuery(MAX_IMAGES_PER_RUN + more) for more in (0, 100)]
    one, two = (quantities_of(by_design(query)["bulk"]) for query in queries)
    assert two["s3_put"] - one["s3_put"] == 100 + 2 + 5 + 1
    for query, found in zip(queries, (one, two), strict=True):
        plan = BulkSchedule.of(query).plan
        again = plan.summary_invocations - plan.runs
        assert found["standard_transition"] == plan.batches + 7 * plan.runs + 2 * again
        assert found["lambda_request"] == plan.batches + plan.summary_invocations


@settings(max_examples=30)
@given(st.integers(1, 10**10), st.integers(1, 1_000), st.integers(1, 2_000), st.floats(0.5, 10**5))
def test_a_schedule_is_consistent(images: int, batch: int, concurrency: int, host_rate: float) -> None:
    """Any question: enough runs and batches, no faster than any ceiling, and not slower with an image less."""
    query = CostQuery(images, batch, bulk_concurrency=concurrency, host_rate=host_rate)
    schedule = BulkSchedule.of(query)
    assert schedule.plan.runs * MAX_IMAGES_PER_RUN >= images
    assert schedule.plan.batches * batch >= images
    assert schedule.images_per_second <= host_rate * 1.001
    assert schedule.seconds >= images / schedule.images_per_second
    if images > 1:
        fewer = CostQuery(images - 1, batch, bulk_concurrency=concurrency, host_rate=host_rate)
        assert BulkSchedule.of(fewer).seconds <= schedule.seconds


def test_an_estimate_has_the_bill_of_each_schedule() -> None:
    """The advice comes with its price."""
    estimate = Estimate.of(WORKFLOWS, BILLION)
    assert [(bill.design, other.query.bulk_concurrency) for bill, other in estimate.alternatives] == [
        ("bulk", 240),
        ("bulk", 1_000),
    ]
    assert len(estimate.bills) == 7


def test_questions_are_cheap() -> None:
    """A million records: less than a cent for a run's rows, a cent through the index, seven to export the table."""
    found = list(questions(CostQuery(1_000_000)).values())
    assert [to_cents(usd) for usd in found] == [Decimal("0.00"), Decimal("0.01"), Decimal("0.07"), Decimal("0.00")]
    assert found[0] == Decimal("0.004")
    assert list(questions(CostQuery(1)).values())[-1] == Decimal(10 * 2**20) / 2**40 * 5
