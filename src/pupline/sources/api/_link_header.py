"""The Link header (RFC 8288, section 3 and appendix B.2): the URL of the next page.

Parsed in linear time. A part outside the grammar is reported, not guessed: an unreadable next page is an error, never
the end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urljoin

from pupline.errors import SourceError
from pupline.text import printable

_SPACE = re.compile(r"[ \t]*+")
_SEPARATORS = re.compile(r"[ \t,]*+")
_NAME = re.compile(r"[^ \t=;,]*+")
_TOKEN = re.compile(r"[^;,]*+")
_QUOTED = re.compile(r'"((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_MAX_CHARACTERS = 64 * 1024  # no header block may be larger; the rest is unreadable
# Characters that people use as quotes; in the grammar they are part of the relation.
_LIKE_QUOTES = "'\u2018\u2019\u201c\u201d\u00ab\u00bb`\""


@dataclass(frozen=True, slots=True)
class Link:
    """One link. target: as written. parameters: by name in lower case; the first of each name counts."""

    target: str
    parameters: dict[str, str]

    @property
    def relations(self) -> list[str]:
        """The relation types, in lower case: `rel="prev next"` names two."""
        return self.parameters.get("rel", "").lower().split()


@dataclass(frozen=True, slots=True)
class LinkHeader:
    """The links of a header, and its first unreadable part, as written."""

    links: tuple[Link, ...]
    unreadable: tuple[str, ...] = ()

    @classmethod
    def parse(cls, header: str) -> "LinkHeader":
        """header: the values of all Link headers, joined by commas. Raises: nothing."""
        reader = _Reader(header[:_MAX_CHARACTERS])
        links = tuple(reader.links())
        beyond = (f"{header[:20]}..., too long",) if len(header) > _MAX_CHARACTERS else ()
        return cls(links, (*reader.unreadable, *beyond))

    def target_of(self, relation: str, page_url: str = "") -> str | None:
        """The target of the first link with this relation; None where there is none.

        A link whose `anchor` is not `page_url` belongs to another page (RFC 8288, 3.2).
        Raises: SourceError where there is none, but an unreadable part may be one.
        """
        relation = relation.lower()
        for link in self.links:
            if relation in link.relations and _is_of(page_url, link.parameters.get("anchor", "")):
                return link.target
        suspects = [*self.unreadable, *(found for link in self.links if (found := _near_miss(link, relation)))]
        if suspects:
            raise SourceError(
                f"the Link header has a part that cannot be read ({printable(suspects[0], 80)}), so whether there is a "
                f'{printable(relation, 40)} page is unknown; RFC 8288 writes <URL>; rel="{printable(relation, 40)}"'
            )
        return None


def _is_of(page_url: str, anchor: str) -> bool:
    try:
        return not anchor or urljoin(page_url, anchor) == page_url
    except ValueError:
        return False


def _near_miss(link: Link, relation: str) -> str | None:
    """The parameter by which a link seems to mean `relation`, outside the grammar."""
    rel, extended = link.parameters.get("rel", ""), link.parameters.get("rel*", "")
    if any(word.strip(_LIKE_QUOTES) == relation and word != relation for word in rel.lower().split()):
        return f"rel={rel}"
    if relation in unquote(extended.rpartition("'")[2]).lower().split():
        return f"rel*={extended}"
    return None


class _Reader:
    """Parses one header from left to right."""

    def __init__(self, header: str) -> None:
        self._text = header
        self._at = 0
        self.unreadable: list[str] = []

    def links(self) -> Iterator[Link]:
        """The links; the first part that is not a link is added to `unreadable`."""
        while self._skip(_SEPARATORS) < len(self._text):
            begin = self._at
            link = self._link()
            if link is None:
                self._give_up(begin)
            else:
                yield link

    def _skip(self, what: re.Pattern[str]) -> int:
        self._at = what.match(self._text, self._at).end()  # type: ignore[union-attr]  # it also matches nothing
        return self._at

    def _take(self, what: re.Pattern[str]) -> str:
        begin = self._at
        return self._text[begin : self._skip(what)]

    def _give_up(self, begin: int) -> None:
        """Continue after the next comma."""
        comma = self._text.find(",", self._at)
        end = len(self._text) if comma < 0 else comma
        if len(self.unreadable) < 1:  # one is enough for the message
            self.unreadable.append(self._text[begin:end].strip())
        self._at = end

    def _link(self) -> Link | None:
        if self._text[self._at] != "<":
            return None
        end = self._text.find(">", self._at)
        if end < 0:
            self._at = len(self._text)
            return None
        target = self._text[self._at + 1 : end].strip()
        self._at = end + 1
        parameters: dict[str, str] = {}
        while self._skip(_SPACE) < len(self._text) and self._text[self._at] == ";":
            self._at += 1
            found = self._parameter()
            if found is None:
                return None
            if found[0]:  # `;;` is allowed by the parsing algorithm
                parameters.setdefault(*found)
        return Link(target, parameters) if self._text[self._at : self._at + 1] in ("", ",") else None

    def _parameter(self) -> tuple[str, str] | None:
        """Name and value of a parameter; None for an unclosed quote."""
        self._skip(_SPACE)
        name = self._take(_NAME).lower()
        self._skip(_SPACE)
        if self._text[self._at : self._at + 1] != "=":
            return name, ""
        self._at += 1
        self._skip(_SPACE)
        if self._text[self._at : self._at + 1] != '"':
            return name, self._take(_TOKEN).strip()
        quoted = _QUOTED.match(self._text, self._at)
        if quoted is None:
            self._at = len(self._text)
            return None
        self._at = quoted.end()
        return name, _ESCAPED.sub(r"\1", quoted[1])
