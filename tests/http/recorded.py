"""Responses of servers, byte for byte: whole and broken ones, and those after which a connection can be used again."""

import gzip
import zlib

from pupline.errors import ConnectionFailed, HttpError, IncompleteBody, TaskFailure, TooLarge
from tests.http.servers import answer, chunked

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
    "a length behind a vertical tab": (answer(BODY, "Content-Length:\x0b768"), HttpError, "Content-Length"),
    "a coding behind a form feed": (answer(chunked(BODY), "Transfer-Encoding:\x0cchunked"), HttpError, "chunked"),
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
    "a flood of interim answers": (b"HTTP/1.1 100 Continue\r\n\r\n" * 9, HttpError, "more than 8 interim responses"),
    "another protocol after all": (b"HTTP/1.1 101 Switching\r\n\r\n", HttpError, "answered 101"),
    "another protocol with a length": (
        b"HTTP/1.1 101 Switching\r\nContent-Length: 9\r\n\r\n",
        HttpError,
        "answered 101",
    ),
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

WOOF = b"woof" * 50
OLD = b"HTTP/1.0 200 OK\r\n"

KEPT = {
    "counted": answer(WOOF),
    "empty": answer(b""),
    "chunked": answer(chunked(WOOF[:9], WOOF[9:]), CHUNKED),
    "with trailers": answer(chunked(WOOF, end=b"0\r\nA: b\r\n\r\n"), CHUNKED),
    "behind an interim answer": b"HTTP/1.1 103 Hints\r\n\r\n" + answer(WOOF),
    "with a header twice": answer(WOOF, "A: b", "A: c"),
    "HTTP/1.0 that keeps alive": OLD + b"Connection: Keep-Alive\r\nContent-Length: 4\r\n\r\nwoof",
    "with a time-out": answer(WOOF, "Keep-Alive: max=9, timeout=5"),
}

CLOSED = {
    "said so": answer(WOOF, "Connection: Close"),
    "said so among others": answer(WOOF, "Connection: x, close"),
    "said so at last": answer(WOOF, "Connection: x", "Connection: close"),
    "HTTP/1.0": OLD + b"Content-Length: 4\r\n\r\nwoof",
    "no time at all": answer(WOOF, "Keep-Alive: timeout=1"),
    "more than was promised": answer(WOOF + b"x", f"Content-Length: {len(WOOF)}"),
    "another answer behind it": answer(WOOF) + answer(b"evil"),
    "another answer behind the last chunk": answer(chunked(WOOF), CHUNKED) + answer(b"evil"),
}

STATUSES = {
    "not found": answer(b"nothing", status="404 Not Found"),
    "busy, in chunks": answer(chunked(b"busy"), CHUNKED, status="503 Busy"),
    "nothing, with a length": b"HTTP/1.1 204 Nothing\r\nContent-Length: 9\r\n\r\n",
    "unchanged, with a length": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "moved": answer(b"moved", "Location: /there", status="302 Found"),
    "cut": answer(b"x", "Content-Length: 2", status="404 Not Found"),
    "without an end": b"HTTP/1.1 404 Not Found\r\n\r\nuntil the end",
    "malformed length": answer(b"x", "Content-Length: nine", status="404 Not Found"),
    "malformed chunks": answer(b"x\r\n", CHUNKED, status="404 Not Found"),
    "a large body": answer(b"x", "Content-Length: 70000", status="404 Not Found"),
    "another protocol": b"HTTP/1.1 101 Switching\r\nContent-Length: 0\r\n\r\n",
}

RECORDED: dict[str, bytes] = {
    **WHOLE,
    **{name: raw for name, (raw, _, _) in BROKEN.items()},
    **{f"kept, {name}": raw for name, raw in KEPT.items()},
    **{f"closed, {name}": raw for name, raw in CLOSED.items()},
    **{f"status, {name}": raw for name, raw in STATUSES.items()},
}
