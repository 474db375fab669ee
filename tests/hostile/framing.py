"""Scenarios: where a body ends."""

from tests.hostile.scenario import (
    ATTEMPTS,
    Visit,
    accepted,
    answer,
    closing,
    failed,
    flooded,
    picture,
    refused,
)

CHUNKED = "Transfer-Encoding: chunked"
HALF = picture("half")[:300]


def chunk(data: bytes, size: bytes | None = None) -> bytes:
    """A chunk, with its size or another."""
    return (b"%x" % len(data) if size is None else size) + b"\r\n" + data + b"\r\n"


def chunked(body: bytes, *, end: bytes = b"0\r\n\r\n") -> bytes:
    """A body in two chunks."""
    return chunk(body[:100]) + chunk(body[100:]) + end


LENGTHS = {
    "two-lengths": ["Content-Length: 300", "Content-Length: 5"],
    "lengths-in-a-list": ["Content-Length: 300, 300"],
    "length-with-a-plus": ["Content-Length: +300"],
    "length-below-zero": ["Content-Length: -1"],
    "length-in-hex": ["Content-Length: 0x12c"],
    "length-with-a-point": ["Content-Length: 300.0"],
    "length-in-other-digits": ["Content-Length: \xb3\xb2"],
    "length-with-underscores": ["Content-Length: 3_00"],
    "length-of-many-digits": ["Content-Length: " + "9" * 5000],
    "length-of-nothing": ["Content-Length:"],
    "length-folded": ["Content-Length:\r\n 300"],
    "length-with-a-space": ["Content-Length : 300", "X-Other: 1"],
    "length-after-a-return": ["X-Other: 1\rContent-Length: 5", "Content-Length: 300"],
    "length-after-a-nul": ["X-Other: 1\0", "Content-Length: 300"],
    "length-in-disguise": ["Content\x0b-Length: 5", "Content-Length: 300"],
    "length-and-chunks": ["Content-Length: 300", CHUNKED],
    "chunks-twice": [CHUNKED, CHUNKED],
    "chunks-behind-gzip": ["Transfer-Encoding: gzip, chunked"],
    "chunks-before-identity": ["Transfer-Encoding: chunked, identity"],
    "chunks-in-quotes": ['Transfer-Encoding: "chunked"'],
    "chunks-behind-a-tab": ["Transfer-Encoding:\x0bchunked"],
    "chunks-spelt-wrong": ["Transfer-Encoding: xchunked"],
    "coding-with-a-space": ["Transfer-Encoding : chunked", "Content-Length: 300"],
}
"""Heads of which two readers could make bodies of different lengths."""

CHUNK_SIZES = {
    "chunk-below-zero": b"-12c",
    "chunk-with-a-plus": b"+12c",
    "chunk-with-a-prefix": b"0x12c",
    "chunk-with-an-underscore": b"1_2c",
    "chunk-of-nothing": b"",
    "chunk-of-many-digits": b"1" + b"0" * 16,
    "chunk-behind-a-space": b" 12c",
    "chunk-in-letters": b"zz",
    "chunk-shorter-than-said": b"12e",
    "chunk-longer-than-said": b"12b",
}


def many_chunks(visit: Visit) -> None:
    """Chunks of a byte without end."""
    visit.send(answer(b"", CHUNKED))
    visit.repeat(chunk(b"x") * 10_000)


def endless_extension(visit: Visit) -> None:
    """A chunk extension without end."""
    visit.send(answer(b"12c;name=", CHUNKED))
    visit.repeat(b"v" * 65_536)


def endless_trailers(visit: Visit) -> None:
    """Trailers without end, after a whole body."""
    visit.send(answer(chunked(HALF, end=b"0\r\n"), CHUNKED))
    visit.repeat(b"Trailer: x\r\n" * 4096)


def endless_body(visit: Visit) -> None:
    """A body without a length and without end."""
    visit.send(b"HTTP/1.1 200 OK\r\n\r\n\xff\xd8")
    visit.repeat(b"\xff" * 65_536)


def extensions_everywhere(visit: Visit) -> None:
    """Chunks of a byte, each with an extension."""
    visit.send(answer(b"", CHUNKED))
    visit.repeat(b"1;" + b"x" * 200 + b"\r\nx\r\n")


