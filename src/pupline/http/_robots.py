"""A site's rules for robots: its robots.txt (RFC 9309), and the X-Robots-Tag of a response.

A pattern of robots.txt is matched piece by piece with plain searches from left to right, never compiled to a regular
expression: the time for one URL grows with the length of the file times that of the URL, whatever the file holds.

One odd file costs all images of its host, so the parser is lenient: it drops NULs and byte order marks, reads UTF-16,
and accepts the misspellings that Google's parser accepts.
"""

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import AnyStr
from urllib.parse import quote

from pupline.errors import HttpError, NotFound, Refusal, RobotsDisallowed, TaskFailure, TooLarge
from pupline.http._client import Response
from pupline.http._policy import PRODUCT
from pupline.text import printable

# How much of a robots.txt is parsed; the rest is ignored (RFC 9309, 2.5, demands at least as much).
MAX_PARSED_BYTES = 500 * 1024

MAX_ROBOTS_BYTES = MAX_PARSED_BYTES + 1
"""How much of a robots.txt to fetch: what is parsed, and one byte that shows that there is more."""

# Patterns with stars are searched for in every URL, which takes time. Beyond this, which is an attack or an accident, a
# Disallow holds from its first star on, and an Allow is ignored: no wish to be left alone is ignored.
MAX_STARRED_CHARACTERS = 32 * 1024

MAX_CRAWL_DELAY_SECONDS = 60.0

_DISALLOW = frozenset({"disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"})
_USER_AGENT = frozenset({"user-agent", "useragent", "user agent"})
_AGENT_TOKEN = re.compile(r"\*(?!\S)|[A-Za-z_-]+")
_LINE_ENDS = re.compile(r"[\r\n]+")
_DELAY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Not encoded when a path is normalised: all of ASCII that a line can hold, `%` included.
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_NORMAL_PATH = re.compile(r"[!&-)+-~#]*")  # without percent sign, star or dollar: nothing to normalise

_REFUSED_TAGS = frozenset({"noai", "noimageai"})
# Directives with a value after a colon; other directives can have the name of a robot before one.
_VALUED_TAGS = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One Allow or Disallow. pieces: the texts between its stars. anchored: it ended in a dollar sign."""

    allowed: bool
    length: int
    pieces: tuple[str, ...]
    anchored: bool
    shortest: int

    @classmethod
    def parse(cls, text: str, *, allowed: bool) -> "_Pattern":
        anchored = text.endswith("$")
        stem = _normalised(text.removesuffix("$").replace("$", "%24"))
        first, *others = stem.split("*")
        last = [others[-1]] if others else []
        pieces = (first, *(piece for piece in others[:-1] if piece), *last)
        return cls(allowed, len(stem) + anchored, pieces, anchored, sum(map(len, pieces)))

    def matches(self, path: str) -> bool:
        first, *others = self.pieces
        if len(path) < self.shortest or not path.startswith(first):
            return False
        if not others:
            return not self.anchored or len(path) == len(first)
        at = len(first)
        for piece in others[:-1]:
            at = path.find(piece, at) + len(piece)
            if at < len(piece):
                return False
        return path.endswith(others[-1], at) if self.anchored else path.find(others[-1], at) >= 0


@dataclass(frozen=True, slots=True)
class RobotsRules:
    """The rules of a robots.txt for pupline: those of its own group, or else those for all robots.

    prefixes: plain path prefixes, and whether they are allowed; lengths: theirs, the longest first. patterns: all other
    rules, the longest first, and of two equal ones the one that allows.
    crawl_delay: seconds between two requests, 0 to 60, a common extension of the RFC; None without one. failure: why
    the rules could not be fetched, so that nothing is allowed for now.
    """

    prefixes: Mapping[str, bool] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    patterns: tuple[_Pattern, ...] = ()
    crawl_delay: float | None = None
    failure: TaskFailure | None = None

    @classmethod
    def parse(cls, text: str) -> "RobotsRules":
        """Read a robots.txt. Lines in other formats are ignored, and so is a page of HTML or JSON. Never raises."""
        text = _whole_lines(text, "\n", "\r").replace("\0", "").lstrip("\ufeff\ufffd").lstrip()
        if text.startswith(("<", "{", "[")):
            return cls()
        groups = _Groups()
        for line in _LINE_ENDS.split(text):
            name, value = _directive(line.partition("#")[0])
            groups.read(name.lower(), value)
        return groups.rules()

    @property
    def allows_all(self) -> bool:
        """Whether no path is forbidden."""
        allowed = all(self.prefixes.values()) and all(pattern.allowed for pattern in self.patterns)
        return allowed and self.failure is None

    def allows(self, target: str) -> bool:
        """Whether `target`, a URL's path with its query, may be fetched. The longest match decides, a tie allows."""
        if not (self.prefixes or self.patterns):
            return self.failure is None
        path = _normalised(target.replace("*", "%2A").replace("$", "%24"))
        if path == "/robots.txt":
            return True
        lengths = (length for length in self.lengths if length <= len(path) and path[:length] in self.prefixes)
        longest = next(lengths, -1)
        allowed = self.prefixes[path[:longest]] if longest >= 0 else True
        for pattern in self.patterns:
            if pattern.length < longest:
                break
            if pattern.matches(path):
                return pattern.allowed if pattern.length > longest else pattern.allowed or allowed
        return allowed


def _directive(line: str) -> tuple[str, str]:
    """Name and value; two words without a colon are taken for them. Both are "" where there are none."""
    name, colon, value = line.partition(":")
    words = [] if colon else line.split(maxsplit=2)
    if len(words) == 2:
        name, value = words
    return (name.strip(), value.strip()) if colon or len(words) == 2 else ("", "")


