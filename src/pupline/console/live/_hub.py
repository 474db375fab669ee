"""Who listens for changes, and what each of them has not been sent yet.

Every change has a number. A listener's cursor is the number of the last change it was sent, so one that was away gets
what it missed, once for each topic. Numbers begin again with each start of the console: a cursor of an earlier start
gets everything.
"""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from typing import Protocol

from pupline.errors import PuplineError
from pupline.local import DATA_TOPICS, EXECUTION_PREFIX


class Watch(Protocol):
    """Looks for changes, in one thread at a time."""

    def look(self, executions: Collection[str]) -> Collection[str]:
        """The topics that have changed since the last look. executions: the names of those that are watched one by one.

        Raises: PuplineError.
        """

    def close(self) -> None:
        """Release what the looks have opened."""


MAX_LISTENERS = 64
MAX_TOPICS = 50

_HEARTBEAT_SECONDS = 15.0
"""Without an event for so long, a comment is sent: a connection that is gone is then noticed."""


class Hub:
    """Publishes changes to listeners. watch: looks every `seconds`, in a thread, while somebody listens."""

    def __init__(self, watch: Watch, seconds: float) -> None:
        self._watch = watch
        self._seconds = seconds
        self._epoch = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._number = 0
        self._changed_at: dict[str, int] = {}
        self._data_changed_at = 0
        self._listeners: dict[object, Collection[str]] = {}
        self._news = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._polling: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether no further stream should be opened."""
        return len(self._listeners) >= MAX_LISTENERS

    @property
    def cursor(self) -> str:
        """The cursor of a listener that needs nothing that has happened so far."""
        return f"{self._epoch}-{self._number}"

    def publish(self, *topics: str) -> None:
        """Say that topics have changed. For any thread."""
        with self._lock:
            for topic in topics:
                self._number += 1
                self._changed_at[topic] = self._number
                if topic in DATA_TOPICS:
                    self._data_changed_at = self._number
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended, and with it all listeners
                self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """End all streams. In the loop's thread."""
        self._closing.set()
        self._wake()

    async def stop(self) -> None:
        """End all streams, and looking for changes."""
        self.close()
        if self._polling is not None:
            await self._polling
        self._watch.close()

    async def listen(self, topics: Collection[str], cursor: str | None = None) -> AsyncIterator[tuple[str, str] | None]:
        """Each change of these topics as (topic, cursor) from the cursor on; None now and then while there is none.

        cursor: of the last change that was received, or of the page; None for what happens from now on.
        """
        key, position = object(), self._position(cursor)
        self._listeners[key] = topics
        try:
            self._start_polling()
            while not self._closing.is_set():
                news = self._news
                for number, topic in self._since(position, topics):
                    position = number
                    yield topic, f"{self._epoch}-{number}"
                if news is self._news:
                    try:
                        await asyncio.wait_for(news.wait(), _HEARTBEAT_SECONDS)
                    except TimeoutError:
                        yield None
        finally:
            del self._listeners[key]

    def _position(self, cursor: str | None) -> int:
        """The number in a cursor; -1, for everything, in one of another start."""
        if not cursor:
            return self._number
        epoch, _, number = cursor.partition("-")
        is_ours = epoch == self._epoch and number.isascii() and number.isdigit() and len(number) <= 18
        return int(number) if is_ours and int(number) <= self._number else -1

    def _since(self, position: int, topics: Collection[str]) -> list[tuple[int, str]]:
        """The changes after a position, the oldest first."""
        with self._lock:
            numbers = {
                # An execution that nobody watched before may have changed with the rest.
                topic: self._changed_at.get(topic, self._data_changed_at if topic.startswith(EXECUTION_PREFIX) else 0)
                for topic in topics
            }
        return sorted((number, topic) for topic, number in numbers.items() if number > position)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    def _start_polling(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())

    async def _poll(self) -> None:
        while self._listeners and not self._closing.is_set():
            watched = self._watched()
            changed: Collection[str] = ()
            with suppress(PuplineError):  # a page says it when it is asked; the next look may succeed
                changed = await asyncio.to_thread(self._watch.look, watched)
            self._remember(watched)
            self.publish(*changed)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._seconds)

    def _watched(self) -> set[str]:
        """The names of the executions that somebody watches."""
        topics = {topic for listened in self._listeners.values() for topic in listened}
        return {topic.removeprefix(EXECUTION_PREFIX) for topic in topics if topic.startswith(EXECUTION_PREFIX)}

    def _remember(self, watched: Collection[str]) -> None:
        """Keep numbers of the executions that were looked at, and of no others."""
        topics = {EXECUTION_PREFIX + name for name in watched}
        with self._lock:
            for topic in topics:
                self._changed_at.setdefault(topic, self._data_changed_at)
            for topic in [one for one in self._changed_at if one.startswith(EXECUTION_PREFIX) and one not in topics]:
                del self._changed_at[topic]
