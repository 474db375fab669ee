"""A folder for each label, with a name that every file system takes and that no two labels share.

Labels come from outside: `..`, `a/b`, `CON`, `Pug` and `pug`, 300 letters. The folders are flat, `hound-afghan` for
`hound/afghan`, because imagefolder of Hugging Face takes the last folder for the label, and that of torchvision the
first.
"""

import re
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

from pupline.text import UNSAFE

UNLABELLED = "unlabelled"
"""The folder of images without a label."""

_MAX_BYTES = 100
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\s]+')
_SPLIT_WORDS = re.compile(
    r"(?:^|(?<=[-._ 0-9]))(?:train|training|validation|valid|val|dev|test|testing|eval|evaluation)(?=$|[-._ 0-9])",
    re.IGNORECASE,
)
"""Words that Hugging Face `datasets` takes for the name of a split wherever they stand alone in a path."""


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """The folder of each label. Where names would clash, all but the first label, in order, get a hash of the label."""
    taken = {_folded(UNLABELLED)}
    found: dict[str, str] = {}
    for label in sorted(set(labels)):
        name = _safe(label)
        if _folded(name) in taken:
            name = f"{name}-{sha256(label.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
        taken.add(_folded(name))
        found[label] = name
    return found


def _safe(label: str) -> str:
    """A name for one folder: not hidden, not reserved, at most 100 bytes, without blanks at its end."""
    text = unicodedata.normalize("NFC", UNSAFE.sub("", label))
    text = _FORBIDDEN.sub("-", text)
    while len(text.encode()) > _MAX_BYTES:
        text = text[:-1]
    text = text.strip("-. _~")
    text = _SPLIT_WORDS.sub(lambda word: f"{word[0]}label", text)
    if not text:
        return "label"
    return f"{text}_" if _RESERVED.fullmatch(text) else text


def _folded(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
