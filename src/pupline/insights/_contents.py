"""Which addresses give which bytes, in bounded memory: what a dataset has, and images that many addresses share.

Addresses are sampled by their hash (Wegman's adaptive sampling): all of them while there are few; when the sample is
full, only those whose hash ends in one more zero bit are kept, and each of them stands for twice as many. So an
address counts once however often it was fetched, in any order of records, and the error of an estimate from half a
full sample is about 0.4 %.
"""

from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b

from pupline.tasks.records import AuditRecord

CAPACITY = 100_000
"""Addresses in a full sample: some 30 MB."""

PLACEHOLDER_URLS = 5
"""The same bytes from so many addresses are no picture of anything: "image not available", or a blocked client."""

_HELD = frozenset({"stored", "duplicate"})
_EXAMPLES = 3


@dataclass(slots=True)
class SharedImage:
    """Bytes that several addresses gave. urls: how many, estimated where the sample is not exact. examples: of them."""

    image_name: str
    sha256: str
    size_bytes: int
    urls: int
    examples: list[str]


class Contents:
    """The addresses of one dataset and the bytes that each of them gave last."""

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._doublings = 0
        self._bytes_of: dict[int, bytes] = {}  # an address's hash to the first half of its SHA-256, in hex
        self._urls_of: Counter[bytes] = Counter()
        self._shared: dict[bytes, SharedImage] = {}
        self._held_by_run: Counter[str] = Counter()

    @property
    def exact(self) -> bool:
        """Whether `urls` is a count: all addresses were sampled, or one run brought them all, each once."""
        return self._doublings == 0 or len(self._held_by_run) == 1

    @property
    def urls(self) -> int:
        """How many addresses gave an image that is held; as many as the largest run had, and no more than all had."""
        by_run = self._held_by_run.values()
        estimate = len(self._bytes_of) << self._doublings
        return min(max(estimate, max(by_run, default=0)), sum(by_run)) if self._doublings else estimate

    def add(self, record: AuditRecord) -> None:
        """Count one record; only one whose image is held says anything here."""
        if record.outcome in _HELD and record.source_url and record.sha256:
            self._held_by_run[run_of(record.execution)] += 1
            address = _hash(record.source_url)
            if self._is_sampled(address):
                self._see(address, record.source_url, record)

    def shared(self) -> list[SharedImage]:
        """Images that at least two addresses gave, those of most addresses first."""
        found = [self._counted(content, image) for content, image in self._shared.items()]
        return sorted((image for image in found if image.urls > 1), key=lambda image: (-image.urls, image.sha256))

    def _see(self, address: int, url: str, record: AuditRecord) -> None:
        content = (record.sha256 or "").encode()[:32]
        before = self._bytes_of.get(address)
        if before == content:
            return
        if before is not None:  # the address gives other bytes now
            self._forget(before)
        self._bytes_of[address] = content
        self._urls_of[content] += 1
        self._tell(content, url, record)
        while len(self._bytes_of) > self._capacity:
            self._thin_out()

    def _tell(self, content: bytes, url: str, record: AuditRecord) -> None:
        """Keep a few examples of what is shared; nothing is kept of an image that one address alone gave."""
        if self._urls_of[content] < 2:
            return
        image = self._shared.get(content)
        if image is None:
            image = SharedImage(record.image_name, record.sha256 or "", record.size_bytes or 0, 0, [])
            self._shared[content] = image
        if len(image.examples) < _EXAMPLES and url not in image.examples:
            image.examples.append(url)

    def _counted(self, content: bytes, image: SharedImage) -> SharedImage:
        image.urls = self._urls_of[content] << self._doublings
        return image

    def _is_sampled(self, address: int) -> bool:
        return address & ((1 << self._doublings) - 1) == 0

    def _thin_out(self) -> None:
        self._doublings += 1
        for address in [one for one in self._bytes_of if not self._is_sampled(one)]:
            self._forget(self._bytes_of.pop(address))

    def _forget(self, content: bytes) -> None:
        self._urls_of[content] -= 1
        if not self._urls_of[content]:
            del self._urls_of[content]
            self._shared.pop(content, None)


def run_of(execution: str) -> str:
    """`monday` of the execution `monday-00000042`. A run of bulk ingestion asks for each address once."""
    return execution.rpartition("-")[0]


def _hash(url: str) -> int:
    return int.from_bytes(blake2b(url.encode("utf-8", "replace"), digest_size=8).digest(), "big")
