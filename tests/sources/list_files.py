"""How the tests read lists: from the beginning, and on from every position on the way."""

from pathlib import Path

from pupline.sources import ImageSource, Listing, resolve
from pupline.tasks.items import SourceItem


def listed(listing: Listing) -> list[SourceItem]:
    """All items from here on."""
    items: list[SourceItem] = []
    while not listing.complete:
        assert listing.request() is None
        page = listing.read(None, {})
        assert len(page.items) <= 1000
        items += page.items
    return items


def items_of(source: ImageSource) -> list[SourceItem]:
    """All items, after making sure that each position on the way leads to the rest of them."""
    listing = source.open()
    total, items, rests = listing.total, [], []
    while not listing.complete:
        items += listing.read(None, {}).items
        rests.append((len(items), listed(source.open(position=listing.position()))))
    assert listing.total == total == len(items)
    assert [rest for _, rest in rests] == [items[at:] for at, _ in rests]
    return items


def urls_of(path: Path, suffix: str = "") -> list[str]:
    """The URLs that a list names."""
    return [item.url for item in items_of(resolve(f"{path}{suffix}"))]