def dripping_body(visit: Visit) -> None:
    """A body that arrives byte by byte: each read is short, the whole takes a quarter of an hour."""
    visit.send(answer(b"", "Content-Length: 3000"))
    visit.repeat(b"x", pause_seconds=0.3)


def dripping_chunks(visit: Visit) -> None:
    """Chunks that arrive one by one."""
    visit.send(answer(b"", CHUNKED))
    visit.repeat(chunk(b"x"), pause_seconds=0.3)


def dripping_trailers(visit: Visit) -> None:
    """Trailers that arrive one by one."""
    visit.send(answer(chunked(HALF, end=b"0\r\n"), CHUNKED))
    visit.repeat(b"X: y\r\n", pause_seconds=0.3)


def silent_trailer(visit: Visit) -> None:
    """All of the body, and never its end."""
    visit.send(answer(chunked(picture("silent-trailer"), end=b"0\r\n"), CHUNKED))
    visit.hang()


SCENARIOS = [
    accepted("counted", answer),
    accepted("counted-twice-alike", lambda body: answer(body, *[f"Content-Length: {len(body)}"] * 2)),
    accepted("counted-with-zeros", lambda body: answer(body, f"Content-Length:\t 00{len(body)} ")),
    accepted("chunked", lambda body: answer(chunked(body), CHUNKED)),
    accepted("chunked-in-capitals", lambda body: answer(chunked(body), "TRANSFER-ENCODING: CHUNKED")),
    accepted("chunked-with-trailers", lambda body: answer(chunked(body, end=b"000;x\r\nA: b\r\n\r\n"), CHUNKED)),
    accepted("chunked-with-line-feeds", lambda body: answer(b"%x\n" % len(body) + body + b"\n0\n\n", CHUNKED)),
    accepted("until-closed", lambda body: closing(b"HTTP/1.0 200 OK\r\n\r\n" + body)),
    accepted("followed-by-another", lambda body: answer(body) + answer(picture("injected"))),
    accepted("followed-by-rubbish", lambda body: answer(body) + b"\r\n\r\n<html>"),
    accepted("chunked-and-another", lambda body: answer(chunked(body), CHUNKED) + answer(picture("injected"))),
    failed("short-then-closed", closing(answer(HALF, "Content-Length: 600")), "incomplete_body", requests=ATTEMPTS),
    failed("short-then-silent", answer(HALF, "Content-Length: 600"), "timeout", requests=ATTEMPTS),
    failed("no-last-chunk", closing(answer(chunked(HALF, end=b""), CHUNKED)), "incomplete_body", requests=ATTEMPTS),
    failed("no-trailer", closing(answer(chunked(HALF, end=b"0\r\n"), CHUNKED)), "incomplete_body", requests=ATTEMPTS),
    failed("half-a-chunk", closing(answer(b"12c\r\n" + HALF[:9], CHUNKED)), "incomplete_body", requests=ATTEMPTS),
    failed("half-a-size", closing(answer(b"12", CHUNKED)), "incomplete_body", requests=ATTEMPTS),
    failed("silent-trailer", silent_trailer, "timeout", requests=ATTEMPTS),
    failed("dripping-body", dripping_body, "timeout", requests=ATTEMPTS),
    failed("dripping-chunks", dripping_chunks, "timeout", requests=ATTEMPTS),
    failed("dripping-trailers", dripping_trailers, "timeout", requests=ATTEMPTS),
    failed("chunks-in-http-1-0", b"HTTP/1.0 200 OK\r\n" + CHUNKED.encode() + b"\r\n\r\n0\r\n\r\n", "http_error"),
    *[failed(name, answer(HALF, *headers), "http_error") for name, headers in LENGTHS.items()],
    *[
        failed(name, answer(chunk(HALF, size) + b"0\r\n\r\n", CHUNKED), "http_error")
        for name, size in CHUNK_SIZES.items()
    ],
    refused("length-over-the-limit", answer(b"", "Content-Length: 1000001"), "too_large"),
    refused("length-beyond-all", answer(b"", f"Content-Length: {10**18 - 1}"), "too_large"),
    refused("chunk-over-the-limit", answer(b"fffffffffffffff\r\n", CHUNKED), "too_large"),
    flooded("many-chunks", many_chunks),
    flooded("endless-extension", endless_extension),
    flooded("extensions-everywhere", extensions_everywhere),
    flooded("endless-trailers", endless_trailers),
    flooded("endless-body", endless_body),
]
