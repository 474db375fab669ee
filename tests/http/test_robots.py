"""What a site asks of robots is understood as RFC 9309 says, whatever its robots.txt holds."""

import gzip
import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import (
    BlockedAddress,
    ConnectionFailed,
    HttpError,
    IncompleteBody,
    NotFound,
    RequestTimeout,
    RetryAfter,
    RobotsDisallowed,
    ServerError,
    TaskFailure,
    TooLarge,
    TooManyRedirects,
    TooManyRequests,
)
from pupline.http import MAX_ROBOTS_BYTES, Response, RobotsRules, check_robots_tag, robots_rules_from
from pupline.http._status import failure_for as status_failure
from tests.http.servers import RawServer, TalkingServer, answer, chunked

DOG = "/breeds/hound/1.jpg"
FILE = b"User-agent: *\nDisallow: /dogs\n"


def rules(*lines: str) -> RobotsRules:
    """The rules of a file with one group, for all robots."""
    return RobotsRules.parse("\n".join(["User-agent: *", *lines]))


@pytest.mark.parametrize(
    ("lines", "target", "allowed"),
    [
        ([], DOG, True),
        (["Disallow:"], DOG, True),
        (["Disallow: /"], DOG, False),
        (["Disallow: /"], "/robots.txt", True),
        (["Disallow: /breeds"], DOG, False),
        (["Disallow: /breed$"], "/breeds", True),
        (["Disallow: /breeds/"], "/breeds", True),
        (["disallow : /breeds # not these"], DOG, False),
        (["DISALLOW:/breeds\t"], DOG, False),
        (["Disallow: /BREEDS"], DOG, True),
        (["Disallow: breeds"], DOG, True),
        (["Disallow: /", "Allow: /breeds/"], DOG, True),
        (["Allow: /", "Disallow: /breeds/"], DOG, False),
        (["Disallow: /breeds/", "Allow: /breeds/"], DOG, True),
        (["Allow: /breeds/*", "Disallow: /breeds/hound"], DOG, False),
        (["Disallow: /*.jpg"], DOG, False),
        (["Disallow: /*.jpg$"], DOG, False),
        (["Disallow: /*.jpg$"], DOG + "?size=9", True),
        (["Disallow: *hound*1"], DOG, False),
        (["Disallow: /*hound*hound"], DOG, True),
        (["Disallow: /*1*$"], DOG, False),
        (["Disallow: /****"], DOG, False),
        (["Disallow: /a*a$"], "/a", True),
        (["Disallow: /a*a$"], "/aa", False),
        (["Disallow: /a$b"], "/a$b", False),
        (["Disallow: /a$b"], "/a%24b", False),
        (["Disallow: /a%2Ab"], "/a*b", False),
        (["Disallow: /a%2ab"], "/aXb", True),
        (["Disallow: /%62%61%7A"], "/baz", False),
        (["Disallow: /baz"], "/%62a%7a", False),
        (["Disallow: /a%2fb"], "/a%2Fb", False),
        (["Disallow: /a%2Fb"], "/a/b", True),
        (["Disallow: /\u30c4"], "/%E3%83%84", False),
        (["Disallow: /%e3%83%84"], "/\u30c4", False),
        (["Disallow: /search?q="], "/search?q=dog", False),
        (["Disallow: /?"], "/", True),
        (["Disallow: /100%"], "/100%", False),
        (["Disallow: /a$"], "/a", False),
        (["Disallow: /a*", "Allow: /*a"], "/a", True),
        (["Disallow: /ab", "Allow: /*b"], "/ab", True),
        (["Allow: /*a", "Disallow: /*ab"], "/ab", False),
    ],
)
def test_the_longest_match_decides(lines: list[str], target: str, *, allowed: bool) -> None:
    """The longest matching pattern decides, an Allow where two are alike; paths are compared in one spelling."""
    assert rules(*lines).allows(target) is allowed


