"""Delivers alerts from the outbox to their subscriptions, with retries, without delaying the pipeline.

Each subscription is served by one worker at a time: new alerts first, in the order of publication. So a channel that is
slow or down delays no other. After a failure the subscription pauses, longer each time, up to five minutes. An alert is
given up after 50 attempts, as in SNS's default policy for HTTP, or at once when the receiver's answer is final.

A pause is measured in working time. Another process goes by the clock, which may have been set meanwhile: a failure in
the future counts as long ago.
"""

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pupline.errors import NoSuchName, PuplineError, local_trouble
from pupline.local._clock import DriverClock
from pupline.local.alerts._channels import CHANNELS, Channel
from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._topic import Alert, alert_of_row
from pupline.local.database import Database, storable
from pupline.text import printable

MAX_ATTEMPTS = 50
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0
_WORKERS = 4
_POLL_SECONDS = 0.5
_PAGE = 100
_ERROR_CHARACTERS = 300

_PAUSED = (
    "attempts AND next_attempt_at > ?1"
    f" AND next_attempt_at - min({_LONGEST_PAUSE_SECONDS}, {_FIRST_PAUSE_SECONDS} * (1 << min(attempts - 1, 16))) <= ?1"
)
_PENDING = (
    "FROM deliveries JOIN subscriptions USING (subscription_id)"
    " WHERE delivered_at IS NULL AND given_up_at IS NULL AND removed_at IS NULL"
)

_REOPEN = (
    "UPDATE deliveries SET given_up_at = NULL, next_attempt_at = ?1 WHERE given_up_at IS NOT NULL"
    " AND (?2 IS NULL OR alert_id = ?2)"
    " AND subscription_id IN (SELECT subscription_id FROM subscriptions WHERE removed_at IS NULL)"
)


@dataclass(frozen=True, slots=True)
class _Pending:
    alert_id: int
    attempts: int
    alert: Alert


@dataclass(frozen=True, slots=True)
class _Receiver:
    subscription_id: int
    protocol: str
    endpoint: str


def _alert_id(connection: sqlite3.Connection, message_id: str) -> int:
    found = connection.execute("SELECT alert_id FROM alerts WHERE message_id = ?", (storable(message_id),)).fetchone()
    if found is None:
        raise NoSuchName(f"there is no alert '{printable(message_id)}'; pupline alerts --json has each message_id")
    return int(found[0])


def pause_seconds(failures: int) -> float:
    """Seconds of the pause after the n-th failure in a row: 1, 2, 4, ... up to 300 seconds."""
    return float(min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 16)))


