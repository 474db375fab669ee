"""Messages between this process and a decoder process: a head with kind, argument and length, then the bytes.

Replies are JSON, never pickles: a decoder that hostile bytes have taken over may send anything.
"""

import json
import socket
import struct
from collections.abc import Callable
from typing import Any, NamedTuple

_HEAD = struct.Struct(">BHQ")
_MAX_REPLY = 1 << 20
_PIECE = 1 << 20

HELLO, EXAMINE, THUMBNAIL = range(3)
"""Kinds: the first message of a decoder, its versions; requests, with an image's bytes, and their replies.

The argument of a THUMBNAIL is its longer side, in pixels; other messages have none.
"""


class BrokenMessage(Exception):
    """The other end closed the connection, or sent something else than a message."""


class Message(NamedTuple):
    """One message. body: an image, or JSON."""

    kind: int
    body: bytes
    argument: int = 0


def send(sock: socket.socket, message: Message, wait: Callable[[], None] = lambda: None) -> None:
    """Send one message. wait: called where the socket's timeout passes; may raise. Raises: OSError."""
    head = _HEAD.pack(message.kind, message.argument, len(message.body))
    for piece in (memoryview(head), memoryview(message.body)):
        left = piece
        while left:
            try:
                left = left[sock.send(left[:_PIECE]) :]
            except TimeoutError:
                wait()


def receive(sock: socket.socket, wait: Callable[[], None] = lambda: None, most: int | None = None) -> Message:
    """One message. most: bytes allowed in its body. Raises: BrokenMessage; OSError; what `wait` raises."""
    kind, argument, length = _HEAD.unpack(_receive_exactly(sock, _HEAD.size, wait))
    if most is not None and length > most:
        raise BrokenMessage
    return Message(kind, bytes(_receive_exactly(sock, length, wait)), argument)


def receive_reply(sock: socket.socket, kind: int, wait: Callable[[], None]) -> dict[str, Any]:
    """The reply of a decoder. Raises: BrokenMessage; OSError; what `wait` raises."""
    got, body, _ = receive(sock, wait, _MAX_REPLY)
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError) as err:
        raise BrokenMessage from err
    if got != kind or not isinstance(reply, dict):
        raise BrokenMessage
    return reply


def _receive_exactly(sock: socket.socket, count: int, wait: Callable[[], None]) -> bytearray:
    found = bytearray()
    while len(found) < count:
        try:
            piece = sock.recv(min(count - len(found), _PIECE))
        except TimeoutError:
            wait()
            continue
        if not piece:
            raise BrokenMessage
        found += piece
    return found
