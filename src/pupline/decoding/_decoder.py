"""A decoder process: it gets images one after another, decodes each, and replies what it found.

It is a process of its own because decoders are C code that reads untrusted bytes. It may use so much memory, may write
no file, has none of the environment's secrets, and ends by itself where one image takes far too long.
"""

import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pupline.decoding._messages import EXAMINE, HELLO, THUMBNAIL, BrokenMessage, Message, receive, send
from pupline.text import printable


def main(descriptor: int, memory_bytes: int, max_pixels: int, seconds: int) -> None:
    """Serve until the other end closes its socket."""
    import PIL
    from PIL import Image

    from pupline.decoding import _picture

    Image.init()  # every plug-in is loaded before the limits apply
    sock = socket.socket(fileno=descriptor)
    _limit(memory_bytes)
    send(sock, Message(HELLO, json.dumps({"pillow": PIL.__version__}).encode()))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # warnings of C libraries, about bytes from outside
    work: dict[int, Callable[[bytes, int], dict[str, Any]]] = {
        EXAMINE: lambda body, _: _picture.examine(body, max_pixels),
        THUMBNAIL: lambda body, side: _picture.thumbnail(body, max_pixels, side),
    }
    with suppress(BrokenMessage, OSError):
        while True:
            kind, body, argument = receive(sock)
            signal.alarm(seconds)  # the parent is gone if this is ever reached
            try:
                found: dict[str, Any] = work[kind](body, argument)
            except _picture.Undecodable as err:
                found = {"undecodable": err.reason, "detail": err.detail}
            except MemoryError:
                found = {"undecodable": "memory", "detail": f"decoding it takes more than {memory_bytes >> 20:,} MiB"}
            except Exception as err:  # noqa: BLE001 - a picture that Pillow decodes, and then cannot convert
                found = {"undecodable": "unsupported", "detail": printable(f"{type(err).__name__}: {err}")}
            signal.alarm(0)
            del body
            send(sock, Message(kind, json.dumps(found).encode()))


def _limit(memory_bytes: int) -> None:
    """Limit this process from now on. Systems that do not know a limit do without it."""
    limits = {"RLIMIT_AS": _address_space() + memory_bytes, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0}
    for name, most in limits.items():
        with suppress(AttributeError, OSError, ValueError):
            kind = getattr(resource, name)
            _, hard = resource.getrlimit(kind)
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, most))


def _address_space() -> int:
    """Bytes of address space in use; an estimate where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 - pathlib is not loaded
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 1 << 28


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