def _whole_lines(text: AnyStr, *ends: AnyStr) -> AnyStr:
    """The lines that are parsed. The line at the limit is not: half a rule may forbid more than the whole."""
    if len(text) <= MAX_PARSED_BYTES:
        return text
    return text[: max(0, *(text.rfind(end, 0, MAX_PARSED_BYTES) for end in ends))]


class _Groups:
    """The groups of a file being parsed: those for pupline, and those for all robots, each merged into one."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[tuple[str, bool], None]] = {}
        self._delays: dict[str, float] = {}
        self._agents: set[str] = set()
        self._names_agents = False

    def read(self, name: str, value: str) -> None:
        if name in _USER_AGENT:
            self._name_agent(value)
        elif name == "allow" or name in _DISALLOW:
            self._names_agents = False
            if value:
                for agent in self._agents:
                    self._rules[agent][value, name == "allow"] = None
        elif name == "crawl-delay" and _DELAY.fullmatch(value):
            for agent in self._agents:
                self._delays[agent] = min(float(value), MAX_CRAWL_DELAY_SECONDS)

    def _name_agent(self, value: str) -> None:
        if not self._names_agents:
            self._agents = set()
        self._names_agents = True
        token = _AGENT_TOKEN.match(value)
        agent = token.group().lower() if token else ""
        if agent in ("*", PRODUCT):
            self._agents.add(agent)
            self._rules.setdefault(agent, {})

    def rules(self) -> RobotsRules:
        agent = PRODUCT if PRODUCT in self._rules else "*"
        prefixes: dict[str, bool] = {}
        others = []
        for pattern in _patterns(self._rules.get(agent, {})):
            if pattern.anchored or len(pattern.pieces) > 1:
                others.append(pattern)
            else:
                prefix = pattern.pieces[0]
                prefixes[prefix] = pattern.allowed or prefixes.get(prefix, False)
        others.sort(key=lambda pattern: (-pattern.length, not pattern.allowed))
        lengths = tuple(sorted({len(prefix) for prefix in prefixes}, reverse=True))
        return RobotsRules(prefixes, lengths, tuple(others), self._delays.get(agent))


def _patterns(rules: Iterable[tuple[str, bool]]) -> Iterator[_Pattern]:
    starred = 0
    for text, allowed in rules:
        pattern = _Pattern.parse(text, allowed=allowed)
        if len(pattern.pieces) > 1 and pattern.shortest <= MAX_STARRED_CHARACTERS:  # a longer one matches no URL
            starred += pattern.shortest
            if starred > MAX_STARRED_CHARACTERS:
                if allowed:
                    continue
                pattern = _Pattern.parse(text.partition("*")[0], allowed=False)
        yield pattern


def _normalised(path: str) -> str:
    """`path` for comparison (RFC 9309, 2.2.2): all but ASCII is percent-encoded, plain letters and digits are not."""
    if _NORMAL_PATH.fullmatch(path):
        return path
    return _ESCAPE.sub(_escaped, quote(path, safe=_ASCII, errors="replace"))


def _escaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else f"%{escape[1].upper()}"


def robots_rules_from(outcome: Response | TaskFailure) -> RobotsRules:
    """The rules that hold after a request for /robots.txt. Source: RFC 9309, 2.3.1.

    The server has none (4xx but 429; endless redirects; 204 and 205): everything is allowed. The server is unreachable
    (5xx, 429, invalid HTTP, no connection, no response in time): nothing is allowed for now. A host that the policy
    forbids has no rules either: the client refuses its images, and names the true reason.
    """
    if isinstance(outcome, Response):
        return RobotsRules.parse(_text(outcome.body))
    return RobotsRules() if _has_no_rules(outcome) else RobotsRules(failure=outcome)


def _text(body: bytes) -> str:
    """A robots.txt is UTF-8 (RFC 9309, 2.3), or an editor's UTF-16 with its byte order mark."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    return _whole_lines(body, b"\n", b"\r").decode("utf-8", "replace")


def _has_no_rules(failure: TaskFailure) -> bool:
    if isinstance(failure, HttpError):
        status = failure.details.get("status")
        return isinstance(status, int) and (400 <= status < 500 or status in (204, 205))
    return isinstance(failure, NotFound | Refusal) and not isinstance(failure, TooLarge)


def robots_refusal(url: str, origin: str) -> RobotsDisallowed:
    """The failure of an image that its host's rules disallow."""
    return RobotsDisallowed(
        f"{printable(url)}: {origin}/robots.txt disallows it for pupline; ask the site's owner, or give "
        "--ignore-robots if the images are yours"
    )


def check_robots_tag(response: Response) -> None:
    """Refuse an image whose X-Robots-Tag says `noai` or `noimageai`, to all robots or to pupline.

    The field may be repeated, each time with a list that may begin with the name of one robot.
    Raises: RobotsDisallowed.
    """
    if "x-robots-tag" not in response.headers:
        return
    for value in response.repeated.get("x-robots-tag", (response.headers["x-robots-tag"],)):
        refused = _refused_tag(value)
        if refused is not None:
            raise RobotsDisallowed(
                f"{printable(response.url)}: the server's X-Robots-Tag says {refused}; the image is not used"
            )


def _refused_tag(value: str) -> str | None:
    meant_for = "*"
    for part in value.lower().split(","):
        agent, colon, directive = part.rpartition(":")
        if colon and agent.partition(":")[0].strip() not in _VALUED_TAGS:
            meant_for = agent.strip()
        if directive.strip() in _REFUSED_TAGS and meant_for in ("*", PRODUCT):
            return directive.strip()
    return None
