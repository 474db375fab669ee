"""What every paginator is: it says what to ask next, is told the answer, and can write down where it stands.

A paginator knows nothing of HTTP, secrets or items; `ApiListing` puts the request together and reads the items. All
end after a page that named nothing, unless their settings say otherwise, because an API that gives empty pages for ever
is more common than one with a gap. None goes in circles: a link, cursor or page that was just there is an error.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, ClassVar

from pupline.errors import InvalidUrl, SourceError
from pupline.fetch import JSON, Origin, Url
from pupline.text import printable

_REMEMBERED = 20  # links and cursors: circles are short, and the position must stay small
_MAX_CURSOR = 4096


@dataclass(frozen=True, slots=True)
class Ask:
    """What to ask next. url: a whole one, instead of the spec's. path: instead of the spec's path.

    params: added to the spec's. own_params: whether the spec's params are sent at all. fills: what `{name}` in the path
    stands for, percent-encoded.
    """

    url: str | None = None
    path: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    own_params: bool = True
    fills: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A page that came. url: of the page. found: how many things it named. body_digest: of its bytes.

    allowed: the origins that a link may lead to. clean: takes the API's own key out of a URL that repeats it.
    """

    page: JSON
    headers: Mapping[str, str]
    url: str
    found: int
    body_digest: str
    allowed: frozenset[Origin]
    clean: Callable[[str], str] = str


class Paginator(ABC):
    """One way through the pages of an API."""

    independent: ClassVar[bool] = False
    """Whether a page that is not there can be passed over, since no other depends on it."""

    counts_new: ClassVar[bool] = False
    """Whether `Answer.found` shall count only what no page before named."""

    def __init__(self, *, stop_after_empty_page: bool = True) -> None:
        self.complete = False
        self.total: int | None = None
        self.notes: list[str] = []
        self._stop_after_empty_page = stop_after_empty_page

    @property
    def names_items(self) -> bool:
        """Whether the page asked for now names items, or only what is needed to ask for those that do."""
        return True

    @abstractmethod
    def ask(self) -> Ask:
        """What to ask now; the same until `advance` or `pass_over`."""

    def advance(self, answer: Answer) -> None:
        """Move on to what follows `answer`. Raises: SourceError, and nothing has moved."""
        if not answer.found and self._stop_after_empty_page:
            self.complete = True
        else:
            self._move(answer)

    def pass_over(self) -> bool:
        """Move on without the page that was asked for; False where that cannot be done."""
        return False

    def take_notes(self) -> list[str]:
        """What it has to say since the last call, in sentences."""
        taken, self.notes = self.notes, []
        return taken

    @abstractmethod
    def _move(self, answer: Answer) -> None: ...

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Where it stands, as a small JSON object."""

    @abstractmethod
    def restore(self, state: Mapping[str, Any]) -> None:
        """Stand where `state` says. Raises: KeyError, TypeError, ValueError for one that it did not write."""


class Recent:
    """The last links or cursors, so that a circle is found before it is walked a second time."""

    def __init__(self) -> None:
        self._digests: deque[str] = deque(maxlen=_REMEMBERED)

    def check(self, text: str, what: str) -> None:
        """Raises: SourceError where `text` was here before."""
        if digest_of(text.encode("utf-8", "surrogatepass")) in self._digests:
            raise SourceError(
                f"the API's {what} {printable(text, 120)!r} was there before: its pages go in a circle; "
                "check the paginator of the spec"
            )

    def add(self, text: str) -> None:
        """Remember `text`."""
        self._digests.append(digest_of(text.encode("utf-8", "surrogatepass")))

    def state(self) -> list[str]:
        """For `restore`."""
        return list(self._digests)

    def restore(self, state: list[str]) -> None:
        """Remember what `state` holds, and nothing else."""
        self._digests = deque(map(str, state), maxlen=_REMEMBERED)


def digest_of(data: bytes) -> str:
    """16 hexadecimal digits that tell `data` from other data, where nobody means harm."""
    return blake2b(data, digest_size=8).hexdigest()


def link_from(value: object, answer: Answer, what: str) -> str | None:
    """The absolute URL of the next page, None at the end. Raises: SourceError for a link that is not followed."""
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, str):
        raise SourceError(f"{what} gives {printable(repr(value), 60)}; it should be a link, or null at the end")
    try:
        url = Url.parse(answer.url).join(value)
    except InvalidUrl as err:
        raise SourceError(f"{what} gives a link that cannot be followed: {err}") from err
    if url.origin not in answer.allowed:
        advice = "the next page is asked for from the API's own origin alone"
        if url.origin.host == Url.parse(answer.url).origin.host:
            advice = f"if that is where it is, name {url.origin} in its base URL"
        raise SourceError(f"{what} leads to {printable(str(url), 120)}, away from the API; {advice}")
    return answer.clean(str(url))


def cursor_from(value: object, what: str) -> str | None:
    """The cursor as text; None at the end. Raises: SourceError for what cannot be one."""
    if value is None or value == "" or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > _MAX_CURSOR:
        raise SourceError(
            f"{what} gives {printable(repr(value), 60)}; it should be a text or a number, null at the end"
        )
    return str(value)


def whole_number(value: object, what: str) -> int | None:
    """A count that the API tells, None where it does not. Raises: SourceError for what is no count."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise SourceError(f"{what} gives {printable(repr(value), 60)}; it should be a whole number")
    return value
