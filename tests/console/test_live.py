"""The stream of changes: no listener misses one, whenever it comes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import pytest
from fastapi.testclient import TestClient

from pupline.console.live import Hub
from pupline.console.live._hub import MAX_LISTENERS
from pupline.console.live._watches import ConsoleWatch, StackWatch
from pupline.errors import StorageError


class ScriptedWatch:
    """Reports what the test has put in. looks: the executions that were asked about, by look."""

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.looks: list[set[str]] = []
        self.closed = False
        self.fails = False

    def look(self, executions: Collection[str]) -> Collection[str]:
        """What was put in since the last look."""
        self.looks.append(set(executions))
        if self.fails:
            raise StorageError("the disk is gone")
        found, self.changed = self.changed, set()
        return found

    def close(self) -> None:
        """Remember it."""
        self.closed = True


class Listener:
    """One page. Its cursor is that of the last change it was sent."""

    def __init__(self, hub: Hub, *topics: str, cursor: str | None = None) -> None:
        self.cursor = cursor
        self._changes: AsyncIterator[tuple[str, str] | None] = hub.listen(topics, cursor)

    async def next(self) -> str:
        """The topic of the next change. Raises: StopAsyncIteration; TimeoutError after ten seconds."""
        while True:
            change = await asyncio.wait_for(anext(self._changes), 10)
            if change is not None:
                topic, self.cursor = change
                return topic

    async def leave(self) -> None:
        """End the stream, as a page that is closed."""
        await self._changes.aclose()  # type: ignore[attr-defined]


Body = Callable[[Hub, ScriptedWatch], Awaitable[None]]


def with_hub(body: Body, seconds: float = 0.001) -> ScriptedWatch:
    """Run the body with a hub in a loop of its own; the watch that it had."""

    async def run() -> ScriptedWatch:
        watch = ScriptedWatch()
        hub = Hub(watch, seconds)
        await body(hub, watch)
        await hub.stop()
        return watch

    return asyncio.run(run())


def test_a_change_reaches_everyone_who_listens_for_it() -> None:
    """And nobody else."""

    async def body(hub: Hub, watch: ScriptedWatch) -> None:
        one, two, other = Listener(hub, "records", "alerts"), Listener(hub, "alerts"), Listener(hub, "jobs")
        waiting = [asyncio.ensure_future(listener.next()) for listener in (one, two, other)]
        await asyncio.sleep(0)
        watch.changed = {"alerts"}
        assert await waiting[0] == await waiting[1] == "alerts"
        hub.publish("jobs")
        assert await waiting[2] == "jobs"

    assert with_hub(body).closed


def test_what_happened_before_a_page_listens_is_not_lost() -> None:
    """A page has the cursor of the moment before it was made."""

    async def body(hub: Hub, _watch: ScriptedWatch) -> None:
        cursor = hub.cursor
        hub.publish("executions", "jobs")
        listener = Listener(hub, "jobs", "records", "executions", cursor=cursor)
        assert [await listener.next(), await listener.next()] == ["executions", "jobs"]

    with_hub(body)


def test_a_page_that_was_away_gets_what_it_missed_once() -> None:
    """Each topic once, the oldest change first, and nothing that it has seen."""

    async def body(hub: Hub, _watch: ScriptedWatch) -> None:
        first = Listener(hub, "jobs", "records", "alerts", cursor=hub.cursor)
        hub.publish("alerts")
        assert await first.next() == "alerts"
        await first.leave()
        hub.publish("records", "jobs", "records")
        second = Listener(hub, "jobs", "records", "alerts", cursor=first.cursor)
        assert [await second.next(), await second.next()] == ["jobs", "records"]
        hub.publish("alerts")
        assert await second.next() == "alerts"

    with_hub(body)


@pytest.mark.parametrize("cursor", ["00000000-7", "nonsense", "-", "-5", "9" * 40, "٣-٣", "{epoch}-999", "{epoch}-x"])
def test_a_cursor_of_another_start_gets_everything(cursor: str) -> None:
    """As does one that means nothing."""

    async def body(hub: Hub, _watch: ScriptedWatch) -> None:
        listener = Listener(hub, "jobs", "records", cursor=cursor.format(epoch=hub.cursor.partition("-")[0]))
        assert {await listener.next(), await listener.next()} == {"jobs", "records"}

    with_hub(body)


def test_an_execution_is_watched_while_somebody_looks_at_it() -> None:
    """Others do not wake its page, but for once when nobody had watched it before."""

    async def body(hub: Hub, watch: ScriptedWatch) -> None:
        cursor = hub.cursor
        hub.publish("records")
        listener = Listener(hub, "execution:a", cursor=cursor)
        assert await listener.next() == "execution:a"
        waiting = asyncio.ensure_future(listener.next())
        while {"a"} not in watch.looks:
            await asyncio.sleep(0.001)
        watch.changed = {"records", "execution:b"}
        looks = len(watch.looks)
        while len(watch.looks) < looks + 3:
            await asyncio.sleep(0.001)
        assert not waiting.done()
        watch.changed = {"execution:a"}
        assert await waiting == "execution:a"

    with_hub(body)


def test_nobody_looks_while_nobody_listens() -> None:
    """An idle console leaves the disk alone."""

    async def body(hub: Hub, watch: ScriptedWatch) -> None:
        listener = Listener(hub, "jobs")
        hub.publish("jobs")
        waiting = asyncio.ensure_future(listener.next())
        while not watch.looks:
            await asyncio.sleep(0.001)
        hub.publish("jobs")
        await waiting
        await listener.leave()
        await asyncio.sleep(0.01)
        looks = len(watch.looks)
        await asyncio.sleep(0.01)
        assert len(watch.looks) == looks

    with_hub(body)


def test_a_look_that_fails_is_followed_by_others() -> None:
    """The disk may come back."""

    async def body(hub: Hub, watch: ScriptedWatch) -> None:
        watch.fails = True
        listener = Listener(hub, "alerts")
        waiting = asyncio.ensure_future(listener.next())
        while len(watch.looks) < 2:
            await asyncio.sleep(0.001)
        watch.fails, watch.changed = False, {"alerts"}
        assert await waiting == "alerts"

    with_hub(body)


def test_streams_end_when_the_console_stops() -> None:
    """Those that wait, too."""

    async def body(hub: Hub, _watch: ScriptedWatch) -> None:
        listener = Listener(hub, "jobs")
        waiting = asyncio.ensure_future(listener.next())
        await asyncio.sleep(0)
        hub.close()
        with pytest.raises(StopAsyncIteration):
            await waiting

    with_hub(body)


def test_streams_are_bounded() -> None:
    """The API refuses one more."""

    async def body(hub: Hub, _watch: ScriptedWatch) -> None:
        listeners = [Listener(hub, "jobs", cursor="x-0") for _ in range(MAX_LISTENERS)]
        found = [hub.is_full]
        for listener in listeners:
            await listener.next()
        found.append(hub.is_full)
        await listeners[0].leave()
        found.append(hub.is_full)
        assert found == [False, True, False]

    with_hub(body)


def test_a_stack_is_looked_at_seldom() -> None:
    """Each look costs requests; jobs, which are here, are seen at once."""
    times, cursors = iter((0.0, 0.0, 1.0, 2.0, 30.0, 30.0)), iter("aabb")
    watch = ConsoleWatch(StackWatch(lambda: next(times)), lambda: next(cursors))
    data = {"executions", "ingests", "records", "alerts"}
    looks = [set(watch.look(names)) for names in (["one"], ["one"], ["one"], [])]
    assert looks == [data | {"execution:one", "jobs"}, set(), {"jobs"}, data]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("topic=nonsense", "is not a topic"),
        ("topic=execution:", "is not a topic"),
        ("", "topic"),
        ("topic=jobs&other=1", "not a parameter"),
        ("&".join(f"topic=execution:{number}" for number in range(51)), "at most 50"),
        ("topic=jobs&after=" + "x" * 2000, "after"),
    ],
)
def test_a_stream_of_nothing_is_refused(client: TestClient, query: str, text: str) -> None:
    """With what there is to listen for."""
    answer = client.get(f"/api/live?{query}")
    assert answer.status_code == 400
    assert text in answer.json()["message"]
