"""Object names: one rule for every store, so that a key is the same on AWS and on any file system.

What a name from outside may carry and what becomes of it:

- percent-escapes are decoded once; a `%41` that is still there after that becomes `_41`, so that nobody who decodes
  again reads another name;
- query and fragment are dropped, and only the last path segment is kept;
- separators, control, invisible and bidirectional characters, and those that Windows refuses, become `_`;
- blanks around it and trailing dots go; a leading `.`, `~` or `-` (hidden file, home directory, option) and a name that
  Windows reserves for a device get a `_` in front;
- what is longer than 255 bytes of UTF-8 is cut before its extension, at a character boundary.

Unicode is otherwise kept as it came: the composed and the decomposed spelling of a word are two names. Names that fall
together by these rules are kept apart by `alternative_name`.
"""

import re
from typing import Final
from urllib.parse import unquote

from pupline.errors import ConfigurationError
from pupline.text import UNSAFE, printable

MAX_NAME_BYTES: Final = 255
"""Of one part of a key: what every common file system can hold."""

MAX_KEY_BYTES: Final = 1024
"""Of a whole key. Source: Amazon S3 User Guide, "Naming Amazon S3 objects"."""

NAMELESS: Final = "unnamed"

_ORIGIN = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_REFUSED = re.compile(r'[/\\<>:"|?*#]')
_STILL_ESCAPED = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,16})\Z")
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3])\Z", re.IGNORECASE)


def safe_name(url_path_or_name: str) -> str:
    """The name under which the image of this URL, path or name is kept: never empty, 255 bytes at most.

    `https://images.example/breeds/pug/caf%C3%A9.jpg?size=2` gives `café.jpg`. Giving the result again changes nothing.
    """
    path = _ORIGIN.sub("", url_path_or_name, count=1)
    segment = re.split(r"[?#]", path, maxsplit=1)[0].rsplit("/", 1)[-1]
    name = _STILL_ESCAPED.sub("_", _REFUSED.sub("_", UNSAFE.sub("_", unquote(segment))))
    fitted = _fitted(_harmless(name), "")
    return _fitted(_harmless(fitted), "")  # of `CON`, many spaces and more, the cut leaves `CON`


def alternative_name(name: str, sha256: str) -> str:
    """The name for other bytes whose `name` is taken: `<stem>-<first 8 hex digits of sha256><extension>`."""
    return _fitted(safe_name(name), f"-{sha256[:8]}")


def object_key(prefix: str, name: str) -> str:
    """The key of `name` below `prefix` (`html` or `html/`; an empty one means none): 1,024 bytes at most.

    Raises: ConfigurationError for a prefix with a part that is not a safe name, or with no room for a name after it.
    """
    parts = [part for part in prefix.split("/") if part]
    for part in parts:
        if safe_name(part) != part:
            raise ConfigurationError(
                f"prefix {printable(prefix)!r}: the part {printable(part)!r} cannot be used everywhere; "
                f"{safe_name(part)!r} can"
            )
    key = "/".join([*parts, safe_name(name)])
    if _size_bytes("/".join([*parts, ""])) > MAX_KEY_BYTES - MAX_NAME_BYTES:
        raise ConfigurationError(
            f"prefix {printable(prefix)!r} leaves no room for a name of {MAX_NAME_BYTES} bytes "
            f"in a key of {MAX_KEY_BYTES}; shorten it"
        )
    return key


def name_extension(name: str) -> str | None:
    """The extension of a name, lower-case, without its dot (`jpeg` stays `jpeg`); None where there is none."""
    found = _EXTENSION.search(name)
    return found.group(1).lower() if found else None


def _harmless(name: str) -> str:
    """`name` without what makes it special at its beginning or end."""
    name = name.strip(" ").rstrip(". ")
    device = name.partition(".")[0].rstrip(" ")
    if name.startswith((".", "~", "-")) or _RESERVED.match(device):
        return f"_{name}"
    return name or NAMELESS


def _fitted(name: str, tag: str) -> str:
    """`name` with `tag` before its extension, cut to the limit at a character boundary, the extension whole."""
    found = _EXTENSION.search(name)
    stem, extension = (name[: found.start()], found.group()) if found else (name, "")
    room = MAX_NAME_BYTES - len(tag) - len(extension)
    if _size_bytes(stem) > room:
        stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}{tag}{extension}".rstrip(". ")


def _size_bytes(text: str) -> int:
    return len(text.encode())
