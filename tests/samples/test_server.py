"""The sample server, asked over HTTP as any client would."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import pytest

from pupline.images import extension_agrees, inspect, name_extension
from pupline.samples import HOST_NAME, SampleServer
from pupline.specs import EXECUTION_HEADER


class StayHere(HTTPRedirectHandler):
    """Follow no redirect."""

    def redirect_request(self, *_: Any) -> None:
        """Leave the redirect as the answer."""


OPENER = build_opener(StayHere)


@dataclass(frozen=True)
class Reply:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


def get(url: str, **headers: str) -> Reply:
    """GET, whatever the status."""
    try:
        with OPENER.open(Request(url, headers=headers), timeout=5) as answer:  # noqa: S310 - only our own server
            return Reply(answer.status, answer.read(), dict(answer.headers))
    except HTTPError as err:
        with err:
            return Reply(err.code, err.read(), dict(err.headers))


def origin(server: SampleServer) -> str:
    """Where the server can be reached."""
    return f"http://127.0.0.1:{server.port}"


def random_image(server: SampleServer, execution: str) -> Reply:
    """What the random endpoint answers to an execution."""
    return get(f"{origin(server)}/api/breeds/image/random", **{EXECUTION_HEADER: execution})


@pytest.fixture(scope="module")
def friendly() -> Iterator[SampleServer]:
    """A friendly server that several tests share; none of them depends on its counter or its memory."""
    with SampleServer() as server:
        yield server


def run_dozen(server: SampleServer, order: list[int], run: str = "run") -> dict[int, tuple[str, list[int]]]:
    """Each execution's image URL, and the statuses of the API on the way to it."""
    found = {}
    for number in order:
        statuses = []
        while (reply := random_image(server, f"{run}-{number}")).status != 200:
            statuses.append(reply.status)
            assert len(statuses) < 5
        found[number] = (reply.json["message"], [*statuses, 200])
    return found


def seen_in(dozen: dict[int, tuple[str, list[int]]]) -> set[str]:
    """What a dozen of executions saw."""
    seen = set()
    urls = [url for url, _ in dozen.values()]
    if len(set(urls)) < len(urls):
        seen.add("duplicate")
    if any(503 in statuses for _, statuses in dozen.values()):
        seen.add("retry")
    for url in urls:
        reply = get(url)
        assert reply.status == 200
        found = inspect(reply.body)
        assert found.problem is None, url
        agrees = extension_agrees(name_extension(url), found.file_type)
        seen.add(f"{found.file_type} {'rightly' if agrees else 'wrongly'} named")
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 77])
@pytest.mark.parametrize("first", [1, 13])
def test_every_friendly_dozen_shows_everything(seed: int, first: int) -> None:
    """Twelve executions in any order: both branches, PNG and GIF under a wrong name, a retry, a duplicate, a WebP."""
    with SampleServer(seed) as server:
        seen = seen_in(run_dozen(server, list(range(first + 11, first - 1, -1))))
    assert seen == {
        "jpg rightly named",
        "png rightly named",
        "png wrongly named",
        "gif rightly named",
        "gif wrongly named",
        "webp rightly named",
        "retry",
        "duplicate",
    }


def test_an_execution_gets_the_same_image_from_another_process() -> None:
    """The plan needs no memory: another server of the same seed, asked in another order, gives the same paths."""
    with SampleServer(5) as one, SampleServer(5) as two:
        first = run_dozen(one, list(range(1, 25)))
        second = run_dozen(two, list(range(24, 0, -1)))
        other = {number: first[number][0].replace(origin(one), origin(two)) for number in first}
    assert other == {number: url for number, (url, _) in second.items()}


def test_seeds_differ() -> None:
    """Another seed is another order."""
    with SampleServer(1) as one, SampleServer(2) as two:
        paths = [
            [url.partition("/images/")[2] for url, _ in run_dozen(s, list(range(1, 13))).values()] for s in (one, two)
        ]
    assert paths[0] != paths[1]
    assert sorted(paths[0]) == sorted(paths[1])


def test_an_execution_is_told_503_once(friendly: SampleServer) -> None:
    """The third execution's first request is refused, its second is not; another run's third is refused again."""
    assert [random_image(friendly, "once-3").status for _ in range(3)] == [503, 200, 200]
    assert random_image(friendly, "other-3").status == 503
    assert random_image(friendly, "once-4").status == 200


def test_the_memory_of_503_can_outlive_the_process() -> None:
    """With a `first_time` that remembers, a restarted server does not refuse the same execution again."""
    told: set[str] = set()

    def first_time(key: str) -> bool:
        return key not in told and not told.add(key)  # type: ignore[func-returns-value]

    statuses = []
    for _ in range(2):
        with SampleServer(first_time=first_time) as server:
            statuses.append(random_image(server, "run-3").status)
    assert statuses == [503, 200]


