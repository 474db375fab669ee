"""Object names: one rule for every store, so that a key is the same on AWS and on any file system.

The rules for a name from outside:

- percent-escapes are decoded once; a `%41` that remains becomes `_41`, so that decoding again gives the same name;
- query and fragment are dropped, and only the last path segment is kept;
- separators, control, invisible and bidirectional characters, and those that Windows refuses, become `_`;
- surrounding blanks and trailing dots are dropped; a leading `.`, `~` or `-` (hidden file, home directory, option) and
  a name that Windows reserves for a device get a `_` in front;
- a name of more than 255 bytes of UTF-8 is cut before its extension, at a character boundary.

An image whose name has no extension of an image gets that of its content (`image_name`), because loaders of folders
take files by their extensions and leave out all others without a word.

Unicode is not normalised: the composed and the decomposed spelling of a word are two names. `candidate_names` gives
different names to images whose names become equal by these rules.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from pupline.errors import ConfigurationError
from pupline.images._types import IMAGE_EXTENSIONS, IMAGE_TYPES, extension_agrees
from pupline.text import UNSAFE, printable

MAX_NAME_BYTES: Final = 255
"""Of one part of a key, as every common file system allows."""

MAX_KEY_BYTES: Final = 1024
"""Of a whole key. Source: Amazon S3 User Guide, "Naming Amazon S3 objects"."""

MAX_NAMES: Final = 8
"""Names tried for an image: the plain one, then one per further eight hex digits of the SHA-256."""

_NAMELESS: Final = "unnamed"

_REPLACED: Final = frozenset(
    {"php", "php3", "php4", "php5", "php7", "phtml", "asp", "aspx", "ashx", "axd", "cgi", "fcgi", "pl", "py", "rb"}
    | {"jsp", "jspx", "do", "action", "cfm", "htm", "html", "xhtml", "shtml"}
    | {"bin", "dat", "data", "file", "img", "image", "download", "tmp"}
)
"""Extensions of programs and pages that serve images, and of any file. They are replaced, because some web servers run
a file that is named `2.php.jpg`."""

_ORIGIN = re.compile(r"\A[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_REFUSED = re.compile(r'[/\\<>:"|?*#]')
_STILL_ESCAPED = re.compile(r"%(?=[0-9A-Fa-f]{2})")
_EXTENSION = re.compile(r"\.([A-Za-z0-9]{1,16})\Z")
# A URL, or a name, as most are: every rule leaves the name as it is. A device of Windows has at most six letters, and
# no underscore or hyphen.
_PLAIN = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*+://[^/?#]*+/(?:[^/?#]*+/)*+)?+"
    r"((?:[A-Za-z0-9]{1,20}+[_-]|[A-Za-z0-9]{7})[A-Za-z0-9_-]{0,200}+\.[A-Za-z0-9]{1,16})"
)
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3])\Z", re.IGNORECASE)


def safe_name(url_path_or_name: str) -> str:
    """The name for the image at this URL, path or name: never empty, 255 bytes at most. The function is idempotent.

    `https://images.example/breeds/pug/caf%C3%A9.jpg?size=2` becomes `café.jpg`.
    """
    plain = _PLAIN.fullmatch(url_path_or_name)
    return plain[1] if plain else _careful_name(url_path_or_name)


def _careful_name(url_path_or_name: str) -> str:
    path = _ORIGIN.sub("", url_path_or_name, count=1)
    segment = re.split(r"[?#]", path, maxsplit=1)[0].rsplit("/", 1)[-1]
    name = _STILL_ESCAPED.sub("_", _REFUSED.sub("_", UNSAFE.sub("_", unquote(segment))))
    fitted = _fitted(_harmless(name), "")
    return _fitted(_harmless(fitted), "")  # the cut may leave `CON` of a longer name


def image_name(name: str, file_type: str) -> str:
    """`name`, which is safe, ending like an image: `photo-3` becomes `photo-3.jpg`, `2.php` becomes `2.jpg`.

    Only an extension that says nothing about the content is replaced; `v1.2` becomes `v1.2.jpg`. An image's extension
    stays even if it contradicts the content, and so does the name of anything that is not an image.
    """
    extension = name_extension(name)
    if file_type not in IMAGE_TYPES or extension in IMAGE_EXTENSIONS:
        return name
    if extension in _REPLACED:
        name = name.rpartition(".")[0]
        inner = name_extension(name)
        if inner in IMAGE_EXTENSIONS and extension_agrees(inner, file_type):  # `dog.jpg.php`
            return safe_name(name)
    return safe_name(f"{name}.{file_type}")


def candidate_names(name: str, sha256: str) -> Iterator[str]:
    """The names to try, in order, for bytes with this SHA-256: `a.jpg`, `a-1f2e3d4c.jpg`, ..."""
    yield name
    for start in range(0, 8 * (MAX_NAMES - 1), 8):
        name = _fitted(safe_name(name), f"-{sha256[start : start + 8]}")
        yield name


def object_key(prefix: str, name: str) -> str:
    """The key of `name` below `prefix` (`html` or `html/`, or empty): 1,024 bytes at most.

    Raises: ConfigurationError for a prefix with a part that is not a safe name, or with no room for a name after it.
    """
    parts = [part for part in prefix.split("/") if part]
    for part in parts:
        if safe_name(part) != part:
            raise ConfigurationError(
                f"prefix {printable(prefix)!r}: the part {printable(part)!r} is not portable; use {safe_name(part)!r}"
            )
    key = "/".join([*parts, safe_name(name)])
    if len("/".join([*parts, ""]).encode()) > MAX_KEY_BYTES - MAX_NAME_BYTES:
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
    """`name` without a special beginning or end."""
    name = name.strip(" ").rstrip(". ")
    device = name.partition(".")[0].rstrip(" ")
    if name.startswith((".", "~", "-")) or _RESERVED.match(device):
        return f"_{name}"
    return name or _NAMELESS


def _fitted(name: str, tag: str) -> str:
    """`name` with `tag` before its extension, cut to the limit at a character boundary, the extension whole."""
    found = _EXTENSION.search(name)
    stem, extension = (name[: found.start()], found.group()) if found else (name, "")
    room = MAX_NAME_BYTES - len(tag) - len(extension)
    if len(stem.encode()) > room:
        stem = stem.encode()[:room].decode(errors="ignore")
    return f"{stem}{tag}{extension}".rstrip(". ")