def test_too_many_stars_lose_no_rule_behind_them() -> None:
    """What would cost too much is left out where it allows, and shortened where it forbids; the others hold."""
    long = "a" * 20_000
    lines = [f"Allow: /*{long}", f"Allow: /b*{long}", f"Disallow: /c*{long}", "Disallow: /private"]
    read = rules(*lines)
    assert [read.allows(path) for path in ("/private", "/c", "/b", "/d")] == [False, False, True, True]


@pytest.mark.parametrize(("more", "allowed"), [(0, True), (1, False)])
def test_stars_cost_up_to_a_limit(more: int, *, allowed: bool) -> None:
    """The characters of all rules with stars together; the rule that goes beyond the limit is shortened."""
    first, second = "a" * (16 * 1024 - 1), "a" * (16 * 1024 - 2 + more)  # and the slash, and b
    assert rules(f"Disallow: /*{first}", f"Disallow: /b*{second}").allows("/b") is allowed


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("Disallow: /", True),
        ("User-agent: other\nDisallow: /", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: * all of you\nDisallow: /", False),
        ("User-agent: *bot\nDisallow: /", True),
        ("User-agent: *\nDisallow: /\nUser-agent: pupline\nDisallow:", True),
        ("User-agent: PupLine/2.0 (x)\nDisallow: /", False),
        ("User-agent: pupline-images\nDisallow: /", True),
        ("User-agent: pup\nDisallow: /", True),
        ("User-agent: other\nUser-agent: pupline\nDisallow: /", False),
        ("User-agent: pupline\nSitemap: /s\nCrawl-delay: 1\n\nUser-agent: other\nDisallow: /", False),
        ("User-agent: pupline\nAllow: /x\nUser-agent: other\nDisallow: /", True),
        ("User-agent: pupline\nAllow: /x\nUser-agent: other\nAllow: /\nUser-agent: pupline\nDisallow: /b", False),
        ("\ufeffUser-agent: *\r\rDisallow: /\r", False),
        ("User-agent: *\r\n# Disallow: /\r\nDisallow: /c", True),
        ("<html><pre>\nUser-agent: *\nDisallow: /\n</pre>", True),
        ('{"a": "\nUser-agent: *\nDisallow: /\n"}', True),
        ("\x00\x01\nUser-agent: *\n\nDisallow /\nDisallow: /\n", False),
    ],
)
def test_the_group_that_names_us_holds(text: str, *, allowed: bool) -> None:
    """All groups for pupline hold together, or else all those for everyone; other lines do not come between."""
    assert RobotsRules.parse(text).allows(DOG) is allowed


@pytest.mark.parametrize(
    ("value", "delay"),
    [("2", 2.0), ("0.5", 0.5), ("0", 0.0), ("3600", 60.0), ("-1", None), ("1e3", None), ("soon", None), ("", None)],
)
def test_a_crawl_delay_is_read(value: str, delay: float | None) -> None:
    """A delay is a plain number of seconds, of which at most 60 are heeded; it belongs to its group."""
    assert rules(f"Crawl-delay: {value}").crawl_delay == delay
    assert RobotsRules.parse(f"User-agent: other\nCrawl-delay: {value}").crawl_delay is None


def test_it_is_said_when_nothing_is_forbidden() -> None:
    """Who asks once need not ask for each image."""
    assert rules("Allow: /x", "Crawl-delay: 9").allows_all
    assert not rules("Disallow: /x").allows_all
    assert not robots_rules_from(ServerError("down")).allows_all


