"""Which URLs give which bytes, in bounded memory: the size of a dataset, and images that many URLs share.

URLs are sampled by their hash (Wegman's adaptive sampling): all of them while there are few; when the sample is full,
only those whose hash ends in one more zero bit are kept, and each of them stands for twice as many. So a URL counts
once however often it was fetched, in any order of records, and the error of an estimate from half a full sample is
about 0.4 %.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

from pupline.errors import ACCEPTED_OUTCOMES
from pupline.tasks.figure_rows import FigureRecord

CAPACITY = 100_000
"""URLs in a full sample: about 30 MB."""

PLACEHOLDER_URLS = 5
"""Bytes that so many URLs share are probably a placeholder: "image not available", or a page for blocked clients."""

_EXAMPLES = 3


@dataclass(slots=True)
class SharedImage:
    """Bytes that several URLs gave. urls: how many, an estimate where the sample is not exact. examples: of them."""

    image_name: str
    sha256: str
    size_bytes: int
    urls: int
    examples: list[str]


class UrlSample:
    """The URLs of one dataset, and the bytes that each of them gave last."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._doublings = 0
        self._content_of: dict[int, bytes] = {}  # by the URL's hash: the first half of its SHA-256, in hex
        self._urls_of: Counter[bytes] = Counter()
        self._shared: dict[bytes, SharedImage] = {}
        self._stored_by_run: Counter[str] = Counter()

    @property
    def exact(self) -> bool:
        """Whether `urls` is exact: the sample has all URLs, or one run fetched them all, each once."""
        return self._doublings == 0 or len(self._stored_by_run) == 1

    @property
    def urls(self) -> int:
        """How many URLs gave a stored image: at least those of the largest run, at most the sum of all runs."""
        by_run = self._stored_by_run.values()
        estimate = len(self._content_of) << self._doublings
        return min(max(estimate, max(by_run, default=0)), sum(by_run)) if self._doublings else estimate

    def add(self, record: FigureRecord) -> None:
        """Count one record, if its image is stored."""
        url, sha256 = record.source_url, record.sha256
        if record.outcome not in ACCEPTED_OUTCOMES or not url or not sha256:
            return
        self._stored_by_run[run_of(record.execution)] += 1
        url_hash = int.from_bytes(blake2b(url.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        if not self._is_sampled(url_hash):
            return
        content = sha256[:32].encode()
        if content == (before := self._content_of.get(url_hash)):
            return
        if before is not None:  # the URL gives other bytes now
            self._forget(before)
        self._content_of[url_hash] = content
        self._urls_of[content] += 1
        if self._urls_of[content] > 1:
            default = SharedImage(record.image_name, sha256, record.size_bytes or 0, 0, [])
            image = self._shared.setdefault(content, default)
            if len(image.examples) < _EXAMPLES and url not in image.examples:
                image.examples.append(url)
        while len(self._content_of) > self._capacity:
            self._doublings += 1
            for dropped in [one for one in self._content_of if not self._is_sampled(one)]:
                self._forget(self._content_of.pop(dropped))

    def shared(self) -> list[SharedImage]:
        """Images that at least two URLs gave, those with most URLs first."""
        for content, image in self._shared.items():
            image.urls = self._urls_of[content] << self._doublings
        shared = (image for image in self._shared.values() if image.urls > 1)
        return sorted(shared, key=lambda image: (-image.urls, image.sha256))

    def _is_sampled(self, url_hash: int) -> bool:
        return url_hash & ((1 << self._doublings) - 1) == 0

    def _forget(self, content: bytes) -> None:
        self._urls_of[content] -= 1
        if not self._urls_of[content]:
            del self._urls_of[content]
            self._shared.pop(content, None)


def run_of(execution: str) -> str:
    """`monday` of the execution `monday-00000042`."""
    return execution.rpartition("-")[0]
