"""The outbox: every alert gets to every subscription, with retries, and nobody holds up anybody."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import NoSuchName, StorageError
from pupline.local import TOPIC_ARN, Alert, Deliverer, LocalBackend
from pupline.local.alerts import insert_alert
from pupline.local.alerts._delivery import MAX_ATTEMPTS, pause_seconds
from pupline.local.alerts._failures import DeliveryFailed
from tests.local.local_fakes import VirtualClock


class Post:
    """A channel that notes what comes, and fails while it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.tried = 0
        self.failures: dict[str, DeliveryFailed] = {}

    def __call__(self, alert: Alert, endpoint: str) -> None:
        """Note it, or fail."""
        self.tried += 1
        if endpoint in self.failures:
            raise self.failures[endpoint]
        self.got.append((endpoint, alert.message))


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that stands still."""
    return VirtualClock()


@pytest.fixture
def backend(tmp_path: Path, clock: VirtualClock) -> Iterator[LocalBackend]:
    """A data directory with two subscriptions of protocol e-mail."""
    with LocalBackend.open(tmp_path, exclusive=True, clock=clock) as opened:
        for endpoint in ("a@example.com", "b@example.com"):
            opened.subscriptions.subscribe("email", endpoint)
        yield opened


def publish(backend: LocalBackend, *messages: str) -> None:
    """One alert for each message."""
    for message in messages:
        arguments: Any = {"TopicArn": TOPIC_ARN, "Message": message}
        alert = backend.topic.prepare("run-00001", f"{message}@1#0", arguments)
        backend.database.write(partial(insert_alert, alert=alert))


def statuses(backend: LocalBackend) -> list[list[tuple[str, int]]]:
    """(status, attempts) of each delivery of each alert."""
    return [[(one.status, one.attempts) for one in deliveries] for _, deliveries in backend.topic.alerts()]


def test_each_alert_goes_to_each_subscription_once(backend: LocalBackend, clock: VirtualClock) -> None:
    """In the order of publication; a second round has nothing to do."""
    post = Post()
    publish(backend, "one", "two")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    assert (deliverer.deliver_due(), deliverer.deliver_due(), deliverer.pending()) == (4, 0, 0)
    assert post.got == [(end, text) for end in ("a@example.com", "b@example.com") for text in ("one", "two")]
    assert statuses(backend) == [[("delivered", 1)] * 2] * 2


def test_a_failure_is_tried_again_later_and_later(backend: LocalBackend, clock: VirtualClock) -> None:
    """The subscription rests after a failure; the other one is served meanwhile; then it gets everything."""
    post = Post()
    post.failures["a@example.com"] = DeliveryFailed("no answer")
    publish(backend, "one")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    assert (deliverer.deliver_due(), deliverer.deliver_due()) == (1, 0)
    assert post.tried == 2
    assert statuses(backend) == [[("pending", 1), ("delivered", 1)]]
    clock.work(1)
    assert (deliverer.deliver_due(), deliverer.deliver_due()) == (0, 0)
    del post.failures["a@example.com"]
    clock.work(2)
    assert deliverer.deliver_due() == 1
    assert statuses(backend) == [[("delivered", 3), ("delivered", 1)]]


def test_what_was_given_up_is_tried_once_more_on_request(backend: LocalBackend, clock: VirtualClock) -> None:
    """Of one alert or of all; a refusal gives it up again, and a subscription that was removed stays removed."""
    post = Post()
    for endpoint in ("a@example.com", "b@example.com"):
        post.failures[endpoint] = DeliveryFailed("answered 404", permanent=True)
    publish(backend, "one", "two")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    deliverer.deliver_due()
    assert statuses(backend) == [[("failed", 1)] * 2] * 2
    del post.failures["a@example.com"]
    first, second = (alert.message_id for alert, _ in backend.topic.alerts())
    deliverer.reopen([first])
    assert (deliverer.pending(), deliverer.deliver_due(), deliverer.pending()) == (2, 2, 0)
    assert statuses(backend) == [[("delivered", 2), ("failed", 2)], [("failed", 1)] * 2]
    backend.subscriptions.unsubscribe(2)
    deliverer.reopen()
    assert (deliverer.pending(), deliverer.deliver_due()) == (1, 1)
    assert statuses(backend) == [[("delivered", 2), ("failed", 2)], [("delivered", 2), ("failed", 1)]]
    with pytest.raises(NoSuchName, match="there is no alert 'x'"):
        deliverer.reopen([second, "x"])


def test_a_resting_subscription_is_not_asked_for_each_alert(backend: LocalBackend, clock: VirtualClock) -> None:
    """While it rests, new alerts wait too: a channel that is down is asked once a round."""
    post = Post()
    post.failures["a@example.com"] = DeliveryFailed("no answer")
    publish(backend, "one", "two", "three")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    deliverer.deliver_due()
    deliverer.deliver_due()
    assert post.tried == 1 + 3


@pytest.mark.parametrize("jump", [0.0, 3600.0, -3600.0, 2_592_000.0, -2_592_000.0])
def test_a_rest_is_as_long_as_it_was_meant(backend: LocalBackend, clock: VirtualClock, jump: float) -> None:
    """The third failure means four seconds of work, whatever the clock is set to meanwhile; new alerts wait as well."""
    post = Post()
    post.failures["a@example.com"] = DeliveryFailed("no answer")
    publish(backend, "one")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    for _ in range(3):
        deliverer.deliver_due()
        clock.work(4)
    deliverer.deliver_due()
    tried = post.tried
    clock.time += jump
    publish(backend, "two")
    for _ in range(7):
        deliverer.deliver_due()
        clock.work(1)
    assert post.tried == tried + 1  # the other subscription's
    clock.work(1)
    deliverer.deliver_due()
    assert post.tried == tried + 2


@pytest.mark.parametrize(
    ("gap", "is_tried"), [(0.0, False), (3.9, False), (4.0, True), (2_592_000.0, True), (-1.0, True), (-3600.0, True)]
)
def test_another_process_goes_by_the_clock(
    backend: LocalBackend, clock: VirtualClock, gap: float, *, is_tried: bool
) -> None:
    """Four seconds after the third failure, or when the clock says that the failure is still to come."""
    post = Post()
    post.failures["a@example.com"] = DeliveryFailed("no answer")
    publish(backend, "one")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    for pause in (1, 2, 0):
        deliverer.deliver_due()
        clock.work(pause)
    tried = post.tried
    clock.time += gap
    publish(backend, "two")
    Deliverer(backend.database, clock, {"email": post}).deliver_due()
    assert post.tried == tried + 1 + is_tried


def test_pauses_grow_to_a_cap() -> None:
    """1, 2, 4, 8 seconds, and never more than five minutes."""
    assert [pause_seconds(failures) for failures in (1, 2, 3, 4, 9, 10, 49)] == [1, 2, 4, 8, 256, 300, 300]


def test_after_so_many_attempts_it_is_given_up(backend: LocalBackend, clock: VirtualClock) -> None:
    """A channel that never answers is left alone at last; the alert says failed, and why."""
    post = Post()
    post.failures = {f"{name}@example.com": DeliveryFailed("no \x1banswer") for name in "ab"}
    publish(backend, "one")
    deliverer = Deliverer(backend.database, clock, {"email": post})
    for _ in range(MAX_ATTEMPTS + 5):
        deliverer.deliver_due()
        clock.work(300)
    assert statuses(backend) == [[("failed", MAX_ATTEMPTS)] * 2]
    [(_, deliveries)] = backend.topic.alerts()
    assert deliveries[0].last_error == "no \\x1banswer"


def test_a_final_answer_is_not_asked_for_again(backend: LocalBackend, clock: VirtualClock) -> None:
    """What the receiver refuses for good fails at once, and does not hold up the next alert."""
    post = Post()
    post.failures["a@example.com"] = DeliveryFailed("gone", permanent=True)
    publish(backend, "one", "two")
    Deliverer(backend.database, clock, {"email": post}).deliver_due()
    assert statuses(backend) == [[("failed", 1), ("delivered", 1)]] * 2


def test_a_bug_in_a_channel_is_a_failure_like_others(backend: LocalBackend, clock: VirtualClock) -> None:
    """An unexpected exception is noted and tried again; the other subscription is served."""

    def channel(_alert: Alert, endpoint: str) -> None:
        if endpoint == "a@example.com":
            raise ZeroDivisionError("oops")

    publish(backend, "one")
    Deliverer(backend.database, clock, {"email": channel}).deliver_due()
    [(_, deliveries)] = backend.topic.alerts()
    assert [(one.status, one.last_error) for one in deliveries] == [
        ("pending", "ZeroDivisionError: oops"),
        ("delivered", None),
    ]


def test_nothing_goes_to_a_subscription_that_was_removed(backend: LocalBackend, clock: VirtualClock) -> None:
    """Also not what was waiting."""
    post = Post()
    publish(backend, "one")
    backend.subscriptions.unsubscribe(1)
    Deliverer(backend.database, clock, {"email": post}).deliver_due()
    assert post.got == [("b@example.com", "one")]


def test_in_the_background_a_slow_channel_holds_up_nobody(backend: LocalBackend, clock: VirtualClock) -> None:
    """While one receiver takes its time the other gets its alerts, and close waits no longer than told."""
    arrived, release = threading.Event(), threading.Event()

    def channel(_alert: Alert, endpoint: str) -> None:
        if endpoint == "a@example.com":
            release.wait(60)
        else:
            arrived.set()

    deliverer = Deliverer(backend.database, clock, {"email": channel})
    publish(backend, "one")
    deliverer.start()
    deliverer.notify()
    assert arrived.wait(10)
    deliverer.close(patience_seconds=0.01)
    assert statuses(backend)[0][0] == ("pending", 0)
    release.set()


def test_closing_delivers_what_was_never_tried(backend: LocalBackend, clock: VirtualClock) -> None:
    """An alert of the last moment of a run gets its chance before the end."""
    post = Post()
    deliverer = Deliverer(backend.database, clock, {"email": post})
    deliverer.start()
    publish(backend, "last")
    deliverer.close()
    assert sorted(post.got) == [("a@example.com", "last"), ("b@example.com", "last")]
    assert deliverer.trouble is None


@pytest.mark.slow
def test_closing_while_the_outbox_is_read_misses_no_alert(
    backend: LocalBackend, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert published after the outbox was read, and before close(), is delivered by close()."""
    post, has_read, is_closing = Post(), threading.Event(), threading.Event()
    deliverer = Deliverer(backend.database, clock, {"email": post})
    read = deliverer._receivers

    def read_slowly() -> Any:
        found = read()
        has_read.set()
        assert is_closing.wait(10)
        return found

    monkeypatch.setattr(deliverer, "_receivers", read_slowly)
    monkeypatch.setattr(deliverer._wake, "set", is_closing.set)  # close() sets it once it has said that it closes
    deliverer.start()
    assert has_read.wait(10)
    publish(backend, "last")
    deliverer.close()
    assert sorted(post.got) == [("a@example.com", "last"), ("b@example.com", "last")]


def test_an_outbox_that_cannot_be_read_is_told(backend: LocalBackend, clock: VirtualClock) -> None:
    """When the database fails the deliverer ends and says why; it raises nothing into the run."""
    deliverer = Deliverer(backend.database, clock, {"email": Post()})
    backend.database.close()
    deliverer.start()
    deliverer.close()
    assert isinstance(deliverer.trouble, StorageError)
