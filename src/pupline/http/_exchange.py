"""The two drivers of a ResponseReader over a Connection: `wait` blocks, `poll` takes what has arrived."""

from pupline.errors import ConnectionFailed, HttpError, TaskFailure
from pupline.http._connection import Connection
from pupline.http._deadline import Deadline
from pupline.http._raw_response import RawResponse, ReadLimits
from pupline.http._reader import MAX_PLAIN_HEAD_BYTES, ResponseReader

# How long a body that is not wanted may take, for its connection to be used again.
MAX_UNWANTED_SECONDS = 1.0


class Exchange:
    """A request that was sent on a connection, and the response to it.

    deadline: by when the response must be complete. is_reused: the connection was kept from an earlier request.
    keep_alive: it shall be kept for a later one.
    """

    __slots__ = ("_is_reused", "_limits", "_reader", "connection", "deadline", "keep_alive")

    def __init__(
        self,
        connection: Connection,
        limits: ReadLimits,
        deadline: Deadline,
        *,
        is_reused: bool = False,
        keep_alive: bool = False,
    ) -> None:
        self.connection = connection
        self.deadline = deadline
        self._limits = limits
        self._is_reused = is_reused
        self.keep_alive = keep_alive
        self._reader = ResponseReader(limits, deadline)

    def wait(self) -> RawResponse:
        """The response, once it is complete. Raises: as ResponseReader and Connection."""
        response = None
        while response is None:
            response = self._advance(wait=True)
        return response

    def poll(self) -> RawResponse | None:
        """The response, or None while parts of it have not arrived. Raises: as `wait`."""
        return self._advance(wait=False)

    def is_stale(self, failure: TaskFailure) -> bool:
        """Whether `failure` says only that the server had closed the kept connection, or left rubbish on it.

        Nothing that came was the response to this request then, which can be sent again on a new connection.
        """
        if not self._is_reused:
            return False
        if isinstance(failure, HttpError):
            return self._reader.head is None
        return isinstance(failure, ConnectionFailed) and not self._reader.has_received

    def _advance(self, *, wait: bool) -> RawResponse | None:
        """Feed the reader until there is a response; None where that would have to wait."""
        reader, connection, response = self._reader, self.connection, None
        while response is None:
            try:
                if reader.head is None and not self._limits.is_head_only:
                    data = connection.receive_head(MAX_PLAIN_HEAD_BYTES, self.deadline, reader.doing, wait)
                else:
                    data = connection.receive(reader.wanted, self.deadline, reader.doing, wait)
            except TaskFailure:
                if reader.is_skipping:
                    return reader.give_up()
                raise
            if data is None:
                return None
            response = reader.feed(data) if data else reader.end(is_cut=connection.ended_abruptly)
            if reader.is_skipping and response is None:
                if not self.keep_alive and not reader.wants_error:
                    return reader.give_up()
                self.deadline = self.deadline.sooner(MAX_UNWANTED_SECONDS)
        return response
