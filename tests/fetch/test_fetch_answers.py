"""Only a whole, well-formed answer is an answer."""

import gzip
import re
import socket
import struct
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from fetch_servers import Pieces, RawServer, answer, chunked
from fetch_waits import bounded_by as bounded_by
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import ConnectionFailed, HttpError, IncompleteBody, TaskFailure, TooLarge
from pupline.fetch._answer import read_body, read_head
from pupline.fetch._deadline import Deadline
from pupline.fetch._wire import Wire

BODY = bytes(range(256)) * 3
CHUNKED = "Transfer-Encoding: chunked"

WHOLE = {
    "counted": answer(BODY),
    "counted twice alike": answer(BODY, "Content-Length: 768", "Content-Length: 768"),
    "empty": answer(b""),
    "chunked": answer(chunked(BODY[:1], BODY[1:]), CHUNKED),
    "chunks with extensions and trailers": answer(
        b'300;name="v"\r\n' + BODY + b"\r\n000 ;x\r\nTrailer: y\r\n\r\n", CHUNKED
    ),
    "a byte a chunk": answer(chunked(*[BODY[n : n + 1] for n in range(768)]), CHUNKED),
    "until closed": b"HTTP/1.0 200 OK\r\n\r\n" + BODY,
    "bare line feeds": b"HTTP/1.1 200\nContent-Length: 768\n\n" + BODY,
    "interim answers first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + answer(BODY),
    "more than was promised": answer(BODY + b"HTTP/1.1 200 OK\r\n", "Content-Length: 768"),
}

BROKEN: dict[str, tuple[bytes, type[TaskFailure], str]] = {
    "nothing": (b"", ConnectionFailed, "closed the connection before"),
    "half a head": (b"HTTP/1.1 200 OK\r\nContent-Le", ConnectionFailed, "closed the connection before"),
    "HTTP/0.9": (b"<html>\n<body>woof</body>\n</html>\n", HttpError, "not proper HTTP"),
    "another protocol": (b"SSH-2.0-OpenSSH_9\r\n", HttpError, "it begins 'SSH-2.0-OpenSSH_9'"),
    "an escape sequence": (b"\x1b]0;evil\x07\r\n", HttpError, r"it begins '\\\\x1b\]0;evil\\\\x07'"),
    "HTTP/2": (b"HTTP/2 200 OK\r\n\r\n", HttpError, "not proper HTTP"),
    "a status of letters": (b"HTTP/1.1 2OO OK\r\n\r\n", HttpError, "not proper HTTP"),
    "a header without a colon": (b"HTTP/1.1 200 OK\r\nbroken\r\nContent-Length: 9\r\n\r\nx", HttpError, "'broken'"),
    "a header name with a space": (b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", HttpError, "header line"),
    "a folded header": (b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\nx", HttpError, "header line"),
    "a carriage return in a header": (b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\nx", HttpError, "header line"),
    "too short": (answer(BODY, "Content-Length: 769"), IncompleteBody, "after 768 of 769 bytes"),
    "two lengths": (answer(BODY, "Content-Length: 768", "Content-Length: 5"), HttpError, "Content-Length '768, 5'"),
    "a list of lengths": (answer(BODY, "Content-Length: 768, 768"), HttpError, "Content-Length"),
    "a negative length": (answer(BODY, "Content-Length: -1"), HttpError, "Content-Length '-1'"),
    "a length with a sign": (answer(BODY, "Content-Length: +768"), HttpError, "Content-Length"),
    "a hexadecimal length": (answer(BODY, "Content-Length: 0x300"), HttpError, "Content-Length"),
    "an absurd length": (answer(BODY, f"Content-Length: {'9' * 400}"), HttpError, "Content-Length '999"),
    "an empty length": (answer(BODY, "Content-Length:"), HttpError, "Content-Length ''"),
    "length and chunks": (answer(chunked(BODY), CHUNKED, "Content-Length: 768"), HttpError, "both"),
    "an unknown coding": (answer(BODY, "Transfer-Encoding: gzip, chunked"), HttpError, "'gzip, chunked'"),
    "chunked twice": (answer(chunked(BODY), CHUNKED, CHUNKED), HttpError, "'chunked, chunked'"),
    "chunks in HTTP/1.0": (b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HttpError, "HTTP/1.0"),
    "no last chunk": (answer(chunked(BODY, end=b""), CHUNKED), IncompleteBody, "768 bytes without its last chunk"),
    "no trailer": (answer(chunked(BODY, end=b"0\r\n"), CHUNKED), IncompleteBody, "without its last chunk"),
    "half a chunk": (answer(b"5\r\nabc", CHUNKED), IncompleteBody, "after 3 bytes"),
    "a negative chunk": (answer(b"-5\r\nabcde\r\n0\r\n\r\n", CHUNKED), HttpError, "chunk size '-5'"),
    "a chunk size with a prefix": (answer(b"0x5\r\nabcde\r\n0\r\n\r\n", CHUNKED), HttpError, "chunk size"),
    "an empty chunk size": (answer(b"\r\nabcde\r\n0\r\n\r\n", CHUNKED), HttpError, "chunk size"),
    "a chunk longer than said": (answer(b"3\r\nabcde\r\n0\r\n\r\n", CHUNKED), HttpError, "longer than its size"),
    "a part nobody asked for": (answer(BODY, "Content-Range: bytes 0-767/9000"), HttpError, "Content-Range"),
    "a declared body over the limit": (answer(b"", "Content-Length: 100001"), TooLarge, "100001 bytes, the limit"),
    "a body over the limit": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_001, TooLarge, "more than 100000 bytes"),
    "chunks over the limit": (answer(chunked(*[b"x" * 5000] * 21), CHUNKED), TooLarge, "at least 105000 bytes"),
    "a chunk over the limit": (answer(b"fffffffffffff\r\n", CHUNKED), TooLarge, "the limit is 100000"),
    "a large head": (answer(b"", f"A: {'x' * 40000}"), TooLarge, "larger than 32768 bytes"),
    "many headers": (answer(b"", *[f"A{n}: x" for n in range(101)]), TooLarge, "more than 100 headers"),
    "a long chunk extension": (answer(b"1;" + b"x" * 40000 + b"\r\nx", CHUNKED), TooLarge, "larger than 32768"),
    "long extensions": (answer((b"1;" + b"x" * 999 + b"\r\nx\r\n") * 40, CHUNKED), TooLarge, "larger than 32768"),
    "long trailers": (answer(chunked(end=b"0\r\n" + b"A: b\r\n" * 9000), CHUNKED), TooLarge, "larger than 32768"),
    "a flood of interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, HttpError, "more than 8 interim answers"),
    "another protocol after all": (b"HTTP/1.1 101 Switching\r\n\r\n", HttpError, "answered 101"),
    "an unknown encoding": (answer(BODY, "Content-Encoding: br"), HttpError, "Content-Encoding 'br'"),
    "two encodings": (answer(BODY, "Content-Encoding: gzip", "Content-Encoding: gzip"), HttpError, "'gzip, gzip'"),
    "damaged gzip": (answer(b"woof", "Content-Encoding: gzip"), HttpError, "damaged"),
    "damaged deflate": (answer(b"\xffoof", "Content-Encoding: deflate"), HttpError, "damaged"),
    "cut gzip": (answer(gzip.compress(BODY)[:-1], "Content-Encoding: gzip"), IncompleteBody, "ended early"),
    "a gzip bomb": (answer(gzip.compress(b"\0" * 9**7), "Content-Encoding: gzip"), TooLarge, "once decompressed"),
    "a gzip of gzips": (answer(gzip.compress(b"") * 40, "Content-Encoding: gzip"), HttpError, "more than 32 parts"),
}


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


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY[:5]) + gzip.compress(BODY[5:])),
        ("deflate", zlib.compress(BODY)),
        ("deflate", zlib.compress(BODY)[2:-4]),
        ("identity", BODY),
    ],
)
def test_encoded_bodies_are_decoded(encoding: str, sent: bytes) -> None:
    """A body that comes compressed although identity was asked for is given as it was before."""
    with RawServer(answer(sent, f"Content-Encoding: {encoding}")) as server:
        assert server.client().get(server.origin).body == BODY


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