def test_same_name_other_picture(friendly: SampleServer) -> None:
    """Two of the dozen share their file name and not their bytes: one of them will be kept under another name."""
    dozen = run_dozen(friendly, list(range(1, 13)), "names")
    by_name: dict[str, set[bytes]] = {}
    for url, _ in dozen.values():
        by_name.setdefault(url.rpartition("/")[2], set()).add(get(url).body)
    assert sorted(len(bodies) for bodies in by_name.values())[-2:] == [1, 2]


def test_requests_without_execution_draw_from_the_plan() -> None:
    """Without the header, random requests walk the plan, and are never refused."""
    with SampleServer() as server:
        replies = [get(f"{origin(server)}/api/breeds/image/random") for _ in range(24)]
    assert {reply.status for reply in replies} == {200}
    assert len({reply.json["message"] for reply in replies}) == 11


def test_execution_names_without_a_number_are_served(friendly: SampleServer) -> None:
    """A name that ends in no number still always gets the same image."""
    urls = {random_image(friendly, "my-own-name").json.get("message") for _ in range(3)} - {
        "The kennel is busy, try again"
    }
    assert len(urls) == 1


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/breed/hound/images/random", "/images/breeds/hound-afghan/n02088094_4.jpg"),
        ("/breed/hound/afghan/images/random", "/images/breeds/hound-afghan/n02088094_4.jpg"),
        ("/breed/pug/images", ["/images/breeds/pug/n02110958_2.jpg"]),
        ("/breed/corgi/cardigan/images", ["/images/breeds/corgi-cardigan/n02113186_1.jpg"]),
        ("/breed/pug/images/random/3", ["/images/breeds/pug/n02110958_2.jpg"]),
    ],
)
def test_breeds(friendly: SampleServer, path: str, message: str | list[str]) -> None:
    """A breed's images, with those of its sub-breeds, in the API's shape."""
    expected = [origin(friendly) + m for m in message] if isinstance(message, list) else origin(friendly) + message
    reply = get(f"{origin(friendly)}/api{path}")
    assert reply.json == {"message": expected, "status": "success"}
    assert reply.headers["Content-Type"] == "application/json"


def test_all_breeds(friendly: SampleServer) -> None:
    """The list of breeds maps each to its sub-breeds, and each has images."""
    known = get(f"{origin(friendly)}/api/breeds/list/all").json["message"]
    assert known["hound"] == ["afghan"]
    assert known["pug"] == []
    for breed in known:
        for url in get(f"{origin(friendly)}/api/breed/{breed}/images").json["message"]:
            assert get(url).status == 200


def test_a_hostile_api_lists_its_troubles() -> None:
    """Who takes every image of every breed meets them all."""
    with SampleServer(hostile=True) as server:
        known = get(f"{origin(server)}/api/breeds/list/all").json["message"]
        listed = {
            url.rpartition("/breeds/")[2]
            for breed in known
            for url in get(f"{origin(server)}/api/breed/{breed}/images").json["message"]
        }
    troubles = ("bulldog/not-a-dog", "terrier/cut-short", "greyhound/gone", "spaniel/elsewhere", "mastiff/endless")
    assert {f"{path}.jpg" for path in troubles} < listed


@pytest.mark.parametrize(("asked", "given"), [("3", 3), ("50", 50), ("51", 50), ("999999", 50), ("0", 1), ("many", 1)])
def test_numbers_of_images(friendly: SampleServer, asked: str, given: int) -> None:
    """N images, 50 at most, one where N is no number."""
    assert len(get(f"{origin(friendly)}/api/breeds/image/random/{asked}").json["message"]) == given


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/breed/cat/images", "main breed does not exist"),
        ("/breed/hound/cat/images/random", "sub breed does not exist"),
        ("/breed/hound/images/other", "No route found"),
        ("/breed/hound", "No route found"),
        ("/nothing", "No route found"),
    ],
)
def test_errors_have_the_shape_of_the_api(friendly: SampleServer, path: str, words: str) -> None:
    """What is not there is an error object with its code, and a 404."""
    reply = get(f"{origin(friendly)}/api{path}")
    assert reply.status == reply.json["code"] == 404
    assert reply.json["status"] == "error"
    assert words in reply.json["message"]


def test_images_that_are_not_there(friendly: SampleServer) -> None:
    """Unknown pictures, other paths, and what only the hostile source has are 404."""
    for path in (
        "/images/breeds/pug/none.jpg",
        "/images/breeds/../_server.py",
        "/",
        "/images/breeds/mastiff/endless.jpg",
    ):
        assert get(origin(friendly) + path).status == 404


def test_urls_name_the_host_that_was_asked(friendly: SampleServer) -> None:
    """URLs in answers use the Host of the request; an impossible one is not repeated."""
    url = f"{origin(friendly)}/api/breeds/image/random"
    for host, shown in ((HOST_NAME, HOST_NAME), ('evil"host', HOST_NAME), ("localhost:1", "localhost:1")):
        reply = get(url, Host=host, **{EXECUTION_HEADER: "run-1"})
        assert reply.json["message"] == f"http://{shown}/images/breeds/corgi-cardigan/n02113186_1.jpg"


