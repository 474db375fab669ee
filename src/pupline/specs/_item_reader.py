"""The items of one page: JMESPath, then templates and patterns, then the types of `SourceItem`."""

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from pupline.errors import SourceError
from pupline.specs._extraction import Extraction, described, extract, is_filled_text
from pupline.specs._item_fields import FACTS, MAX_URL, Normaliser
from pupline.specs._levels import Entry, Levels, levels_of
from pupline.specs._spec import SourceSpec
from pupline.tasks.items import SourceItem
from pupline.tasks.left_out import NO_URL, UNUSABLE_RECORD, LeftOut
from pupline.text import printable

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# What `urljoin` drops without a word, and references to the page itself. They stay, and the URL is refused as invalid.
_NOT_JOINED = re.compile(r"[\x00-\x20#]|.*[\t\r\n]|\?\Z", re.DOTALL)
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
# Names that media types have for the file types of `expect.types`, where they differ.
_MEDIA_SUBTYPES = {"jpeg": "jpg", "pjpeg": "jpg", "x-ms-bmp": "bmp", "x-png": "png", "apng": "png", "tif": "tiff"}


@dataclass(frozen=True, slots=True)
class PageItems:
    """items: those that can be fetched. records: number of things on the page, usable or not."""

    items: list[SourceItem]
    records: int


class ItemReader:
    """Reads the pages of one listing, and counts their records.

    named: items so far. records: things on the pages. left_out: those that give no item, and no filter excluded.
    """

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._normal = Normaliser()
        self._gave_lists = False
        self.named = self.records = 0
        self.left_out = LeftOut()

    def read(self, page: Any, page_url: str) -> PageItems:
        """The items of a page at `page_url`. Raises: SourceError, without counting, for a page of another shape."""
        found = extract(self._spec.items, page)
        levels = levels_of(found.entries, self._spec.each, may_be_empty=self.named > 0 or self._is_one_by_one)
        shared = {name: expression.search(page) for name, expression in self._spec.parent.items()}
        entries = [self._entry(one, shared, page) for one in levels.entries]
        self._check_shape(found, levels, [url for url, _ in entries], page)
        items = [self._item(url, facts, page_url) for url, facts in entries if isinstance(url, str) and url]
        usable = [item for item in items if item is not None]
        self.named += len(usable)
        self.records += found.records
        self._count(found, levels, [url for url, _ in entries], page_url)
        return PageItems(usable, found.records)

    def take_notes(self) -> tuple[str, ...]:
        """Sentences about what was left out, each given once."""
        return self._normal.take_notes()

    def counts(self) -> list[int]:
        """For `restore`."""
        reasons = self.left_out.reasons
        return [self.named, self.records, reasons[UNUSABLE_RECORD], reasons[NO_URL]]

    def restore(self, counts: Sequence[int]) -> None:
        """Continue from `counts`. Raises: TypeError, ValueError."""
        self.named, self.records, unusable, without_url = map(int, counts)
        self.left_out.add(UNUSABLE_RECORD, unusable)
        self.left_out.add(NO_URL, without_url)

    @property
    def _is_one_by_one(self) -> bool:
        """Whether a page is so small that nothing on it may have an image."""
        return self._spec.paginator.type in ("ids_then_detail", "date_window")

    def _check_shape(self, found: Extraction, levels: Levels, urls: list[Any], page: Any) -> None:
        """Raises: SourceError where the page is unlike those before it.

        Some objects may have no URL. If no object on a page has one, the spec names the wrong field, or the API has
        renamed it.
        """
        what = f"items ({printable(self._spec.items.text, 120)})"
        if found.is_single and self._gave_lists:
            raise SourceError(f"{what} gives {described(found.entries[0])}; on the pages before it gave a list")
        may_lack_urls = self.left_out.reasons[NO_URL] > 0 or self._is_one_by_one
        if urls and all(url is None for url in urls) and not may_lack_urls:
            where = "url_template" if self._spec.url_template is not None else "fields.url"
            below = f", and each {len(urls):,} in them," if self._spec.each else ""
            raise SourceError(
                f"{what} found {len(found.entries):,}{below} of which none has a URL ({where}); the first is "
                f"{described(levels.entries[0].value)}. The answer is {described(page)}"
            )
        self._gave_lists = not found.is_single

    def _count(self, found: Extraction, levels: Levels, urls: list[Any], page_url: str) -> None:
        wrong = [url for url in urls if url and not isinstance(url, str)]
        missing = sum(not url for url in urls)
        count = found.unusable + levels.unusable + len(wrong)
        if count:
            why = found.why or levels.why or f"a url that is {described(wrong[0])}"
            self._normal.note("unusable", f"{count:,} of the page's entries cannot be used and are left out: {why}")
            self.left_out.add(UNUSABLE_RECORD, count, f"{page_url}: {why}")
        if missing:
            self._normal.note("url", "items without a url are left out")
            first = levels.entries[next(at for at, url in enumerate(urls) if not url)].value
            self.left_out.add(NO_URL, missing, f"{page_url}: {described(first)}")

    def _entry(self, one: Entry, shared: Mapping[str, Any], page: Any) -> tuple[Any, dict[str, Any]]:
        """The value in place of an entry's URL, and its other fields."""
        facts = self._facts(one, shared)
        url = facts.pop("url", None)
        if self._spec.url_template is not None:
            url = filled(self._spec.url_template, one.value, page, one.outer)
        if isinstance(url, str):
            url = self._replaced(url) if is_filled_text(url) else ""
        return url, facts

    def _replaced(self, url: str) -> str:
        for old, new in self._spec.url_replace:
            if len(url) <= MAX_URL:  # a longer one cannot be fetched, and must not grow
                url = url.replace(old, new)
        return url

    def _item(self, url: str, facts: dict[str, Any], page_url: str) -> SourceItem | None:
        extra = facts.pop("extra", {})
        if not _ABSOLUTE.match(url) and not _NOT_JOINED.match(url):
            with suppress(ValueError):  # brackets without an address: the audit will have it as an invalid URL
                url = urljoin(page_url, url)
        if self._spec.id_from is not None and "id" not in facts:
            facts["id"] = next(iter(_groups(self._spec.id_from, url)), None)
        if self._spec.labels_from is not None and "labels" not in facts:
            facts["labels"] = _groups(self._spec.labels_from, url)
        item = self._normal.item(url, facts, extra)
        return item if self._is_expected(item) else None

    def _facts(self, one: Entry, shared: Mapping[str, Any]) -> dict[str, Any]:
        """The item's values by field name; the nearer they are, the more they take precedence: own, outer, page."""
        found, value = dict(shared), one.value
        for around in reversed(one.outer):
            found |= _known((name, each.search(around)) for name, each in self._spec.outer.items())
        if self._spec.extra:
            found["extra"] = self._extra(one)
        if isinstance(value, str):
            return {**found, "url": value}
        own = {name: value[name] for name in ("url", *FACTS) if name in value}
        own |= {name: expression.search(value) for name, expression in self._spec.fields.items()}
        return found | _known(own.items())

    def _is_expected(self, item: SourceItem) -> bool:
        """Whether the spec expects the item's declared type: a film is not an image."""
        if not self._spec.types or item.mime is None:
            return True
        subtype = item.mime.partition("/")[2].removesuffix("+xml")
        if item.mime.startswith("image/") and _MEDIA_SUBTYPES.get(subtype, subtype) in self._spec.types:
            return True
        self._normal.note(f"mime {item.mime}", f"items of type {item.mime} are left out; see expect.types")
        return False

    def _extra(self, one: Entry) -> dict[str, Any]:
        """Other values, of the item or else of the nearest object around it that has one."""
        around = one.outer if isinstance(one.value, str) else (one.value, *one.outer)
        found = {
            name: next((value for level in around if (value := expression.search(level)) is not None), None)
            for name, expression in self._spec.extra.items()
        }
        return dict(_known(found.items()))


