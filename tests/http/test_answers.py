"""Only a whole, well-formed answer is an answer."""

import gzip
import re
import socket
import struct
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import ConnectionFailed, HttpError, IncompleteBody, TaskFailure, TooLarge
from pupline.http._answer import read_body, read_head
from pupline.http._deadline import Deadline
from pupline.http._decode import decoded
from pupline.http._wire import Wire
from tests.http.fetch_servers import Pieces, RawServer, answer, chunked
from tests.http.fetch_waits import bounded_by as bounded_by

BODY = bytes(range(256)) * 3


def zipped(data: bytes) -> bytes:
    """A gzip file of `data`, the same at any time."""
    return gzip.compress(data, mtime=0)


GZIPPED = zipped(BODY)
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
    "a non-authoritative answer": answer(BODY, status="203 Non-Authoritative Information"),
    "a part that is the whole": answer(BODY, "Content-Range: bytes 0-767/768", status="206 Partial Content"),
    "a chunked part that is the whole": answer(
        chunked(BODY), CHUNKED, "Content-Range: BYTES  0-767/768", status="206 Partial Content"
    ),
    "a range that is the whole": answer(BODY, "Content-Range: bytes 0-767/768"),
    "a folded header": answer(BODY, "A: b\r\n c\r\n\td"),
    "a folded header that mentions framing": answer(BODY, "Access-Control-Expose-Headers: ETag,\r\n Content-Length"),
    "a fold of nothing": b"HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 768\r\n\r\n" + BODY,
    "a header line without a colon": answer(BODY, "broken"),
    "a folded line without a colon": answer(BODY, "broken\r\n and: folded"),
    "a space before the colon": answer(BODY, "X-Cache : HIT"),
    "a header without a name": answer(BODY, ": nginx"),
    "a header name with a bracket": answer(BODY, "X[1]: y", "X\u00e9: y", "\x7f\x1b: y"),
    "empty lines first": b"\r\n\r\n" + answer(BODY),
    "spaces before the status": b"HTTP/1.1  \t200 OK\r\nContent-Length: 768\r\n\r\n" + BODY,
    "no reason": b"HTTP/1.1 200\r\nContent-Length: 768\r\n\r\n" + BODY,
    "an old answer": b"HTTP/1.0 200 OK\r\nContent-Length: 768\r\n\r\n" + BODY,
    "header values beyond ASCII": answer(BODY, "X-Name: K\u00f6ter").replace(b"\xc3\xb6", b"\xf6"),
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
    "a radio": (b"ICY 200 OK\r\nContent-Length: 1\r\n\r\nx", HttpError, "it begins 'ICY 200 OK'"),
    "many empty lines": (b"\r\n\r\n\r\n" + answer(b"x"), HttpError, "it begins ''"),
    "a length without a colon": (answer(BODY, "Content-Length 768"), HttpError, "header line"),
    "a length misspelt": (answer(BODY, "content  length: 5"), HttpError, "header line"),
    "a length behind a control character": (answer(BODY, "\x0bContent-Length: 5"), HttpError, "header line"),
    "a length inside a bracket": (answer(BODY, "[Content-Length]: 5"), HttpError, "header line"),
    "a length with a byte in it": (answer(BODY, "Content\u00ad-Length: 5"), HttpError, "header line"),
    "a coding with a space": (answer(BODY, "Transfer-Encoding : chunked"), HttpError, "header line"),
    "a coding behind nothing": (answer(BODY, ":Transfer-Encoding: chunked"), HttpError, "header line"),
    "a length in a fold": (answer(BODY, "A: b\r\n Content-Length: 5"), HttpError, "header line ' Content-Length"),
    "a coding in a fold of nothing": (
        b"HTTP/1.1 200 OK\r\n\tTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx",
        HttpError,
        "header line",
    ),
    "a folded length": (b"HTTP/1.1 200 OK\r\nContent-Length:\r\n 1\r\n\r\nx", HttpError, "header line ' 1'"),
    "a folded coding": (answer(chunked(BODY), "Transfer-Encoding:\r\n chunked"), HttpError, "header line ' chunked'"),
    "a length that goes on": (answer(BODY, "Content-Length: 7\r\n 68"), HttpError, "header line ' 68'"),
    "a NUL in a header": (answer(BODY, "A: b\0c"), HttpError, "header line"),
    "a coding that changes nothing": (answer(BODY, "Transfer-Encoding: identity"), HttpError, "'identity' in HTTP/1.1"),
    "a header name with a space": (b"HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", HttpError, "header line"),
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
    "a part": (answer(BODY, "Content-Range: bytes 0-767/9000", status="206 Part"), HttpError, "answered 206"),
    "a later part": (answer(BODY, "Content-Range: bytes 1-768/769", status="206 Part"), HttpError, "answered 206"),
    "a part of nobody knows what": (answer(BODY, "Content-Range: bytes 0-767/*", status="206 Part"), HttpError, "206"),
    "parts": (answer(BODY, "Content-Type: multipart/byteranges", status="206 Partial"), HttpError, "answered 206"),
    "a whole that is too short": (
        answer(BODY[1:], "Content-Range: bytes 0-767/768", status="206 Partial"),
        IncompleteBody,
        "has 767 of the 768 bytes",
    ),
    "a change": (answer(BODY, status="226 IM Used"), HttpError, "answered 226"),
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
    "an encoding below gzip": (answer(zipped(BODY), "Content-Encoding: zstd, gzip"), HttpError, "'zstd, gzip'"),
    "many encodings": (answer(BODY, f"Content-Encoding: {'gzip,' * 6}"), HttpError, "more than 5 codings"),
    "damaged gzip": (answer(GZIPPED[:10] + b"\xff" * 20, "Content-Encoding: gzip"), HttpError, "damaged"),
    "gzip with a wrong checksum": (answer(GZIPPED[:-8] + bytes(8), "Content-Encoding: gzip"), HttpError, "damaged"),
    "damaged deflate": (answer(b"\x78\x9c" + b"\xff" * 20, "Content-Encoding: deflate"), HttpError, "damaged"),
    "cut gzip": (answer(GZIPPED[:-1], "Content-Encoding: gzip"), IncompleteBody, "ended early"),
    "a cut second member": (answer(GZIPPED + GZIPPED[:9], "Content-Encoding: gzip"), IncompleteBody, "ended early"),
    "the first byte of gzip": (answer(b"\x1f", "Content-Encoding: gzip"), IncompleteBody, "ended early"),
    "cut deflate": (answer(zlib.compress(BODY)[:-1], "Content-Encoding: deflate"), IncompleteBody, "ended early"),
    "cut bare deflate": (answer(zlib.compress(BODY)[2:-5], "Content-Encoding: deflate"), IncompleteBody, "ended early"),
    "a gzip bomb in gzip": (
        answer(zipped(zipped(b"\0" * 9**7)), "Content-Encoding: gzip, gzip"),
        TooLarge,
        "once decompressed",
    ),
    "a gzip bomb": (answer(zipped(b"\0" * 9**7), "Content-Encoding: gzip"), TooLarge, "once decompressed"),
    "a gzip of gzips": (answer(zipped(b"") * 40, "Content-Encoding: gzip"), HttpError, "more than 32 parts"),
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
            assert len(decoded(body, encoding, 1000, "http://h/")) <= 1000
        assert len(decoded(GZIPPED, "gzip", length, "http://h/", truncate=True)) == length


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
    for length in range(0, len(whole), 7 if name == "a byte a chunk" else 1):
        with pytest.raises((ConnectionFailed, IncompleteBody)):
            read_pieces([whole[:length]])


