"""What the interpreter does in a worker for one image, and for one address that is refused: the same in every run.

Counted are executed bytecodes, and calls of functions, in Python and in C. Times vary with the load of the machine;
these repeat exactly, so that a change of a percent can be seen. Time within C, the hash above all, is not in them.
"""

import itertools
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType
from typing import Any

from benchmarks.measure import Figure
from benchmarks.pictures import name, served_directory
from pupline.bulk._body_files import BodyFiles
from pupline.bulk._fetcher import Fetcher
from pupline.bulk._worker_messages import ImageRequest, RequestFailed, replies_frame
from pupline.http import FetchPolicy, HttpClient, Network, Origin
from pupline.tasks.ingest_rules import IngestRules

IMAGES = 40
ORIGIN = "http://127.0.0.1:8099"
BUFFER_BYTES = 1 << 20

_COMMON = "Server: nginx/1.22.1\r\nDate: Mon, 30 Nov 2026 16:25:49 GMT\r\nConnection: keep-alive\r\n"
_IMAGE_HEAD = (
    f"HTTP/1.1 200 OK\r\n{_COMMON}Content-Type: image/jpeg\r\nContent-Length: %d\r\n"
    'Last-Modified: Mon, 30 Nov 2026 15:00:00 GMT\r\nETag: "692c5a10-11d28"\r\nAccept-Ranges: bytes\r\n\r\n'
)
_REFUSAL = (
    f"HTTP/1.1 403 Forbidden\r\n{_COMMON}Content-Type: text/html\r\nContent-Length: 48\r\n\r\n"
    "<html><body><h1>403 Forbidden</h1></body></html>"
).encode()


@dataclass(slots=True)
class _Counts:
    """What was executed while it counted, of this thread."""

    bytecodes: int = 0
    python_calls: int = 0
    c_calls: int = 0

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        """For `sys.settrace`."""
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            self.python_calls += 1
        elif event == "opcode":
            self.bytecodes += 1
        return self.trace

    def profile(self, _frame: FrameType, event: str, _argument: object) -> None:
        """For `sys.setprofile`."""
        self.c_calls += event == "c_call"

    def count(self, work: Callable[[], object]) -> None:
        """Do the work twice, since tracing would count as calls what profiling does not, and the other way round."""
        sys.settrace(self.trace)
        work()
        sys.settrace(None)
        sys.setprofile(self.profile)
        work()
        sys.setprofile(None)


class _CannedServer:
    """The other end of one connection, whose responses have always arrived already."""

    def __init__(self) -> None:
        self._client, self._server = socket.socketpair()
        self._client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)

    def connect(self, _address: str, _port: int) -> socket.socket:
        """The client's end."""
        return self._client

    def answer(self, response: bytes) -> None:
        """Send the response, whatever was asked for."""
        self._server.sendall(response)


def figures(images: int = IMAGES) -> list[Figure]:
    """Bytecodes and calls in a worker, for each image of 73 kB and for each refusal."""
    pictures = served_directory(images)
    bodies = [(pictures / name(number)).read_bytes() for number in range(images)]
    kinds = {
        "an image of 73 kB": [(_IMAGE_HEAD % len(body)).encode() + body for body in bodies],
        "a refused address (403)": [_REFUSAL] * images,
    }
    return [_figure(who, responses) for who, responses in kinds.items()]


def _figure(who: str, responses: list[bytes]) -> Figure:
    server = _CannedServer()
    policy = FetchPolicy(trusted=frozenset({Origin.parse(ORIGIN)}))
    client = HttpClient(policy, Network(begin_connect=server.connect), idle_connections=1)
    counts, numbers = _Counts(), itertools.count()
    with tempfile.TemporaryDirectory() as folder:
        fetcher = Fetcher(client, BodyFiles(folder, 2 * len(responses)), IngestRules())

        def fetch_all() -> None:
            for response in responses:
                _fetch(fetcher, server, next(numbers), response)

        fetch_all()
        counts.count(fetch_all)
    client.close()
    images = len(responses)
    calls = (
        f"{counts.python_calls / images:.0f} calls of Python functions, {counts.c_calls / images:.0f} of C functions"
    )
    return Figure("in a worker", who, counts.bytecodes / images, "bytecodes", calls)


def _fetch(fetcher: Fetcher, server: _CannedServer, number: int, response: bytes) -> None:
    """What a worker does for one request, but for its waiting."""
    image = fetcher.begin(ImageRequest(number, f"{ORIGIN}/{name(number)}", None, None, None, None, None))
    assert not isinstance(image, RequestFailed), image.failure
    server.answer(response)
    while (reply := fetcher.poll(image)) is None:
        pass
    replies_frame([reply])