class Deliverer:
    """Serves the outbox. `start` it with a run and `close` it afterwards; or call `deliver_due`."""

    def __init__(self, database: Database, clock: DriverClock, channels: Mapping[str, Channel] = CHANNELS) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._wake = threading.Event()
        self._closing = False
        self._is_abandoned = False
        self._busy: set[int] = set()
        self._paused_until: dict[int, float] = {}
        self._thread: threading.Thread | None = None
        self.trouble: PuplineError | None = None
        """The error that stopped the delivery, if the database itself failed."""

    def deliver_due(self) -> int:
        """Try everything that is due, in this thread; how many deliveries succeeded. Raises: StorageError."""
        return sum(self._serve(receiver) for receiver in self._receivers())

    def start(self) -> None:
        """Serve the outbox in a thread."""
        self._thread = threading.Thread(target=self._run, name="pupline-deliverer", daemon=True)
        self._thread.start()

    def notify(self) -> None:
        """Look at the outbox now: there may be new alerts."""
        self._wake.set()

    def close(self, *, patience_seconds: float = 10.0) -> None:
        """Try what was never tried, for at most this long, and stop. The rest waits for the next start."""
        if self._thread is None:
            return
        self._closing = True
        self._wake.set()
        self._thread.join(patience_seconds)
        self._is_abandoned = True
        self._wake.set()
        self._thread.join()
        self._thread = None

    def hurry(self) -> int:
        """End all pauses, of earlier processes too; the number of outstanding deliveries. Raises: StorageError."""
        self._paused_until.clear()

        def work(connection: sqlite3.Connection) -> None:
            update = "UPDATE deliveries SET next_attempt_at = min(next_attempt_at, ?)"
            connection.execute(f"{update} WHERE delivered_at IS NULL AND given_up_at IS NULL", (self._clock.now(),))

        self._database.write(work)
        self._wake.set()
        return self.pending()

    def reopen(self, message_ids: Sequence[str] = ()) -> None:
        """Make deliveries that were given up due again, for one more attempt: of these alerts, or of all.

        None to a subscription that was removed. Raises: NoSuchName for an ID that no alert has; StorageError.
        """

        def work(connection: sqlite3.Connection) -> None:
            for message_id in message_ids or (None,):
                alert = None if message_id is None else _alert_id(connection, message_id)
                connection.execute(_REOPEN, (self._clock.now(), alert))

        self._database.write(work)

    def given_up(self, since: float) -> int:
        """The number of deliveries given up at this time (seconds since the epoch) or later. Raises: StorageError."""
        return int(self._database.rows("SELECT count(*) FROM deliveries WHERE given_up_at >= ?", (since,))[0][0])

    def pending(self) -> int:
        """The number of outstanding deliveries. Raises: StorageError."""
        return int(self._database.rows(f"SELECT count(*) {_PENDING}")[0][0])

    def _run(self) -> None:
        # Not a `with` block: its end would wait for the workers, and a receiver may be slow.
        workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="pupline-delivery")
        try:
            while True:
                self._wake.clear()
                is_closing = self._closing  # read before the outbox, which then has every alert published before
                receivers = [found for found in self._receivers() if found.subscription_id not in self._busy]
                for receiver in receivers:
                    self._busy.add(receiver.subscription_id)
                    workers.submit(self._serve_in_worker, receiver)
                if self._is_abandoned or (is_closing and not receivers and not self._busy):
                    return
                self._wake.wait(_POLL_SECONDS)
        except (PuplineError, RuntimeError) as err:
            self.trouble = err if isinstance(err, PuplineError) else local_trouble(err)
            if self.trouble is None:
                raise
        finally:
            workers.shutdown(wait=False, cancel_futures=True)

    def _serve_in_worker(self, receiver: _Receiver) -> None:
        try:
            self._serve(receiver)
        except PuplineError as err:
            self.trouble = err
        finally:
            self._busy.discard(receiver.subscription_id)
            self._wake.set()

    def _receivers(self) -> list[_Receiver]:
        """Subscriptions with outstanding deliveries that are not pausing."""
        query = f"SELECT subscription_id, protocol, endpoint, max({_PAUSED}) {_PENDING} GROUP BY subscription_id"
        worked = self._clock.working_time()
        return [
            _Receiver(number, *found)
            for number, *found, resting in self._database.rows(query, (self._clock.now(),))
            if (self._paused_until[number] <= worked if number in self._paused_until else not resting)
        ]

    def _serve(self, receiver: _Receiver) -> int:
        """Deliver in order until nothing is left or one attempt fails; how many were delivered."""
        count = 0
        while page := self._due(receiver):
            for pending in page:
                if not self._attempt(receiver, pending):
                    return count
                count += 1
        return count

    def _due(self, receiver: _Receiver) -> list[_Pending]:
        query = (
            "SELECT alert_id, attempts, message_id, execution, command_id, topic, subject, message, attributes,"
            " published_at FROM deliveries JOIN alerts USING (alert_id) WHERE subscription_id = ?"
            " AND delivered_at IS NULL AND given_up_at IS NULL ORDER BY attempts, alert_id LIMIT ?"
        )
        rows = self._database.rows(query, (receiver.subscription_id, _PAGE))
        return [_Pending(row[0], row[1], alert_of_row(row[2:])) for row in rows]

    def _attempt(self, receiver: _Receiver, pending: _Pending) -> bool:
        """Send and note the result; False when the subscription should rest."""
        failure: DeliveryFailed | None = None
        try:
            self._channels[receiver.protocol](pending.alert, receiver.endpoint)
        except DeliveryFailed as err:
            failure = err
        except Exception as err:  # noqa: BLE001 - a bug of a channel or a library must not stop other subscriptions
            failure = DeliveryFailed(f"{type(err).__name__}: {err}")
        attempts = pending.attempts + 1
        now = self._clock.now()
        if failure is None:
            change = "delivered_at = ?, last_error = NULL"
            values: tuple[object, ...] = (now,)
        else:
            text = storable(printable(str(failure)))[:_ERROR_CHARACTERS]
            final = failure.permanent or attempts >= MAX_ATTEMPTS
            if not failure.permanent:
                self._paused_until[receiver.subscription_id] = self._clock.working_time() + pause_seconds(attempts)
            change = f"{'given_up_at' if final else 'next_attempt_at'} = ?, last_error = ?"
            values = (now if final else now + pause_seconds(attempts), text)
        update = f"UPDATE deliveries SET attempts = ?, {change} WHERE alert_id = ? AND subscription_id = ?"  # noqa: S608
        parameters = (attempts, *values, pending.alert_id, receiver.subscription_id)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(update, parameters)

        self._database.write(work)
        return failure is None or failure.permanent