def _known(values: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in values if value is not None}


def _groups(pattern: re.Pattern[str], url: str) -> list[str]:
    """The groups of `pattern` in the URL's decoded path; the whole match where it has no groups."""
    try:
        found = pattern.search(unquote(urlsplit(url).path))
    except ValueError:
        return []
    if found is None:
        return []
    return [group for group in found.groups() if group] if pattern.groups else [found.group()]


def filled(template: str, item: Any, page: Any, outer: Sequence[Any] = ()) -> str | None:
    """`template` with its `{placeholders}` filled; None where a value is missing.

    A value is the item's, else that of the objects which it is in, nearest first, else the page's.

    A placeholder at the very beginning is a base URL and is inserted as it is; all others are percent-encoded.
    """

    def value(found: re.Match[str]) -> str:
        values = (_looked_up(found[1], one) for one in (item, *outer, page))
        inserted = next((one for one in values if one is not None), None)
        if isinstance(inserted, bool) or not isinstance(inserted, str | int) or inserted == "":
            raise LookupError(found[1])
        # errors="strict": a lone surrogate replaced by another character would make another URL.
        return str(inserted) if found.start() == 0 else quote(str(inserted), safe="", errors="strict")

    try:
        return _PLACEHOLDER.sub(value, template)
    except (LookupError, UnicodeEncodeError):
        return None


def _looked_up(name: str, value: Any) -> Any:
    """The value at a dotted name, such as `config.iiif_url`."""
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
