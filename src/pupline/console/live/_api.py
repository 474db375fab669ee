"""The stream of changes."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from pupline.console.live._hub import MAX_TOPICS, Hub
from pupline.console.live._watches import JOBS
from pupline.console.web import Console, Cursor, Filters, Problem, Texts, bad_request
from pupline.local import DATA_TOPICS, EXECUTION_PREFIX
from pupline.text import printable

_TOPICS = DATA_TOPICS | {JOBS}
_RETRY_MILLISECONDS = 2000


class LiveFilters(Filters):
    """topic: what to listen for. after: the cursor of the page, or of the last event that was received."""

    topic: Texts
    after: Cursor = None


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["live"])

    @router.get("/live", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
    async def live(
        filters: Annotated[LiveFilters, Query()], last_event_id: Annotated[str | None, Header(max_length=100)] = None
    ) -> StreamingResponse:
        """Server-sent events: `{"topic", "cursor"}` whenever something of a topic has changed.

        Topics: executions, execution:NAME, ingests, records, alerts, jobs. With the last cursor as `after` or as
        Last-Event-ID, what happened in between comes first.
        """
        topics = checked_topics(filters.topic)
        if console.live.is_full:
            raise Problem(503, "too_many_streams", "too many pages listen for changes; close some of them")
        events = _events(console.live, topics, last_event_id or filters.after)
        return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    return router


def checked_topics(topics: Sequence[str]) -> Sequence[str]:
    """The topics, each once. Raises: Problem for one that does not exist, and for too many."""
    for topic in topics:
        if topic not in _TOPICS and not (topic.startswith(EXECUTION_PREFIX) and topic != EXECUTION_PREFIX):
            known = ", ".join(sorted(_TOPICS))
            raise bad_request(f"{printable(topic, 60)!r} is not a topic; there are {known} and execution:NAME")
    if len(topics) > MAX_TOPICS:
        raise bad_request(f"a stream has at most {MAX_TOPICS} topics")
    return tuple(dict.fromkeys(topics))


async def _events(hub: Hub, topics: Sequence[str], cursor: str | None) -> AsyncIterator[str]:
    yield f"retry: {_RETRY_MILLISECONDS}\n\n"
    async for change in hub.listen(topics, cursor):
        if change is None:
            yield ":\n\n"
        else:
            topic, position = change
            yield f"id: {position}\ndata: {json.dumps({'topic': topic, 'cursor': position})}\n\n"
