"""The items of one page: JMESPath, then templates and patterns, then the types of `SourceItem`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from pupline.errors import SourceError
from pupline.specs._extraction import Extraction, described, find
from pupline.specs._item_fields import FACTS, Normaliser
from pupline.specs._spec import SourceSpec
from pupline.tasks.items import SourceItem
from pupline.text import printable

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
# Names that media types have for the file types of `expect.types`, where they differ.
_MEDIA_SUBTYPES = {"jpeg": "jpg", "pjpeg": "jpg", "x-ms-bmp": "bmp", "x-png": "png", "apng": "png", "tif": "tiff"}


@dataclass(frozen=True, slots=True)
class PageItems:
    """items: those that can be asked for. records: how many things the page holds, usable or not."""

    items: list[SourceItem]
    records: int


class ItemReader:
    """Reads the pages of one listing, and counts what cannot be used.

    named: items given so far. records: things that the pages held. unusable: of these, null or of another type than
    a URL or an object. without_url: objects that name no URL.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._normal = Normaliser()
        self._gave_lists = False
        self.named = self.records = self.unusable = self.without_url = 0

    def read(self, page: Any, page_url: str) -> PageItems:
        """The items of a page at `page_url`.

        Raises: SourceError, and nothing is counted, where the page is not of the shape that the spec expects.
        """
        found = find(self._spec.items, page)
        shared = {name: expression.search(page) for name, expression in self._spec.parent.items()}
        entries = [self._entry(one, shared, page) for one in found.entries]
        self._check_shape(found, entries, page)
        items = [self._item(url, facts, page_url) for url, facts in entries if isinstance(url, str) and url]
        usable = [item for item in items if item is not None]
        self._count(found, [url for url, _ in entries], len(usable))
        return PageItems(usable, found.records)

    def take_notes(self) -> tuple[str, ...]:
        """What was left out, in sentences; each is told once."""
        return self._normal.take_notes()

    def counts(self) -> list[int]:
        """For `restore`."""
        return [self.named, self.records, self.unusable, self.without_url]

    def restore(self, counts: Sequence[int]) -> None:
        """Go on counting from there. Raises: TypeError, ValueError."""
        self.named, self.records, self.unusable, self.without_url = map(int, counts)

    def _check_shape(self, found: Extraction, entries: list[tuple[Any, dict[str, Any]]], page: Any) -> None:
        """Whether the page is like those before it. Raises: SourceError.

        One object may have no picture. Where all before had one, and of this page's not a single one, the API means
        another name by now, or did from the beginning.
        """
        what = f"items ({printable(self._spec.items.text, 120)})"
        if found.is_single and self._gave_lists:
            raise SourceError(f"{what} gives {described(found.entries[0])}; on the pages before it gave a list")
        is_one_by_one = self._spec.paginator.type in ("ids_then_detail", "date_window")
        if entries and all(url is None for url, _ in entries) and not self.without_url and not is_one_by_one:
            where = "url_template" if self._spec.url_template is not None else "fields.url"
            raise SourceError(
                f"{what} found {len(entries):,} of which none has a URL ({where}); the first is "
                f"{described(found.entries[0])}. The answer is {described(page)}"
            )
        self._gave_lists = not found.is_single

    def _count(self, found: Extraction, urls: list[Any], usable: int) -> None:
        wrong = [url for url in urls if url and not isinstance(url, str)]
        missing = sum(not url for url in urls)
        if found.unusable or wrong:
            count, why = found.unusable + len(wrong), found.why or f"a url that is {described(wrong[0])}"
            self._normal.note("unusable", f"{count:,} of the page's entries cannot be used and are left out: {why}")
            self.unusable += count
        if missing:
            # The Met says "" for works without a picture: there is nothing to fetch, so nothing has failed.
            self._normal.note("url", "items without a url are left out")
            self.without_url += missing
        self.named += usable
        self.records += found.records

    def _entry(self, one: Any, shared: Mapping[str, Any], page: Any) -> tuple[Any, dict[str, Any]]:
        """What stands where an entry's URL belongs, and its other facts."""
        facts = self._facts(one, shared)
        url = facts.pop("url", None)
        if self._spec.url_template is not None:
            url = filled(self._spec.url_template, one, page)
        return url, facts

    def _item(self, url: str, facts: dict[str, Any], page_url: str) -> SourceItem | None:
        if not _ABSOLUTE.match(url):
            url = _joined(page_url, url)
        self._read_from_url(url, facts)
        item = self._normal.item(url, facts)
        return item if self._is_expected(item) else None

    def _facts(self, one: Any, shared: Mapping[str, Any]) -> dict[str, Any]:
        """The item's values by field name; its own before its page's."""
        if isinstance(one, str):
            return {**shared, "url": one}
        own = {name: one[name] for name in ("url", *FACTS) if name in one}
        own |= {name: expression.search(one) for name, expression in self._spec.fields.items()}
        return {**shared, **{name: value for name, value in own.items() if value is not None}}

    def _read_from_url(self, url: str, facts: dict[str, Any]) -> None:
        if self._spec.id_from is not None and "id" not in facts:
            facts["id"] = next(iter(_groups(self._spec.id_from, url)), None)
        if self._spec.labels_from is not None and "labels" not in facts:
            facts["labels"] = _groups(self._spec.labels_from, url)

    def _is_expected(self, item: SourceItem) -> bool:
        """Whether the item's declared type, if any, is one that the spec expects: a film is not an image."""
        if not self._spec.types or item.mime is None:
            return True
        subtype = item.mime.partition("/")[2].removesuffix("+xml")
        if item.mime.startswith("image/") and _MEDIA_SUBTYPES.get(subtype, subtype) in self._spec.types:
            return True
        self._normal.note(f"mime {item.mime}", f"items of type {item.mime} are left out; see expect.types")
        return False


def _joined(page_url: str, url: str) -> str:
    try:
        return urljoin(page_url, url)
    except ValueError:  # brackets without an address: it will be refused as a URL, in the audit
        return url


def _groups(pattern: re.Pattern[str], url: str) -> list[str]:
    """What `pattern` finds in the URL's decoded path: its groups, or all of it where it has none."""
    try:
        found = pattern.search(unquote(urlsplit(url).path))
    except ValueError:
        return []
    if found is None:
        return []
    return [group for group in found.groups() if group] if pattern.groups else [found.group()]


def filled(template: str, item: Any, page: Any) -> str | None:
    """`template` with its `{placeholders}` filled from the item, else from the page; None where one is not there.

    A placeholder at the very beginning stands for a base URL and is taken as it is; all others are percent-encoded.
    """

    def value(found: re.Match[str]) -> str:
        given = _looked_up(found[1], item)
        given = _looked_up(found[1], page) if given is None else given
        if isinstance(given, bool) or not isinstance(given, str | int) or given == "":
            raise LookupError(found[1])
        # Half a surrogate pair has no place in a URL, and another character in its stead would be another URL.
        return str(given) if found.start() == 0 else quote(str(given), safe="", errors="strict")

    try:
        return _PLACEHOLDER.sub(value, template)
    except (LookupError, UnicodeEncodeError):
        return None


def _looked_up(name: str, value: Any) -> Any:
    """The value at a dotted name, such as `config.iiif_url`."""
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
