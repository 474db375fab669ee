"""Scenarios: robots.txt, and X-Robots-Tag."""

from pupline.errors import Outcome, Reason
from tests.hostile.bodies import zipped
from tests.hostile.scenario import Behaviour, Scenario, Visit, answer, closing, picture

HTML = b"<!doctype html><html><body>Disallow: /</body></html>"


def heeded(name: str, robots: Behaviour) -> Scenario:
    """A robots.txt that disallows all."""
    return _scenario(name, robots, ("refused", "robots_disallowed"))


def unreachable(name: str, robots: Behaviour, reason: Reason) -> Scenario:
    """A robots.txt that cannot be had: nothing of the host is fetched for now."""
    return _scenario(name, robots, ("failed", reason))


def allowed(name: str, robots: Behaviour) -> Scenario:
    """A robots.txt without any rule for the image."""
    return _scenario(name, robots, None)


def _scenario(name: str, robots: Behaviour, in_bulk: tuple[Outcome, Reason] | None) -> Scenario:
    body = picture(name)
    return Scenario(
        name=name,
        does=answer(body),
        outcome="stored",
        reason="accepted",
        body=body,
        robots=robots,
        in_bulk=in_bulk,
        is_alone=in_bulk is not None,
    )


def text(rules: str) -> bytes:
    """A robots.txt."""
    return answer(rules.encode(), "Content-Type: text/plain")


def endless_robots(visit: Visit) -> None:
    """A robots.txt that never ends, of comments."""
    visit.send(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /\n")
    visit.repeat(b"# woof\n" * 8192)


def dripping_robots(visit: Visit) -> None:
    """A robots.txt that arrives line by line."""
    visit.send(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\n")
    visit.repeat(b"Disallow: /x\n", pause_seconds=0.3)


def tagged(name: str, *headers: str) -> Scenario:
    """An image whose header forbids its use."""
    body = picture(name)
    return Scenario(
        name=name,
        does=answer(body, *headers),
        outcome="stored",
        reason="accepted",
        body=body,
        in_bulk=("refused", "robots_disallowed"),
    )


STARS = "".join(f"Disallow: /{'*a' * 60}{number}$\n" for number in range(3000))

SCENARIOS = [
    heeded("robots", text("User-agent: *\nDisallow: /\n")),
    heeded("robots-misspelt", text("useragent: pupline\r\rDisalow /\r")),
    heeded("robots-in-utf-16", answer("\ufeffUser-agent: *\nDisallow: /\n".encode("utf-16"))),
    heeded("robots-with-nuls", text("\0User-agent: *\0\nDis\0allow: /\0\n")),
    heeded("robots-in-gzip", answer(zipped(b"User-agent: *\nDisallow: /\n"), "Content-Encoding: gzip")),
    heeded("robots-that-never-end", endless_robots),
    allowed("robots-of-html", answer(HTML)),
    allowed("robots-refused", answer(b"", status="403 Forbidden")),
    allowed("robots-of-another", text("User-agent: other\nDisallow: /\n")),
    allowed("robots-at-metadata", answer(b"", "Location: http://169.254.169.254/", status="302 Found")),
    allowed("robots-in-a-loop", answer(b"", "Location: /robots.txt", status="302 Found")),
    heeded("robots-of-stars", text("User-agent: *\n" + STARS)),
    allowed("robots-of-a-long-line", text("User-agent: *\nDisallow: /" + "a" * 600_000)),
    allowed("robots-with-a-delay", text("User-agent: *\nCrawl-delay: 99999999999999999999\n")),
    allowed("robots-in-a-bomb", answer(zipped(b"#" * 50_000_000), "Content-Encoding: gzip")),
    unreachable("robots-busy", answer(b"", status="503 Busy"), "server_error"),
    unreachable("robots-of-too-many", answer(b"", status="429 Too Many Requests"), "rate_limited"),
    unreachable("robots-not-http", closing(b"SSH-2.0-OpenSSH\r\n"), "http_error"),
    unreachable("robots-reset", closing(), "connection_error"),
    unreachable("robots-dripping", dripping_robots, "timeout"),
    tagged("tag-noai", "X-Robots-Tag: noai"),
    tagged("tag-among-others", "X-Robots-Tag: otherbot: none", "X-Robots-Tag: max-snippet:-1, NoImageAI"),
    tagged("tag-for-us", "X-Robots-Tag: pupline: noai"),
]
