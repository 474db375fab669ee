"""The Step Functions API: what arrives at the port, bodies of requests, and documents in them."""

import json
import socket
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

from fuzzing.target import Target
from pupline.stepfunctions import ApiError, HostCheck, Response
from pupline.stepfunctions._documents import NotJson, read_document
from pupline.stepfunctions.http import Limits
from pupline.stepfunctions.http._server import _Handler, _Service
from pupline.stepfunctions.protocol import check_constraints, load_service, read_request

_BODY_BYTES = 50_000
_SERVICE = load_service()
_OPERATIONS = sorted(_SERVICE.inputs)


def _connection(data: bytes) -> str:
    """What a connection with these bytes is answered; each answer begins as one of HTTP/1.1."""
    asked: list[int] = []

    def answer(_target: str, body: bytes, _authorization: str) -> Response:
        assert len(body) <= _BODY_BYTES
        asked.append(len(body))
        return Response(200, b"{}", "Any", "ok")

    service = _Service(answer, Limits(body_bytes=_BODY_BYTES), HostCheck(), lambda _line: None)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        theirs, _ = listener.accept()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        server: Any = SimpleNamespace(service=service)
        _Handler(theirs, ("127.0.0.1", 1), server)
        with suppress(OSError):  # a refusal has done so
            theirs.shutdown(socket.SHUT_WR)
        answered = b"".join(iter(lambda: ours.recv(65_536), b""))
    assert answered.startswith(b"HTTP/1.1 ") or not answered
    return f"{len(asked)} {answered[9:12]!r}"


_HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: AWSStepFunctions.ListStateMachines\r\n"


def _connections() -> list[bytes]:
    return [
        _HEAD + b"Content-Length: 2\r\n\r\n{}",
        (_HEAD + b"Content-Length: 2\r\n\r\n{}") * 3,
        _HEAD + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;a=b\r\n}\r\n0\r\nX: y\r\n\r\n",
        b"GET /health HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nOrigin: http://a\r\nHost: [::1]:1\r\n\r\n",
    ]


def _request(data: bytes) -> str:
    """The first line chooses an operation."""
    number, _, body = data.partition(b"\n")
    shape = _SERVICE.inputs[_OPERATIONS[sum(number) % len(_OPERATIONS)]]
    parameters = read_request(body, shape, _BODY_BYTES)
    check_constraints(parameters, shape)
    return f"{len(parameters)}"


def _requests() -> list[bytes]:
    machine = {"name": "n", "definition": "{}", "roleArn": "r", "type": "EXPRESS", "tags": [{"key": "a", "value": "b"}]}
    alias = {"name": "a", "routingConfiguration": [{"stateMachineVersionArn": "v", "weight": 100}]}
    bodies = [machine, alias, {"maxResults": 7, "nextToken": "t"}, {"mock": {"errorOutput": {"error": "e"}}}]
    return [b"%c\n%b" % (at, json.dumps(body).encode()) for body in bodies for at in range(8)]


STEP_FUNCTIONS: Final[tuple[Target, ...]] = (
    Target(
        "stepfunctions-port",
        _connection,
        _connections,
        words=(
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: ",
            b"Transfer-Encoding: chunked",
            b"ffff\r\n",
            b"Host: ",
            b"0\r\n",
        ),
    ),
    Target(
        "stepfunctions-request",
        _request,
        _requests,
        errors=(ApiError,),
        words=(b'{"', b'":', b"null", b"[", b"]", b"1e999", b'"\\ud800"', b"-1", b"true"),
    ),
    Target(
        "stepfunctions-document",
        lambda data: str(read_document(data.decode("utf-8", "replace")))[:20],
        lambda: [b'{"a": [1, 2.5, "x", null, true]}', b"[" * 300 + b"]" * 300, b"{'a': 1}", b'{"a" 1}', b"not"],
        errors=(NotJson,),
        words=(b'{"', b'":', b"[" * 50, b"]" * 50, b"NaN", b"1e999", b"\\u", b"9" * 500),
    ),
)
"""Targets of the API."""