def test_what_exceeds_the_limit_is_ignored() -> None:
    """The first 500 KiB count; a line that the limit cuts does not."""
    filler = "# " + "x" * 98 + "\n"
    text = "User-agent: *\nDisallow: /a\n" + filler * 6000 + "Disallow: /b"
    assert [RobotsRules.parse(text).allows(target) for target in ("/a", "/b")] == [False, True]
    cut = "User-agent: *\n".ljust(500 * 1024 - 12, "#") + "\nDisallow: /b"
    assert len(cut) == 500 * 1024 + 1
    assert RobotsRules.parse(cut).allows("/c")


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        ("/" + "*" * 400_000, False),
        ("/" + "*a" * 1900 + "*b", True),
        ("/" + "*a" * 200_000 + "$", True),
        ("/" + "a*" * 1500 + "b$", True),
        ("/*" + "a" * 3999, False),
        ("*a%" * 100_000, True),
    ],
    ids=lambda value: str(value)[:6],
)
def test_stars_do_not_multiply(pattern: str, *, allowed: bool) -> None:
    """Patterns that a backtracking matcher would not be done with in a lifetime are answered."""
    assert rules(f"Disallow: {pattern}").allows("/" + "a" * 4000) is allowed


def test_a_file_of_searches_ends_in_time() -> None:
    """However many stars a file has, a long URL is answered soon: beyond the limit more is disallowed."""
    letters = map("".join, itertools.product("cd", repeat=12))
    lines = [f"Disallow: /a*{'a' * 49}b{'a' * 49}*{letter}" for letter in letters]
    began = time.process_time()
    many = rules("Allow: /b", *lines)
    assert not many.allows("/" + "a" * 40_000)
    assert many.allows("/b")
    assert time.process_time() - began < 2


def test_a_path_is_no_longer_than_it_is() -> None:
    """A rule that is the whole path counts as long as itself, however long others are."""
    assert rules("Disallow: /a", "Allow: /*a", "Disallow: /abcdefg").allows("/a")


def test_many_plain_rules_cost_no_more_than_few() -> None:
    """Files of thousands of directories exist, and every URL of their hosts is looked up."""
    many = rules(*[f"Disallow: /catalogue/section-{number}/" for number in range(9000)])
    assert not many.allows("/catalogue/section-8999/1.jpg")
    began = time.process_time()
    assert all(many.allows(f"/dogs/{number}.jpg") for number in range(1000))
    assert time.process_time() - began < 1


def test_stars_within_the_limit_are_all_searched_for() -> None:
    """Hundreds of such rules are ordinary."""
    many = rules(*[f"Disallow: /*?sort_by_some_column={number}" for number in range(900)])
    assert [many.allows(f"/x?sort_by_some_column={number}") for number in (0, 899)] == [False, False]
    assert many.allows("/x?sort_by_some_column=x")


@pytest.mark.parametrize(
    "text",
    [
        "User-agent: *\rDisallow: /dogs\r",
        "\ufeffUser-agent: *\nDisallow: /dogs",
        "User-agent: *\n\0\0Disallow: /dogs\0\n",
        "User-agent:*\n\n\nDisallow:/dogs",
        "user-agent : * # all\n\tDISALLOW : /dogs # these",
        "User-agent *\nDisallow /dogs",
        "User agent: *\nDisalow: /dogs",
        "Useragent: *\ndissallow: /dogs",
        "Sitemap: http://h/s.xml\nUser-agent: *\nFoo: bar\n<b>\nDisallow: /dogs",
        "User-agent: pupline\nDisallow: /cats\n\nUser-agent: PUPLINE/2.0\nDisallow: /dogs",
        "User-agent: other\nUser-agent: *\nDisallow: /dogs",
        "User-agent: *\nDisallow: /cats\nUser-agent: other\nDisallow: /\nUser-agent: *\nDisallow: /dogs",
        "User-agent: *\nCrawl-delay: 1\nDisallow: /dogs",
    ],
    ids=range(13),
)
def test_odd_files_are_read(text: str) -> None:
    """Line ends, marks, NULs and slips of the hand cost no rule; groups of one robot are one."""
    assert [RobotsRules.parse(text).allows(target) for target in ("/dogs", "/")] == [False, True]


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_half_a_mark_costs_no_rule(mark: bytes) -> None:
    """The first line is what a mark stands before."""
    assert not robots_rules_from(response(mark + FILE)).allows("/dogs")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_editors_encodings_are_read(encoding: str) -> None:
    """UTF-8, and UTF-16 by its mark."""
    found = robots_rules_from(response("User-agent: *\r\nDisallow: /\u72ac".encode(encoding)))
    assert [found.allows(target) for target in ("/%E7%8A%AC", "/dogs")] == [False, True]


