"""One of N shards of a source, by host: each machine fetches all images of its hosts, so that politeness holds.

A host's shard depends on its name and on N alone: every machine, whatever its version, list or order, decides alike.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Url
from pupline.tasks.items import SourceItem
from pupline.text import printable

MAX_SHARDS = 100_000

_FORM = re.compile(r"([0-9]{1,6})/([0-9]{1,6})")
_AUTHORITY = re.compile(r"[^/?#]*//[^/?#]*")


@dataclass(frozen=True, slots=True)
class Shard:
    """Shard `number`, from 1, of `count`."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """The shard written as I/N. Raises: ConfigurationError."""
        found = _FORM.fullmatch(text)
        number, count = map(int, found.groups()) if found else (0, 0)
        if not 1 <= number <= count <= MAX_SHARDS:
            raise ConfigurationError(
                f"--shard {printable(text, 40)}: give I/N, such as 1/4 to 4/4 on four machines; N is at most"
                f" {MAX_SHARDS:,}"
            )
        return cls(number, count)

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def run_id(self, run_id: str) -> str:
        """The name of this shard's run: `monday-2of4`, so that the shards of `monday` can be merged."""
        suffix = f"-{self.number}of{self.count}"
        return run_id if run_id.endswith(suffix) else f"{run_id}{suffix}"

    def has(self, url: str) -> bool:
        """Whether the URL's host is this shard's. Texts that are not valid URLs have one host, `""`, for all shards."""
        found = _AUTHORITY.match(url)
        return _place(found[0] if found else "") % self.count == self.number - 1

    def own(self, items: Sequence[SourceItem]) -> list[SourceItem]:
        """The items of this shard."""
        return [item for item in items if self.has(item.url)]


@lru_cache(maxsize=65_536)
def _place(origin: str) -> int:
    """The first 64 bits of the SHA-256 of the host's name; its port and scheme do not count."""
    try:
        host = Url.parse(origin).origin.host
    except InvalidUrl:
        host = ""
    return int.from_bytes(sha256(host.encode()).digest()[:8])
