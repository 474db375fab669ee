"""What a site asks of robots: its robots.txt (RFC 9309), and the X-Robots-Tag of an answer.

A pattern of robots.txt is matched piece by piece with plain searches from left to right, never by a regular expression
made of it: the time for one URL grows with the length of the file times that of the URL, whatever the file holds.

One odd answer here costs all images of its host, so what can be read is read: NULs and byte order marks are left out,
UTF-16 is understood, and so are the slips that Google's parser understands.
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

# Parsed of a robots.txt; what comes after is ignored (RFC 9309, 2.5, asks for at least as much).
MAX_PARSED_BYTES = 500 * 1024

MAX_ROBOTS_BYTES = MAX_PARSED_BYTES + 1
"""As much of a robots.txt is worth fetching: what is parsed, and a byte that tells that there is more."""

# Patterns with stars are searched for in every URL, which takes time. Of more, which is an attack or an accident, a
# Disallow holds from its first star on, and an Allow not at all: no wish to be left alone is passed over.
MAX_STARRED_CHARACTERS = 32 * 1024

MAX_CRAWL_DELAY_SECONDS = 60.0

_DISALLOW = frozenset({"disallow", "dissallow", "dissalow", "disalow", "diasllow", "disallaw"})
_USER_AGENT = frozenset({"user-agent", "useragent", "user agent"})
_AGENT_TOKEN = re.compile(r"\*(?!\S)|[A-Za-z_-]+")
_LINE_ENDS = re.compile(r"[\r\n]+")
_DELAY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
# Left as it is when a path is brought to one spelling: all of ASCII that can be in a line, `%` included.
_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_SPELT_PLAINLY = re.compile(r"[!&-)+-~#]*")  # without percent sign, star or dollar: nothing to bring to one spelling

_REFUSED_TAGS = frozenset({"noai", "noimageai"})
# Directives with a value behind a colon, where others have the robot that they are meant for before one.
_VALUED_TAGS = frozenset({"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"})


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One Allow or Disallow. pieces: what lies between its stars. anchored: it ended in a dollar sign."""

    allowed: bool
    length: int
    pieces: tuple[str, ...]
    anchored: bool
    shortest: int

    @classmethod
    def parse(cls, text: str, *, allowed: bool) -> "_Pattern":
        anchored = text.endswith("$")
        stem = _one_spelling(text.removesuffix("$").replace("$", "%24"))
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

    prefixes: plain beginnings of paths, and whether they are allowed; lengths: theirs, the longest first. patterns: all
    other rules, the longest first, and of two alike the one that allows.
    crawl_delay: seconds between two requests, 0 to 60, as an extension of the RFC that many files hold; None when there
    is none. failure: why the rules could not be had, and nothing is allowed for now; None when they could.
    """

    prefixes: Mapping[str, bool] = field(default_factory=dict)
    lengths: tuple[int, ...] = ()
    patterns: tuple[_Pattern, ...] = ()
    crawl_delay: float | None = None
    failure: TaskFailure | None = None

    @classmethod
    def parse(cls, text: str) -> "RobotsRules":
        """Read a robots.txt. What is not understood is passed over, a page of HTML or JSON altogether. Never raises."""
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
        """Whether nothing is forbidden."""
        allowed = all(self.prefixes.values()) and all(pattern.allowed for pattern in self.patterns)
        return allowed and self.failure is None

    def allows(self, target: str) -> bool:
        """Whether `target`, a URL's path with its query, may be fetched. The longest match decides, a tie allows."""
        if not (self.prefixes or self.patterns):
            return self.failure is None
        path = _one_spelling(target.replace("*", "%2A").replace("$", "%24"))
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
    """Name and value; of two words without a colon, these. Both are "" where there are none."""
    name, colon, value = line.partition(":")
    words = [] if colon else line.split(maxsplit=2)
    if len(words) == 2:
        name, value = words
    return (name.strip(), value.strip()) if colon or len(words) == 2 else ("", "")


def _whole_lines(text: AnyStr, *ends: AnyStr) -> AnyStr:
    """The lines that are parsed. The one at the limit is not: half a rule may mean more than the whole."""
    if len(text) <= MAX_PARSED_BYTES:
        return text
    return text[: max(0, *(text.rfind(end, 0, MAX_PARSED_BYTES) for end in ends))]


class _Groups:
    """The groups of a file while it is read: those for pupline, and those for all robots, each merged into one."""

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


def _one_spelling(path: str) -> str:
    """`path` as RFC 9309, 2.2.2, compares it: all but ASCII percent-encoded, and plain letters and digits not."""
    if _SPELT_PLAINLY.fullmatch(path):
        return path
    return _ESCAPE.sub(_escaped, quote(path, safe=_ASCII, errors="replace"))


def _escaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character in _UNRESERVED else f"%{escape[1].upper()}"


def robots_rules_from(outcome: Response | TaskFailure) -> RobotsRules:
    """The rules that hold after asking for /robots.txt. Source: RFC 9309, 2.3.1.

    The server has none (4xx but 429; redirects without an end; an answer that is said to be empty): all is allowed. It
    did not tell (5xx, 429, what is not proper HTTP, no connection, no answer in time): nothing is, until it does. A
    host that is not to be asked at all has no rules either: its images are refused by the client, which names the true
    reason.
    """
    if isinstance(outcome, Response):
        return RobotsRules.parse(_text(outcome.body))
    return RobotsRules() if _says_that_there_is_none(outcome) else RobotsRules(failure=outcome)


def _text(body: bytes) -> str:
    """A robots.txt is UTF-8 (RFC 9309, 2.3); an editor's UTF-16 begins with its mark."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    return _whole_lines(body, b"\n", b"\r").decode("utf-8", "replace")


def _says_that_there_is_none(failure: TaskFailure) -> bool:
    if isinstance(failure, HttpError):
        status = failure.details.get("status")
        return isinstance(status, int) and (400 <= status < 500 or status in _EMPTY)
    return isinstance(failure, NotFound | Refusal) and not isinstance(failure, TooLarge)


_EMPTY = frozenset({204, 205})


def check_robots_tag(response: Response) -> None:
    """Return when the answer's X-Robots-Tag lets machines use the image. Raises: RobotsDisallowed.

    `noai` and `noimageai` refuse, for all robots or for pupline; the header may come several times, each with a list,
    and begin with the one robot that it is meant for.
    """
    if "x-robots-tag" not in response.headers:
        return
    for value in response.repeated.get("x-robots-tag", (response.headers["x-robots-tag"],)):
        refused = _refused_tag(value)
        if refused is not None:
            raise RobotsDisallowed(
                f"{printable(response.url)}: the server's X-Robots-Tag says {refused}; the image is left alone"
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