def test_a_picture_is_not_sent_again_to_who_has_it(friendly: SampleServer) -> None:
    """The entity tag of the first answer, sent back, is answered by 304 without a body; another one is not."""
    url = f"{origin(friendly)}/images/breeds/pug/n02110958_2.jpg"
    tag = get(url).headers["ETag"]
    again = get(url, **{"If-None-Match": tag})
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
    assert get(url, **{"If-None-Match": '"other"'}).status == 200


def test_connections_are_kept_open(friendly: SampleServer) -> None:
    """Two requests fit one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", friendly.port, timeout=5)
    for _ in range(2):
        connection.request("GET", "/api/breeds/list/all")
        assert connection.getresponse().read()
    connection.close()


def hostile_bodies(server: SampleServer) -> dict[str, str]:
    """What each image of the hostile dozen turns out to be, by its file name."""
    found = {}
    for url, _ in run_dozen(server, list(range(1, 13))).values():
        name = url.rpartition("/")[2]
        if name == "endless.jpg":
            continue
        reply = get(url)
        problem = inspect(reply.body).problem if reply.status == 200 else None
        found[name] = problem or str(reply.status)
    return found


@pytest.mark.parametrize("seed", [0, 9])
def test_the_hostile_dozen(seed: int) -> None:
    """HTML named .jpg, a truncated file, a 404, a redirect to a private address, among pictures that are fine."""
    with SampleServer(seed, hostile=True) as server:
        found = hostile_bodies(server)
    troubles = {name: what for name, what in found.items() if what != "200"}
    assert troubles == {
        "not-a-dog.jpg": "not_an_image",
        "cut-short.jpg": "damaged_image",
        "gone.jpg": "404",
        "elsewhere.jpg": "302",
    }


def test_hostile_troubles_in_detail() -> None:
    """The redirect leads to cloud metadata, the cut picture has the length it announces, Retry-After is a second."""
    with SampleServer(hostile=True) as server:
        images = f"{origin(server)}/images/breeds"
        assert get(f"{images}/spaniel/elsewhere.jpg").headers["Location"] == "http://169.254.169.254/latest/meta-data/"
        cut = get(f"{images}/terrier/cut-short.jpg")
        assert cut.headers["Content-Length"] == str(len(cut.body))
        assert get(f"{images}/bulldog/not-a-dog.jpg").headers["Content-Type"] == "image/jpeg"
        patience = random_image(server, "run-10")
        assert (patience.status, patience.headers["Retry-After"]) == (503, "1")
        busy = random_image(server, "run-6")
        assert (busy.status, "Retry-After" in busy.headers) == (503, False)
        assert random_image(server, "run-10").status == random_image(server, "run-6").status == 200


def test_the_endless_body_goes_on_until_the_client_leaves() -> None:
    """More than any picture comes, and the server gets over it when the client has had enough."""
    with SampleServer(hostile=True) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
        connection.request("GET", "/images/breeds/mastiff/endless.jpg")
        answer = connection.getresponse()
        assert answer.getheader("Transfer-Encoding") == "chunked"
        assert len(answer.read(5_000_000)) == 5_000_000
        answer.close()
        connection.close()
        assert random_image(server, "run-1").status == 200


def test_closing_ends_everything(capfd: pytest.CaptureFixture[str]) -> None:
    """Leaving closes the port, idle connections and endless bodies at once, leaves no thread, and says nothing."""
    before = threading.active_count()
    with SampleServer(hostile=True) as server:
        port = server.port
        idle = socket.create_connection(("127.0.0.1", port))
        greedy = socket.create_connection(("127.0.0.1", port))
        greedy.sendall(b"GET /images/breeds/mastiff/endless.jpg HTTP/1.1\r\nHost: x\r\n\r\n")
        assert greedy.recv(100).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
    assert time.monotonic() - begun < 2
    idle.close()
    greedy.close()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    assert capfd.readouterr() == ("", "")


def test_many_connections_do_not_exhaust_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond its number of connections the server closes new ones, and goes on serving those it has."""
    monkeypatch.setattr("pupline.samples._server._MAX_CONNECTIONS", 8)
    with SampleServer() as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
        one_more = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        assert one_more.recv(1) == b""
        held[0].settimeout(5)
        held[0].sendall(b"GET /api/breeds/list/all HTTP/1.1\r\nHost: x\r\n\r\n")
        assert held[0].recv(100).startswith(b"HTTP/1.1 200")
        for connection in [*held, one_more]:
            connection.close()


def test_the_port_needs_the_server() -> None:
    """Asking a server that is not running for its port is a clear mistake."""
    with pytest.raises(RuntimeError, match="use it in a with statement"):
        _ = SampleServer().port
