"""Throttled attempts, from the definition's own Retriers: none without a limit, more the more is started at once."""

import json
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import StateMachine
from pupline.cost import CostQuery
from pupline.cost._paths import transitions_of
from pupline.cost._throttling import THROTTLED, Load, Retrier, Throttling, throttling
from tests.cost.cost_world import PIPELINE, WORKFLOWS, by_design, quantities_of
from tests.workflow import workflow_runs
from tests.workflow.concurrency import Account, Concurrency

PATIENT = Retrier(interval_seconds=1, backoff_rate=2.0, max_attempts=10_000, max_delay_seconds=60, full_jitter=True)
HASTY = Retrier(interval_seconds=1, backoff_rate=2.0, max_attempts=10, max_delay_seconds=60, full_jitter=True)


def test_the_figures_are_those_of_the_definition() -> None:
    """The Retrier that names throttling, with the States Language's defaults for what it leaves out."""
    retriers = PIPELINE.definition["States"]["FetchAndUploadDogImage"]["Retry"]
    given = next(one for one in retriers if THROTTLED in one["ErrorEquals"])
    found = Retrier.of_throttling(PIPELINE)
    assert found.max_attempts == given["MaxAttempts"]
    assert found.interval_seconds == given["IntervalSeconds"]
    assert found.full_jitter == (given.get("JitterStrategy") == "FULL")
    definition = json.loads(json.dumps(PIPELINE.definition))
    definition["States"]["FetchAndUploadDogImage"]["Retry"] = [{"ErrorEquals": ["States.ALL"]}]
    assert Retrier.of_throttling(StateMachine.parse(definition)) == Retrier()
    del definition["States"]["FetchAndUploadDogImage"]["Retry"]
    assert Retrier.of_throttling(StateMachine.parse(definition)).max_attempts == 0


def test_delays_grow_to_their_limit() -> None:
    """IntervalSeconds times BackoffRate to the power of the attempts, at most MaxDelaySeconds; jitter from 0."""
    plain = Retrier(interval_seconds=2, backoff_rate=3.0, max_attempts=9, max_delay_seconds=50)
    chance = random.Random(1)
    assert [plain.delay(attempt, chance) for attempt in (1, 2, 3, 4, 5_000)] == [2, 6, 18, 50, 50]
    assert all(0 <= HASTY.delay(20, chance) <= 60 for _ in range(100))


def test_nothing_is_throttled_without_a_limit() -> None:
    """No reserved concurrency, or more than is ever needed at once."""
    assert throttling(Load(10_000, 100, 1, 0), HASTY) == Throttling()
    assert throttling(Load(1_000, 10, 1, 200), HASTY) == Throttling()


def test_known_losses() -> None:
    """A thousand starts in ten seconds on five slots lose between 106 and 166 with ten attempts, none with patience."""
    assert 0.10 < throttling(Load(1_000, 100, 1, 5), HASTY).lost < 0.17
    assert throttling(Load(2_000, 100, 1, 5), PATIENT).lost == 0


@pytest.mark.parametrize("images", [50_000, 1_000_000, 10**12])
def test_an_overload_is_simulated_in_a_moment(images: int) -> None:
    """However many images wait: fewer executions stand for all of them, and the longest execution bounds the rest."""
    found = throttling(Load(images, 100, 1, 5, longest=12_000), PATIENT)
    assert found.is_overloaded
    assert 0 < found.retries < 1_000
    assert found.lost > 0.5 or images == 50_000


def test_a_sample_stands_for_the_whole() -> None:
    """Where fewer executions are simulated, the figures per execution stay near those of all."""
    few, many = (throttling(Load(images, 100, 1, 5), PATIENT) for images in (1_900, 2_100))
    assert math.isclose(few.retries, many.retries, rel_tol=0.35)


@settings(max_examples=20)
@given(st.integers(1, 600), st.integers(1, 50), st.floats(0.1, 500))
def test_shares_are_shares(images: int, concurrency: int, rate: float) -> None:
    """Any load: no negative figure, no share above one, no more retries than the Retrier has, the same every time."""
    load = Load(images, rate, 1, concurrency)
    found = throttling(load, HASTY)
    assert found == throttling(load, HASTY)
    assert 0 <= found.lost <= 1
    assert 0 <= found.retries <= HASTY.max_attempts
    assert found.waits >= 0


def test_throttling_is_in_the_bill() -> None:
    """Each throttled attempt is a transition of a Standard execution, and seconds of an Express one."""
    free, limited = (
        by_design(CostQuery(1_000, start_rate=20, fetch_concurrency=concurrency)) for concurrency in (0, 25)
    )
    flow = WORKFLOWS.flows(CostQuery(1_000, start_rate=20, fetch_concurrency=25))[0]
    more = quantities_of(limited["stack"])["standard_transition"] - quantities_of(free["stack"])["standard_transition"]
    assert flow.throttled.retries > 0
    assert more == pytest.approx(1_000 * flow.throttled.retries)
    express = [quantities_of(bills["stack_express"])["express_gb_second"] for bills in (free, limited)]
    assert express[0] < express[1]
    assert quantities_of(free["stack"])["lambda_request"] == quantities_of(limited["stack"])["lambda_request"]


@pytest.mark.slow
def test_what_gives_up_is_not_stored() -> None:
    """An execution that throttling ends is a failure: no image, but a record and its transitions."""
    query = CostQuery(200_000, start_rate=100, fetch_concurrency=1)
    flow = WORKFLOWS.flows(query)[0]
    assert flow.throttled.lost > 0
    found = quantities_of(by_design(query)["stack"])
    assert found["s3_put"] == pytest.approx(200_000 * (1 - flow.throttled.lost))
    assert found["lambda_request"] == pytest.approx(200_000 * (2 - flow.throttled.lost))


@pytest.mark.parametrize(("starts", "concurrency"), [(100, 5), pytest.param(600, 20, marks=pytest.mark.slow)])
def test_the_engine_counts_as_many(starts: int, concurrency: int) -> None:
    """The workflow's own file, run by the engine on a function that refuses, has the retries that the bill has."""
    account = Account(
        {
            "FetchAndUploadDogImage": (Concurrency(concurrency), lambda *_: (1.0, workflow_runs.IMAGE)),
            "LogToDynamoDB": (Concurrency(1_000), lambda *_: (0.05, {})),
        }
    )
    for number in range(starts):
        account.start(workflow_runs.machine(), f"run-{number}", {}, number / 100)
    account.run()
    query = CostQuery(starts, start_rate=100, fetch_concurrency=concurrency)
    found = WORKFLOWS.flows(query)[0]
    retries = account.attempts["FetchAndUploadDogImage"] / starts - 1
    assert found.throttled.retries == pytest.approx(retries, rel=0.2)
    histories = [execution.history for execution in account.executions.values()]
    assert float(found.transitions) == pytest.approx(sum(map(transitions_of, histories)), rel=0.2)


def test_an_express_execution_waits_briefly() -> None:
    """Its own Retrier is for its five minutes: more give up than of Standard executions, which queue for hours."""
    standard, express = WORKFLOWS.flows(CostQuery(2_000, start_rate=100, fetch_concurrency=5))
    assert express is not None
    assert standard.throttled.lost == 0 < express.throttled.lost
    assert express.throttled.waits < 120 < standard.throttled.waits
