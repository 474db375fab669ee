"""Conditional requests, requests with a body, and what the client says of itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline import __version__
from pupline.errors import BlockedAddress, ConfigurationError, ConnectionFailed, HttpError, InvalidInput, ServerError
from pupline.http import FetchPolicy, HttpClient, Validators, user_agent
from tests.http.servers import RawServer, TalkingServer, answer

DATE = "Sun, 22 Nov 2026 16:54:07 GMT"
NOT_MODIFIED = answer(b"", 'ETag: "b"', status="304 Not Modified")
FORM = "application/x-www-form-urlencoded"


def test_what_is_unchanged_comes_without_a_body() -> None:
    """With validators a 304 is an answer, and tells its headers."""
    with RawServer(NOT_MODIFIED) as server:
        response = server.client().get(server.origin, validators=Validators('"a"', DATE))
    assert (response.status, response.body, response.headers["etag"]) == (304, b"", '"b"')
    assert f'\r\nIf-None-Match: "a"\r\nIf-Modified-Since: {DATE}\r\n\r\n'.encode() in server.requests[0]


def test_what_has_changed_comes_whole() -> None:
    """With validators a 200 is an answer as ever."""
    with RawServer(answer(b"woof")) as server:
        assert server.client().get(server.origin, validators=Validators('W/"a"')).body == b"woof"
    assert b'\r\nIf-None-Match: W/"a"\r\n\r\n' in server.requests[0]


@pytest.mark.parametrize("validators", [None, Validators(), Validators("a", "soon")])
def test_a_304_nobody_asked_for_is_an_error(validators: Validators | None) -> None:
    """Without validators that were really sent, 304 is no answer."""
    with RawServer(NOT_MODIFIED) as server, pytest.raises(HttpError, match="answered 304"):
        server.client().get(server.origin, validators=validators)


def test_a_304_has_no_body_whatever_it_declares() -> None:
    """The length that a 304 declares is that of the body it leaves out; the connection goes on behind its head."""
    unchanged = answer(b"", "Content-Length: 70000", status="304 Not Modified")
    with TalkingServer([unchanged, unchanged, answer(b"woof")]) as server:
        client = server.client(idle_connections=1)
        found = [client.get(server.origin, validators=Validators('"a"')).status for _ in range(3)]
        client.close()
    assert (found, len(server.talks)) == ([304, 304, 200], 1)


@given(st.text(max_size=40), st.text(max_size=40))
def test_validators_cannot_break_a_request(etag: str, last_modified: str) -> None:
    """What is no entity tag or date is left out: a header never holds more than one line of plain ASCII."""
    for line in Validators(etag, last_modified).lines().split("\r\n")[:-1]:
        assert line.isascii()
        assert line.isprintable()
        assert line in (f"If-None-Match: {etag}", f"If-Modified-Since: {last_modified}")


@pytest.mark.parametrize(
    ("validators", "lines"),
    [
        (Validators('""'), 'If-None-Match: ""\r\n'),
        (Validators('"a b"'), ""),
        (Validators('"a"\r\nX: y'), ""),
        (Validators('"a", "b"'), ""),
        (Validators("*"), ""),
        (Validators(None, "Sunday, 06-Nov-94 08:49:37 GMT"), "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n"),
        (Validators(None, f"{DATE}\r\nX: y"), ""),
    ],
)
def test_only_legal_validators_are_sent(validators: Validators, lines: str) -> None:
    """One quoted tag, weak or strong, and a date in one of HTTP's forms."""
    assert validators.lines() == lines


def test_a_form_is_posted() -> None:
    """The content goes with its type and length; the answer is a response like any other."""
    with RawServer(answer(b'{"access_token": "t"}', "Content-Type: application/json")) as server:
        response = server.client().post(
            f"{server.origin}/token", content=b"a=b&c=d", content_type=FORM, headers={"Authorization": "Basic eA=="}
        )
    assert (response.body, response.content_type) == (b'{"access_token": "t"}', "application/json")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /token HTTP/1.1\r\n")
    assert head.endswith(b"\r\nAuthorization: Basic eA==\r\nContent-Type: " + FORM.encode() + b"\r\nContent-Length: 7")
    assert b"\r\nConnection: close\r\n" in head
    assert body == b"a=b&c=d"


