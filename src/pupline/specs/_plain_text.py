"""Plain text from the HTML that some sources give instead of text (Wikimedia's authors are links).

Each step is one pass. `html.parser` is not used: it takes quadratic time where tags are never closed, and raises
ValueError for a character reference of thousands of digits.
"""

import html
import re
from typing import Final

_MARKUP = re.compile(r"<[A-Za-z/!]|&(?:#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
# No match goes beyond the next "<", so that all attempts together cost one pass. Quotes may hold a ">".
_TAG = re.compile(r"""<[/!]?(?P<name>[A-Za-z][A-Za-z0-9]{0,30}+)?(?:(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)""")
_BLOCKS: Final = frozenset({"br", "div", "dd", "dt", "hr", "li", "p", "td", "th", "tr"})
_SILENT: Final = tuple(
    (re.compile(rf"<{name}\b[^<>]*+>", re.IGNORECASE), re.compile(rf"</{name}\b", re.IGNORECASE))
    for name in ("script", "style")
)
_COMMENT: Final = (re.compile(r"<!--"), re.compile(r"-->"))


def plain_text(text: str) -> str:
    """`text` without tags and character references, on one line, single-spaced."""
    if _MARKUP.search(text):
        text = _without(text, *_COMMENT, is_to_end=False)
        for begin, end in _SILENT:
            text = _without(text, begin, end, is_to_end=True)
        text = _TAG.sub(_space_of, text)
        text = _REFERENCE.sub(lambda found: html.unescape(found[0]), text)
    return " ".join(text.split())


def _space_of(tag: re.Match[str]) -> str:
    if tag["name"] is None and not tag[0].startswith(("</", "<!")):
        return tag[0]  # `<3 >`, say
    return " " if (tag["name"] or "").lower() in _BLOCKS else ""


def _without(text: str, begin: re.Pattern[str], end: re.Pattern[str], *, is_to_end: bool) -> str:
    """`text` without what is between `begin` and `end`. is_to_end: whether it goes to the end if it is not closed."""
    kept: list[str] = []
    at = 0
    while opened := begin.search(text, at):
        closed = end.search(text, opened.end())
        if closed is None:
            return "".join([*kept, text[at : opened.start()] if is_to_end else text[at:]])
        kept.append(text[at : opened.start()])
        at = closed.end() if not is_to_end else closed.start()
    return "".join([*kept, text[at:]])
