"""Only a whole, well-formed answer is an answer."""

import re
import socket
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConnectionFailed, IncompleteBody, TaskFailure
from pupline.http._content_coding import decode_content
from tests.http.recorded import BODY, BROKEN, GZIPPED, WHOLE, zipped
from tests.http.servers import RawServer, answer
from tests.http.waits import bounded_by as bounded_by


@pytest.mark.parametrize("name", WHOLE)
def test_whole_answers_are_read(name: str) -> None:
    """Every well-formed way to send a body gives exactly that body."""
    with RawServer(WHOLE[name]) as server:
        assert server.client().get(server.origin).body == (b"" if name == "empty" else BODY)


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.usefixtures("bounded_by")
def test_broken_answers_are_refused(name: str) -> None:
    """Every broken, cut, ambiguous or oversized answer raises, naming the URL and what was found."""
    raw, kind, text = BROKEN[name]
    with RawServer(raw) as server:
        with pytest.raises(kind) as caught:
            server.client(max_bytes=100_000).get(server.origin)
        assert type(caught.value) is kind
        assert re.match(f"http://127.0.0.1:{server.port}/: .*{text}", caught.value.message)
        assert len(caught.value.message) < 400


NO_CODINGS = [
    *(
        "",
        " ",
        ",",
        "none",
        "None",
        "null",
        "utf-8",
        "UTF-8",
        "aws-chunked",
        "binary",
        "8bit",
        "image/jpeg",
        "identity",
    ),
    *("identity, identity", "identity;q=1", "chunked", "base64", "\u00e9", "x" * 500),
]
JPEG = b"\xff\xd8\xff\xe0" + bytes(99)


@pytest.mark.parametrize(
    ("encoding", "sent", "given"),
    [
        *[(token, BODY, BODY) for token in NO_CODINGS],
        ("none", GZIPPED, GZIPPED),
        ("gzip", GZIPPED, BODY),
        ('"GZip"', GZIPPED, BODY),
        ("gzip, utf-8", GZIPPED, BODY),
        ("aws-chunked,gzip", GZIPPED, BODY),
        ("X-GZIP", zipped(BODY[:5]) + zipped(BODY[5:]), BODY),
        ("gzip", zipped(BODY[:5]) + b"\0\0" + zipped(BODY[5:]), BODY),
        *[
            ("gzip", GZIPPED + junk, BODY)
            for junk in (b"\0", bytes(5000), b"\r\n", b"\n", b"<!-- cached -->", b"\x1f\x8c")
        ],
        ("gzip", JPEG, JPEG),
        ("gzip, gzip", JPEG, JPEG),
        ("gzip, gzip", zipped(GZIPPED), BODY),
        ("gzip, gzip", GZIPPED, BODY),
        ("gzip", zipped(GZIPPED), GZIPPED),
        ("deflate, gzip", zipped(zlib.compress(BODY)), BODY),
        ("gzip", zlib.compress(BODY), BODY),
        ("gzip", b"HK dogs", b"HK dogs"),
        ("deflate", GZIPPED, BODY),
        ("deflate", zlib.compress(BODY), BODY),
        ("deflate", zlib.compress(BODY) + b"\r\n", BODY),
        ("deflate", zlib.compress(BODY)[2:-4], BODY),
        ("deflate", JPEG, JPEG),
    ],
    ids=lambda value: ascii(value)[:40] if isinstance(value, str) else str(len(value)),
)
def test_encoded_bodies_are_decoded(encoding: str, sent: bytes, given: bytes) -> None:
    """A body that comes compressed is given as it was before, one that only says so as it came."""
    with RawServer(answer(sent, f"Content-Encoding: {encoding}")) as server:
        assert server.client().get(server.origin).body == given


@given(st.sampled_from(["gzip", "deflate", "gzip, deflate", "none"]), st.binary(max_size=60), st.integers(0, 60))
def test_any_encoded_body_is_decoded_or_refused(encoding: str, junk: bytes, length: int) -> None:
    """Whatever comes under a coding's name gives bytes within the limit, or one of our errors."""
    for body in (junk, GZIPPED[:length] + junk, GZIPPED + junk, zlib.compress(junk)[:length] + junk):
        with suppress(TaskFailure):
            assert len(decode_content(body, encoding, 1000, "http://h/")) <= 1000
        assert len(decode_content(GZIPPED, "gzip", length, "http://h/", truncate=True)) == length


def test_a_reset_is_a_lost_connection() -> None:
    """A connection reset in the middle of a body is a transient error."""

    def reset(sock: socket.socket) -> None:
        sock.sendall(answer(BODY, "Content-Length: 9000"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with (
        RawServer(reset) as server,
        pytest.raises((ConnectionFailed, IncompleteBody), match=r"connection lost while|ended after"),
    ):
        server.client().get(server.origin)


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        ("image/PNG", "image/png"),
        (" image/jpeg ;charset=x", "image/jpeg"),
        ("\x1b[31m", None),
        ("", None),
        ("dog", None),
    ],
)
def test_the_declared_type_is_a_media_type_or_nothing(declared: str, read: str | None) -> None:
    """The declared type is given in one spelling; what is not a media type is not passed on."""
    with RawServer(answer(b"x", f"Content-Type: {declared}")) as server:
        assert server.client().get(server.origin).content_type == read