@pytest.mark.parametrize("status", ["301 A", "302 B", "303 C", "307 D", "308 E"])
def test_nothing_is_posted_elsewhere(status: str) -> None:
    """A redirect of a POST is an error: a secret goes only where it was meant to go."""
    with RawServer(answer(b"", "Location: http://other.example/", status=status)) as server:
        with pytest.raises(HttpError, match=r"redirects to http://other\.example/, where nothing is posted"):
            server.client().post(server.origin, content=b"x", content_type=FORM)
        assert len(server.requests) == 1


def test_a_post_is_never_sent_twice() -> None:
    """Neither a kept connection nor a second attempt is used, so no request is sent twice by accident."""
    with TalkingServer([answer(b"one"), b""], [b""], [answer(b"never")]) as server:
        client = server.client(idle_connections=1)
        client.get(server.origin)
        with pytest.raises(ConnectionFailed):
            client.post(server.origin, content=b"x", content_type=FORM)
        client.close()
    assert [len(talk) for talk in server.talks] == [1, 1]


def test_a_post_is_guarded_like_any_request() -> None:
    """Addresses, statuses, headers and the content type are checked."""
    with pytest.raises(BlockedAddress):
        HttpClient(FetchPolicy()).post("http://127.0.0.1/", content=b"", content_type=FORM)
    with RawServer(answer(b"", status="500 Oh")) as server, pytest.raises(ServerError):
        server.client().post(server.origin, content=b"", content_type=FORM)
    for content_type, headers in (("a\r\nX: y", {}), (FORM, {"Content-Type": "x"}), (FORM, {"X": "a\nb"})):
        with pytest.raises(InvalidInput, match="cannot be sent"):
            HttpClient(FetchPolicy()).post("http://h/", content=b"", content_type=content_type, headers=headers)


def test_long_tokens_can_be_sent() -> None:
    """A bearer token of some kilobytes is a header like any other; what no server takes is refused."""
    with RawServer(answer(b"woof")) as server:
        token = f"Bearer {'x' * 5000}"
        server.client().get(server.origin, headers={"Authorization": token})
        assert token.encode() in server.requests[0]
    with pytest.raises(InvalidInput, match="cannot be sent"):
        HttpClient(FetchPolicy()).get("http://h/", headers={"Authorization": "x" * 9000})


@pytest.mark.parametrize("contact", ["dogs@example.org", "https://example.org/dogs?about=us"])
def test_the_user_agent_tells_whom_to_ask(contact: str) -> None:
    """The user agent begins with the product that robots.txt files name, and ends with the contact."""
    agent = user_agent(contact)
    assert agent.startswith(f"pupline/{__version__} (")
    assert agent.endswith(f"; {contact})")
    with RawServer(answer(b"")) as server:
        policy = FetchPolicy(connect_to={("h", 80): ("127.0.0.1", server.port)}, user_agent=agent)
        HttpClient(policy).get("http://h/")
    assert f"\r\nUser-Agent: {agent}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("contact", ["", "dogs", "a@b\r\nX: y", "a@b (c)", "\u00e9@example.org", "x" * 300 + "@h"])
def test_a_contact_is_an_address_or_a_url(contact: str) -> None:
    """Anything else is the operator's mistake."""
    with pytest.raises(ConfigurationError, match="give an e-mail address or a URL"):
        user_agent(contact)


def test_a_user_agent_is_plain() -> None:
    """Without a contact there is a user agent too; one that cannot be sent is refused when it is configured."""
    assert "pupline" in FetchPolicy(user_agent=user_agent(None)).user_agent
    with pytest.raises(ConfigurationError, match="printable ASCII"):
        FetchPolicy(user_agent="a\r\nX: y")
