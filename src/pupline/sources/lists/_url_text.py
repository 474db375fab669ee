"""The URL in a cell, a line or a value, without the characters around it.

People copy URLs from mails, sheets and pages, together with blanks, byte order marks and direction marks. Around a URL
they mean nothing. Inside it they may be a mistake or part of a name, so such a URL is refused: the user percent-encodes
the character, or removes it.
"""

import re
from typing import Final

from pupline.text import UNSAFE

_INVISIBLE: Final = (
    "\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f"
)
_AROUND = re.compile(rf"[\s\x00-\x20\x7f-\xa0{_INVISIBLE}]+")
_BLANK = re.compile(r"\s")
# Words of some languages need the joiners, so they are refused only next to ASCII.
_JOINER = re.compile("(?<=[\x21-\x7e])[\u200c\u200d]|[\u200c\u200d](?=[\x21-\x7e])")
_HALF = re.compile("[\ud800-\udfff]")
NOT_UTF_8: Final = re.compile("[\udc80-\udcff]")
"""Bytes that are not UTF-8, in text decoded with `surrogateescape`."""

_QUOTES: Final = {
    '"': '"',
    "'": "'",
    "`": "`",
    "<": ">",
    "\u2018": "\u2019",
    "\u201c": "\u201d",
    "\u00ab": "\u00bb",
}


def url_in(text: str) -> str:
    """`text` without the blanks, invisible characters and one pair of quotes around it."""
    bare = trimmed(text)
    if len(bare) > 1 and _QUOTES.get(bare[0]) == bare[-1]:
        return trimmed(bare[1:-1])
    return bare


def trimmed(text: str) -> str:
    start = _AROUND.match(text)
    if start is not None:
        text = text[start.end() :]
    end = len(text)
    while end and _AROUND.fullmatch(text[end - 1]):
        end -= 1
    return text[:end]


def why_unreadable(url: str) -> str | None:
    """Why `url`, already stripped, is refused; None where it can be tried."""
    if not url:
        return "no URL"
    if url.isascii():
        return "a blank in the URL; write it as %20" if " " in url else None
    if NOT_UTF_8.search(url):
        return "it is not UTF-8; save the list as UTF-8"
    if _HALF.search(url):
        return "half a surrogate pair in the URL, which is not a character"
    if _BLANK.search(url):
        return "a blank in the URL; take it out, or percent-encode it if it is meant"
    if UNSAFE.search(url) or _JOINER.search(url):
        return "an invisible character in the URL; take it out, or percent-encode it if it is meant"
    return None