@pytest.mark.slow
@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
@pytest.mark.parametrize("framing", ["counted", "chunked", "until closed", "gzip", "chunked gzip"])
@pytest.mark.parametrize("size", [MAX_ROBOTS_BYTES, 3_000_000])
def test_the_beginning_of_a_large_file_is_read(line_end: bytes, framing: str, size: int) -> None:
    """Of a file over 500 KiB the whole lines up to there hold, however it is sent; it costs the host nothing."""
    body = FILE.replace(b"\n", line_end)
    body += (b"#" * 99 + line_end) * 5119
    body = body.ljust(500 * 1024 - 14, b"#") + line_end + b"Disallow: /a/b" + line_end
    body = body.ljust(size, b"#")
    sent = gzip.compress(body) if "gzip" in framing else body
    headers = ["Content-Encoding: gzip"] * ("gzip" in framing)
    if "chunked" in framing:
        sent = chunked(sent[:7000], sent[7000:])
        headers.append("Transfer-Encoding: chunked")
    raw = answer(sent, *headers)
    if framing == "until closed":
        raw = b"HTTP/1.1 200 OK\r\n\r\n" + sent
    with RawServer(raw) as server:
        found = server.client().get(f"{server.origin}/robots.txt", max_bytes=MAX_ROBOTS_BYTES, truncate=True)
    assert found.body == body[:MAX_ROBOTS_BYTES]
    assert [robots_rules_from(found).allows(target) for target in ("/dogs", "/a", "/a/b")] == [False, True, True]


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (answer(FILE, "Content-Length: 40"), IncompleteBody),
        (answer(chunked(FILE, end=b""), "Transfer-Encoding: chunked"), IncompleteBody),
        (answer(FILE[:5], "Content-Encoding: br"), HttpError),
    ],
)
def test_a_cut_file_is_not_its_beginning(raw: bytes, kind: type[TaskFailure]) -> None:
    """Only what was left out on purpose is forgiven."""
    with RawServer(raw) as server, pytest.raises(kind):
        server.client().get(f"{server.origin}/robots.txt", max_bytes=MAX_ROBOTS_BYTES, truncate=True)


def test_a_connection_with_the_rest_of_a_file_on_it_is_not_kept() -> None:
    """The next answer would be read from the middle of the file."""
    with TalkingServer([answer(FILE * 3)], [answer(b"woof")]) as server:
        client = server.client(idle_connections=1)
        assert client.get(server.origin, max_bytes=len(FILE), truncate=True).body == FILE
        assert client.get(server.origin).body == b"woof"
        client.close()


LETTERS = st.text("ab/*$%2A", max_size=8).map("/{}".format)


def expected(patterns: list[tuple[bool, str]], path: str) -> bool:
    """What RFC 9309 says, by regular expressions: fine for short patterns without escapes."""
    found = []
    for allow, pattern in patterns:
        end = pattern.endswith("$")
        pieces = pattern.removesuffix("$").split("*")
        if re.match(".*".join(map(re.escape, pieces)) + ("$" if end else ""), path, re.DOTALL):
            found.append((len(pattern), allow))
    return max(found)[1] if found else True


@given(
    st.lists(st.tuples(st.booleans(), st.text("ab*", max_size=6).map("/{}".format), st.booleans()), max_size=6),
    st.text("ab", max_size=8).map("/{}".format),
)
def test_matching_agrees_with_regular_expressions(lines: list[tuple[bool, str, bool]], path: str) -> None:
    """Whatever rules there are, the longest one decides, as the plainest reading of the RFC has it."""
    patterns = [(allow, text + "$" * end) for allow, text, end in lines]
    parsed = rules(*[f"{'Allow' if allow else 'Disallow'}: {pattern}" for allow, pattern in patterns])
    assert parsed.allows(path) is expected(patterns, path)