def read_pieces(pieces: list[bytes]) -> bytes:
    """The body of the answer that arrives in these pieces."""
    with Pieces(pieces) as sock:
        wire = Wire(sock, Deadline(60, lambda: 0.0, "http://h/"), 4096)
        return read_body(wire, read_head(wire, 20), 5000)


CUT = [name for name in WHOLE if name not in ("until closed", "more than was promised")]


@pytest.mark.parametrize("name", CUT)
def test_no_answer_is_whole_before_its_last_byte(name: str) -> None:
    """An answer cut at any byte raises; it never passes for a shorter one."""
    whole = WHOLE[name]
    for length in range(len(whole)):
        with pytest.raises((ConnectionFailed, IncompleteBody)):
            read_pieces([whole[:length]])


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(0, 1200), max_size=12))
def test_pieces_make_no_difference(name: str, cuts: list[int]) -> None:
    """The same bytes give the same body, however the network cuts them."""
    whole = WHOLE[name]
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read_pieces(pieces) == (b"" if name == "empty" else BODY)


@given(
    st.binary(max_size=300) | st.lists(st.sampled_from([*WHOLE["chunked"].split(b"\r\n"), b"\r\n", b"9"])).map(b"".join)
)
@settings(max_examples=300)
def test_garbage_raises_nothing_but_our_errors(garbage: bytes) -> None:
    """Whatever comes after a good status line ends in a body or in one of our errors."""
    for raw in (garbage, b"HTTP/1.1 200 OK\r\n" + garbage, answer(garbage, CHUNKED)):
        with suppress(TaskFailure):
            read_pieces([raw])
