"""Any number of tiny pictures over HTTP, all different: `python -m benchmarks.tiny_server`.

`/00000042.gif` is a GIF of one pixel whose comment is its number. Prints its origin, then serves until standard input
is closed. One thread, and one read and write per request: the server must not dominate the measurement.
"""

import selectors
import socket
import sys

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: image/gif\r\nContent-Length: %d\r\n\r\n"
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
_PICTURE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff"
    b"!\xfe\x08%b\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;"
)
_DIGITS = 8
_START = len(b"GET /")


def picture(number: int) -> bytes:
    """An intact GIF, different for each number."""
    return _PICTURE % (b"%08d" % number)


def name(number: int) -> str:
    """The file name of a picture."""
    return f"{number:0{_DIGITS}}.gif"


def main() -> None:
    """Serve until standard input is closed."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener, selectors.DefaultSelector() as selector:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)
        selector.register(sys.stdin, selectors.EVENT_READ)
        while _served(selector, listener):
            pass


def _served(selector: selectors.BaseSelector, listener: socket.socket) -> bool:
    """Answer all pending requests. False if standard input was closed."""
    for key, _ in selector.select():
        if key.fileobj is sys.stdin:
            return False
        if key.fileobj is listener:
            selector.register(_accepted(listener), selectors.EVENT_READ)
        elif isinstance(key.fileobj, socket.socket) and not _answered(key.fileobj):
            selector.unregister(key.fileobj)
            key.fileobj.close()
    return True


def _accepted(listener: socket.socket) -> socket.socket:
    connection, _ = listener.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _answered(connection: socket.socket) -> bool:
    """Whether the connection stays open. A request of a few hundred bytes is read in one piece."""
    try:
        request = connection.recv(65536)
        if request:
            connection.sendall(_answer(request))
    except OSError:
        return False
    return bool(request)


def _answer(request: bytes) -> bytes:
    digits = request[_START : _START + _DIGITS]
    if not digits.isdigit():
        return _NOT_FOUND
    body = _PICTURE % digits
    return _HEAD % len(body) + body


if __name__ == "__main__":
    main()