@pytest.mark.slow
@given(st.text(max_size=200), st.lists(LETTERS, max_size=5), st.text(max_size=30))
def test_nothing_in_a_robots_txt_raises(garbage: str, paths: list[str], target: str) -> None:
    """Any text is read, and any target is answered; without a Disallow, with yes."""
    text = "\n".join(["User-agent: *", *[f"Disallow: {path}" for path in paths], garbage])
    assert RobotsRules.parse(text).allows(target) in (True, False)
    assert rules(*[f"Allow: {path}" for path in paths]).allows(target)


def response(body: bytes = b"", **headers: str) -> Response:
    """An answer with headers as they are given, underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response("http://h/1.jpg", 200, named, body, None)


def answered(status: int) -> TaskFailure:
    """The failure that such an answer is."""
    return status_failure(status, None, 0.0, "http://h/robots.txt")


@pytest.mark.parametrize(
    ("failure", "allowed"),
    [
        (NotFound("404"), True),
        (answered(401), True),
        (answered(403), True),
        (answered(499), True),
        (answered(204), True),
        (answered(206), False),
        (answered(304), False),
        (answered(501), False),
        (answered(520), False),
        (answered(999), False),
        (HttpError("not proper HTTP"), False),
        (TooManyRedirects("round and round"), True),
        (BlockedAddress("inside"), True),
        (ServerError("503"), False),
        (TooManyRequests("429"), False),
        (RetryAfter("later", 9), False),
        (ConnectionFailed("refused"), False),
        (RequestTimeout("slow"), False),
        (IncompleteBody("cut"), False),
        (TooLarge("a film"), False),
    ],
)
def test_without_a_robots_txt_its_absence_decides(failure: TaskFailure, *, allowed: bool) -> None:
    """A server that has none allows all; one that could not tell allows nothing, and the rules hold why."""
    found = robots_rules_from(failure)
    assert (found.allows(DOG), found.failure) == (allowed, None if allowed else failure)


def test_an_answer_is_parsed() -> None:
    """The body is read as UTF-8, with what is none replaced."""
    found = robots_rules_from(response("User-agent: *\nDisallow: /\u00e9\n".encode() + b"Disallow: /\xff\n"))
    assert [found.allows(target) for target in ("/%C3%A9", "/x")] == [False, True]


@pytest.mark.parametrize(
    ("values", "refused"),
    [
        (["noai"], "noai"),
        (["noindex, NoImageAI"], "noimageai"),
        (["pupline: noai"], "noai"),
        (["PUPLINE : noindex , noai"], "noai"),
        (["*: noai"], "noai"),
        (["noindex", "noai"], "noai"),
        (["otherbot: noindex, pupline: noai"], "noai"),
        (["unavailable_after: 25 Jun 2030 15:00:00 PST, noai"], "noai"),
        (["max-snippet:-1, noai"], "noai"),
        (["otherbot: noindex", "noai"], "noai"),
        (["otherbot: noai"], None),
        (["otherbot: noindex, noai"], None),
        (["noindex, nofollow, max-image-preview:large"], None),
        (["noaim, xnoai"], None),
        ([""], None),
        ([",:,::,"], None),
    ],
)
def test_x_robots_tag_is_heeded(values: list[str], refused: str | None) -> None:
    """noai and noimageai refuse for all robots or for pupline, each header by itself; other words do nothing."""
    repeated = {"x-robots-tag": values} if len(values) > 1 else {}
    answer = Response("http://h/1.jpg", 200, {"x-robots-tag": ", ".join(values)}, b"", None, repeated)
    if refused is None:
        check_robots_tag(answer)
        return
    with pytest.raises(RobotsDisallowed, match=f"^http://h/1.jpg: the server's X-Robots-Tag says {refused}; "):
        check_robots_tag(answer)


def test_no_x_robots_tag_refuses_nothing() -> None:
    """Without the header there is nothing to heed."""
    check_robots_tag(response(content_type="noai"))
