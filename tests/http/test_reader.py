"""The reader gives the same response or error however the bytes are cut, and never takes a part for the whole."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import ConnectionFailed, HttpError, IncompleteBody, TaskFailure, TooLarge
from pupline.http._connection import Connection
from pupline.http._deadline import Deadline
from pupline.http._exchange import Exchange
from pupline.http._raw_response import RawResponse, ReadLimits
from pupline.http._reader import ResponseReader
from tests.http.recorded import BODY, CHUNKED, KEPT, RECORDED, WHOLE
from tests.http.servers import Pieces, answer, chunked
from tests.http.waits import bounded_by as bounded_by

LIMITS = ReadLimits(100_000, 32 * 1024, 100)


def read(pieces: Sequence[bytes], limits: ReadLimits = LIMITS) -> RawResponse:
    """The response that arrives in these pieces, after which the connection ends."""
    reader = ResponseReader(limits, "http://h/")
    for piece in filter(None, pieces):
        response = reader.feed(piece)
        if response is not None:
            return response
    ended = reader.feed(b"")
    assert ended is not None
    return ended


def outcome(pieces: Sequence[bytes], limits: ReadLimits = LIMITS) -> tuple[object, ...]:
    """What the reader gives, in full: the response, or the class and the message of the error."""
    try:
        response = read(pieces, limits)
    except TaskFailure as failure:
        return type(failure), failure.message
    return response.head, response.body


def cut_positions(raw: bytes) -> Iterator[int]:
    """Every byte of a response; of a large one, its beginning, its end, and some between."""
    first = len(raw) if len(raw) < 700 else 200
    yield from range(first)
    yield from range(first, len(raw), len(raw) // 16 + 1)
    yield from range(max(first, len(raw) - 40), len(raw))


@pytest.mark.parametrize(("size", "count", "is_accepted"), [(1, 30_000, True), (1, 40_000, False), (64, 1_500, True)])
def test_chunks_are_not_arbitrarily_many(size: int, count: int, is_accepted: bool) -> None:
    """A few bytes a chunk are accepted, but millions of such chunks would cost as much as gigabytes."""
    raw = answer(chunked(*[b"x" * size] * count), CHUNKED)
    if is_accepted:
        assert len(read([raw]).body) == size * count
    else:
        with pytest.raises(TooLarge, match="32768"):
            read([raw])


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("limits", [LIMITS, ReadLimits(500, 32 * 1024, 100, truncate=True)], ids=["whole", "truncated"])
@pytest.mark.parametrize("name", RECORDED)
def test_a_response_cut_at_any_byte_is_the_same(name: str, limits: ReadLimits) -> None:
    """Head, body, error class and message are those of the response that arrives in one piece."""
    raw = RECORDED[name]
    expected = outcome([raw], limits)
    for at in cut_positions(raw):
        assert outcome([raw[:at], raw[at:]], limits) == expected, f"cut at byte {at}"
    step = 1 if len(raw) < 10_000 else 7
    assert outcome([raw[at : at + step] for at in range(0, len(raw), step)], limits) == expected, "bit by bit"


def test_a_switch_to_another_protocol_has_no_body() -> None:
    """Nobody waits for bytes of a protocol that nobody asked for."""
    response = ResponseReader(LIMITS, "http://h/").feed(b"HTTP/1.1 101 Switching\r\nContent-Length: 9\r\n\r\n")
    assert response is not None
    assert (response.head.status, response.body) == (101, b"")


@pytest.mark.parametrize("status", [400, 404, 599])
def test_the_body_of_an_error_can_be_left_out(status: int) -> None:
    """The answer is known with the head; what follows is skipped, from the first status of an error on."""
    reader = ResponseReader(LIMITS, "http://h/")
    assert reader.feed(f"HTTP/1.1 {status} No\r\nContent-Length: 9\r\n\r\n".encode()) is None
    assert reader.is_skipping
    assert reader.give_up().head.status == status


def test_a_plain_head_has_a_limit_too() -> None:
    """The short way of reading takes no head that the long one refuses."""
    raw = answer(BODY, "A: " + "x" * 300)
    assert outcome([raw], ReadLimits(100_000, 500, 100))[1] == BODY
    assert outcome([raw], ReadLimits(100_000, 200, 100))[0] is TooLarge


@given(st.sampled_from(sorted(RECORDED)), st.lists(st.integers(0, 1200), max_size=12))
def test_pieces_make_no_difference(name: str, cuts: list[int]) -> None:
    """However many pieces the network makes of a response, it stays the same."""
    raw = RECORDED[name]
    assert outcome(pieces_of(raw, cuts)) == outcome([raw])


@given(st.sampled_from(sorted(RECORDED)), st.integers(0, 400), st.binary(max_size=4), st.lists(st.integers(0, 900)))
def test_pieces_make_no_difference_to_damaged_responses(name: str, at: int, junk: bytes, cuts: list[int]) -> None:
    """The same holds where some bytes of it were replaced."""
    raw = RECORDED[name][:3000]
    damaged = raw[:at] + junk + raw[at + len(junk) :]
    assert outcome(pieces_of(damaged, cuts)) == outcome([damaged])


PLAIN_ERRORS = {
    "refused": answer(b"<html>no</html>", status="403 Forbidden"),
    "not found, empty": answer(b"", status="404 Not Found"),
    "an error with a long page": answer(b"x" * 70_000, status="500 Error"),
    "an error cut": answer(b"x", "Content-Length: 9", status="503 Busy"),
}


def responses(reader: ResponseReader, pieces: Sequence[bytes]) -> list[object]:
    """What the reader gives for each piece and the end, with its state in between, up to a response or an error."""
    found: list[object] = []
    for piece in [*filter(None, pieces), b""]:
        try:
            response = reader.feed(piece)
        except TaskFailure as failure:
            return [*found, type(failure), failure.message]
        if response is not None:
            return [*found, response.head, response.body, response.is_at_end]
        found.append((reader.head, reader.doing, reader.is_skipping, reader.wanted, reader.wants_error))
    return found


def responses_by_grammar(reader: ResponseReader, pieces: Sequence[bytes]) -> list[object]:
    """As `responses`, but never by the shorter way, for which the first piece must hold the whole head."""
    first, *rest = [*filter(None, pieces), b""]
    found = responses(reader, [first[:1], first[1:], *rest])
    return found[1:] if len(first) > 1 else found


@given(
    st.sampled_from(sorted({**RECORDED, **PLAIN_ERRORS})),
    st.tuples(st.integers(0, 400), st.binary(max_size=3)),
    st.binary(max_size=3),
    st.lists(st.integers(0, 1200), max_size=4),
    st.sampled_from(
        [LIMITS, ReadLimits(500, 150, 3), ReadLimits(500, 32 * 1024, 100, truncate=True, error_bytes=10)],
    ),
)
@settings(max_examples=300)
def test_the_shorter_way_leads_to_the_same(
    name: str, damage: tuple[int, bytes], more: bytes, cuts: list[int], limits: ReadLimits
) -> None:
    """Whole or damaged, in whatever pieces: a plain response is what the grammar makes of it, and so is its state."""
    at, junk = damage
    raw = {**RECORDED, **PLAIN_ERRORS}[name]
    pieces = pieces_of(raw[:at] + junk + raw[at + len(junk) :] + more, cuts)
    found = responses(ResponseReader(limits, "http://h/"), pieces)
    assert found == responses_by_grammar(ResponseReader(limits, "http://h/"), pieces)


def pieces_of(raw: bytes, cuts: Sequence[int]) -> list[bytes]:
    """`raw`, cut at these positions."""
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    return [raw[start:end] for start, end in pairwise(edges)]


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in WHOLE if name not in ("until closed", "more than was promised")])
def test_no_response_is_whole_before_its_last_byte(name: str) -> None:
    """A response that ends at any byte raises; it never passes for a shorter one."""
    whole = WHOLE[name]
    for length in range(0, len(whole), 7 if name == "a byte a chunk" else 1):
        with pytest.raises((ConnectionFailed, IncompleteBody)):
            read([whole[:length]])


@given(st.lists(st.binary(min_size=1, max_size=9), min_size=1, max_size=9), st.binary(max_size=9))
def test_a_body_ends_where_its_length_says(pieces: list[bytes], behind: bytes) -> None:
    """In whatever pieces it arrives, and whatever comes behind it."""
    body = b"".join(pieces)
    head = answer(b"", f"Content-Length: {len(body)}")
    response = read([head, *pieces[:-1], pieces[-1] + behind])
    assert (response.body, response.is_at_end) == (body, not behind)


@given(st.lists(st.integers(1, 3000), max_size=30))
def test_small_and_large_pieces_of_a_body_keep_their_order(sizes: list[int]) -> None:
    """Small pieces are put together, large ones are kept as they came."""
    pieces = [bytes([number]) * size for number, size in enumerate(sizes)]
    body = b"".join(pieces)
    assert read([answer(b"", f"Content-Length: {len(body)}"), *pieces]).body == body


def test_the_reader_says_how_much_of_the_body_it_waits_for() -> None:
    """So that a driver can receive all of it at once, and nothing beyond it."""
    reader = ResponseReader(LIMITS, "http://h/")
    assert reader.wanted == 0
    assert reader.feed(answer(b"wo", "Content-Length: 9")) is None
    assert reader.wanted == 7
    assert reader.feed(b"of") is None
    assert reader.wanted == 5


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
            read([raw])
    else:
        assert read([raw]).body == BODY


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([*WHOLE["chunked"].split(b"\r\n"), *HARMLESS, *HARMFUL, b"\r\n", b"9"])).map(b"".join)
)
@settings(max_examples=300)
def test_garbage_raises_nothing_but_our_errors(garbage: bytes) -> None:
    """Whatever comes after a good status line ends in a body or in one of our errors."""
    for raw in (garbage, b"HTTP/1.1 200 OK\r\n" + garbage, answer(garbage, CHUNKED)):
        with suppress(TaskFailure):
            read([raw])


def exchange_on(sock: Pieces) -> Exchange:
    """An exchange over a new connection."""
    return Exchange(Connection(sock), LIMITS, Deadline(60, lambda: 0.0, "http://h/"))


TALKS = st.lists(
    st.tuples(st.sampled_from(sorted(KEPT)), st.lists(st.integers(0, 500), max_size=6)), min_size=1, max_size=5
)


@given(TALKS, st.booleans())
def test_several_responses_on_one_connection_are_read_as_each_on_its_own(
    talk: list[tuple[str, list[int]]], polled: bool
) -> None:
    """However the network cuts them, each is read to its end and no further, by either driver."""
    with Pieces([]) as sock:
        connection = Connection(sock)
        for name, cuts in talk:
            raw = KEPT[name]
            exchange = Exchange(connection, LIMITS, Deadline(60, lambda: 0.0, "http://h/"))
            if polled:
                for piece in filter(None, pieces_of(raw, cuts)):
                    assert exchange.poll() is None
                    sock.arrive([piece])
                response = exchange.poll()
            else:
                sock.arrive(pieces_of(raw, cuts))
                response = exchange.wait()
            assert response == read([raw])
            assert response is not None
            assert (response.is_at_end, connection.is_quiet()) == (True, True)


@given(st.sampled_from(sorted(KEPT)), st.binary(min_size=1, max_size=9), st.integers(0, 500))
def test_anything_behind_a_response_is_noticed(name: str, more: bytes, cut: int) -> None:
    """A single byte behind a response, in the same piece or in another, and the connection is not used again."""
    raw = KEPT[name] + more
    with Pieces([raw[:cut], raw[cut:]]) as sock:
        exchange = exchange_on(sock)
        response = exchange.wait()
        assert response.body == read([KEPT[name]]).body
        assert not (response.is_at_end and exchange.connection.is_quiet())