@given(st.sampled_from(sorted(WHOLE)), st.lists(st.integers(0, 1200), max_size=12))
def test_pieces_make_no_difference(name: str, cuts: list[int]) -> None:
    """The same bytes give the same body, however the network cuts them."""
    whole = WHOLE[name]
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in pairwise(edges)]
    assert read_pieces(pieces) == (b"" if name == "empty" else BODY)


HARMLESS = [
    *(b"broken", b"X : y", b": z", b"X[1]: y", b"\xffX: y", b"A: b", b"A:", b"Content-Type: image/gif", b"=", b"//"),
    *(b" folded", b"\tfolded: too", b" \t", b"Vary: Content-Length, Transfer-Encoding", b"X-Content-Length-Was: 5"),
]
HARMFUL = [
    *(
        b"Content-Length : 5",
        b" Content-Length: 5",
        b"\tTransfer-Encoding: chunked",
        b"Content-Length",
        b"content length=5",
    ),
    *(b"Content-Length\xa0: 5", b"\x0bContent-Length: 5", b"Transfer\xad-Encoding: chunked", b"(Content-Length): 5"),
    *(b"Content-Length: 5", b"Transfer-Encoding: identity", b"A: b\rContent-Length: 5", b"A: b\0", b"ContentLength 5"),
]


@given(st.lists(st.sampled_from(HARMLESS), max_size=6), st.lists(st.sampled_from(HARMFUL), max_size=1), st.data())
@settings(max_examples=300)
def test_no_line_moves_the_end_of_a_body(harmless: list[bytes], harmful: list[bytes], data: st.DataObject) -> None:
    """Whatever is passed over or joined, the body is what the one proper Content-Length says; else it is an error."""
    lines = data.draw(st.permutations([*harmless, *harmful, b"Content-Length: 768"]))
    raw = b"HTTP/1.1 200 OK\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + BODY + b"more"
    behind = lines[lines.index(b"Content-Length: 768") + 1 :]
    if harmful or (behind and behind[0][:1] in b" \t"):
        with pytest.raises(HttpError):
            read_pieces([raw])
    else:
        assert read_pieces([raw]) == BODY


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([*WHOLE["chunked"].split(b"\r\n"), *HARMLESS, *HARMFUL, b"\r\n", b"9"])).map(b"".join)
)
@settings(max_examples=300)
def test_garbage_raises_nothing_but_our_errors(garbage: bytes) -> None:
    """Whatever comes after a good status line ends in a body or in one of our errors."""
    for raw in (garbage, b"HTTP/1.1 200 OK\r\n" + garbage, answer(garbage, CHUNKED)):
        with suppress(TaskFailure):
            read_pieces([raw])
