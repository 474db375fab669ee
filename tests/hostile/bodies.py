"""Scenarios: bodies with a coding, and ranges that nobody asked for."""

import gzip
import zlib
from itertools import repeat

from tests.hostile.scenario import ATTEMPTS, Scenario, accepted, answer, failed, picture, refused

GZIP = "Content-Encoding: gzip"


def zipped(body: bytes, times: int = 1) -> bytes:
    """A gzip file in a gzip file, so many times."""
    for _ in repeat(None, times):
        body = gzip.compress(body, mtime=0)
    return body


def bare(body: bytes) -> bytes:
    """Deflate without a frame, as some servers send it."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(body) + deflater.flush()


def with_dictionary(body: bytes) -> bytes:
    """A zlib stream that needs a dictionary which only the server has."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, 15, 8, 0, b"woof" * 10)
    return deflater.compress(body) + deflater.flush()


def taken_as_it_is(name: str, *headers: str) -> Scenario:
    """A wrong Content-Encoding: the body does not begin as that coding does."""
    return accepted(name, lambda body: answer(body, *headers))


BOMB = zipped(bytes(50_000_000))
NESTED_BOMB = zipped(BOMB, 4)
EMPTY_MEMBER = zipped(b"")
LONG_NAME = b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 500_000
CUT = zipped(picture("cut-gzip"))[:-9]
FLIPPED = bytearray(zipped(picture("flipped-gzip")))
FLIPPED[-6] ^= 1

SCENARIOS = [
    accepted("gzip", lambda body: answer(zipped(body), GZIP)),
    accepted("gzip-in-capitals", lambda body: answer(zipped(body), "CONTENT-ENCODING: X-GZIP")),
    accepted("gzip-and-zeros", lambda body: answer(zipped(body) + bytes(600), GZIP)),
    accepted("gzip-in-two-members", lambda body: answer(zipped(body[:99]) + zipped(body[99:]), GZIP)),
    accepted("gzip-five-times", lambda body: answer(zipped(body, 5), "Content-Encoding: " + ", ".join(["gzip"] * 5))),
    accepted("deflate", lambda body: answer(zlib.compress(body), "Content-Encoding: deflate")),
    accepted("deflate-without-frame", lambda body: answer(bare(body), "Content-Encoding: deflate")),
    accepted("deflate-in-gzip", lambda body: answer(zipped(zlib.compress(body)), "Content-Encoding: deflate, gzip")),
    taken_as_it_is("gzip-that-is-not", GZIP),
    taken_as_it_is("deflate-that-is-not", "Content-Encoding: deflate"),
    taken_as_it_is("coding-none", "Content-Encoding: none"),
    taken_as_it_is("coding-utf-8", "Content-Encoding: utf-8, identity, aws-chunked"),
    taken_as_it_is("coding-of-commas", "Content-Encoding: " + "," * 5000),
    refused("gzip-bomb", answer(BOMB, GZIP), "too_large"),
    refused(
        "gzip-bombs-in-each-other", answer(NESTED_BOMB, "Content-Encoding: " + ", ".join([*["gzip"] * 5])), "too_large"
    ),
    refused("deflate-bomb", answer(zlib.compress(bytes(50_000_000)), "Content-Encoding: deflate"), "too_large"),
    failed("gzip-six-times", answer(zipped(b"x", 6), "Content-Encoding: " + ", ".join(["gzip"] * 6)), "http_error"),
    failed("gzip-of-many-members", answer(EMPTY_MEMBER * 40_000, GZIP), "http_error"),
    failed("gzip-with-an-endless-name", answer(LONG_NAME, GZIP), "incomplete_body", requests=ATTEMPTS),
    failed("gzip-cut", answer(CUT, GZIP), "incomplete_body", requests=ATTEMPTS),
    failed("gzip-of-two-bytes", answer(b"\x1f\x8b", GZIP), "incomplete_body", requests=ATTEMPTS),
    failed("gzip-flipped", answer(bytes(FLIPPED), GZIP), "http_error"),
    failed(
        "deflate-with-a-dictionary", answer(with_dictionary(b"woof" * 30), "Content-Encoding: deflate"), "http_error"
    ),
    failed("brotli", answer(b"\x1b\x00", "Content-Encoding: br"), "http_error"),
    failed("zstd-behind-gzip", answer(zipped(b"x"), "Content-Encoding: zstd, gzip"), "http_error"),
    accepted(
        "range-that-is-the-whole",
        lambda body: answer(body, f"Content-Range: bytes 0-{len(body) - 1}/{len(body)}", status="206 Partial Content"),
    ),
    failed("range", answer(picture("r"), "Content-Range: bytes 0-99/9000", status="206 Partial Content"), "http_error"),
    failed("range-under-200", answer(picture("r"), "Content-Range: bytes 0-99/9000"), "http_error"),
    failed("range-of-unknown", answer(picture("r"), "Content-Range: bytes 0-99/*", status="206 P"), "http_error"),
    failed(
        "range-of-ranges",
        answer(b"--x", "Content-Type: multipart/byteranges; boundary=x", status="206 P"),
        "http_error",
    ),
    failed(
        "range-too-short",
        answer(b"x" * 50, "Content-Range: bytes 0-99/100", status="206 P"),
        "incomplete_body",
        requests=ATTEMPTS,
    ),
    failed(
        "range-too-long",
        answer(b"x" * 150, "Content-Range: bytes 0-99/100", status="206 P"),
        "incomplete_body",
        requests=ATTEMPTS,
    ),
]
