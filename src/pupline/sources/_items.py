"""The items of one page: JMESPath, then templates and patterns, then the types of `SourceItem`."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from pupline.errors import SourceError
from pupline.items import SourceItem
from pupline.sources._normal import FACTS, Normaliser
from pupline.sources._spec import SourceSpec
from pupline.text import printable

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
# Names that media types have for the file types of `expect.types`, where they differ.
_MEDIA_SUBTYPES = {"jpeg": "jpg", "pjpeg": "jpg", "x-ms-bmp": "bmp", "x-png": "png", "apng": "png", "tif": "tiff"}


class ItemReader:
    """Reads the pages of one listing."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec = spec
        self._normal = Normaliser()

    def read(self, page: Any, page_url: str) -> tuple[list[SourceItem], int]:
        """The items of a page at `page_url`, and how many things its expression gave, usable or not.

        Raises: SourceError where the expression gives neither texts nor objects.
        """
        found = self._found(page)
        shared = {name: expression.search(page) for name, expression in self._spec.parent.items()}
        items = [self._item(one, shared, page, page_url) for one in found]
        return [item for item in items if item is not None], len(found)

    def take_notes(self) -> tuple[str, ...]:
        """What was left out, in sentences; each is told once."""
        return self._normal.take_notes()

    def _found(self, page: Any) -> list[Any]:
        found = self._spec.items.search(page)
        if found is None:
            return []
        if isinstance(found, str | dict):
            return [found]
        if not isinstance(found, list):
            raise SourceError(
                f"items ({printable(self._spec.items.text)}) gives {printable(repr(found), 60)}: "
                "it should give a list of URLs, or of objects"
            )
        return found

    def _item(self, one: Any, shared: Mapping[str, Any], page: Any, page_url: str) -> SourceItem | None:
        facts = self._facts(one, shared)
        url = facts.pop("url", None)
        if self._spec.url_template is not None:
            url = filled(self._spec.url_template, one, page)
        if not isinstance(url, str) or not url:
            # The Met says "" for works without a picture: there is nothing to fetch, so nothing has failed.
            self._normal.note("url", "items without a url are left out")
            return None
        if not _ABSOLUTE.match(url):
            url = _joined(page_url, url)
        self._read_from_url(url, facts)
        item = self._normal.item(url, facts)
        return item if self._is_expected(item) else None

    def _facts(self, one: Any, shared: Mapping[str, Any]) -> dict[str, Any]:
        """The item's values by field name; its own before its page's."""
        if isinstance(one, str):
            return {**shared, "url": one}
        if not isinstance(one, dict):
            return {}
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
        return str(given) if found.start() == 0 else quote(str(given), safe="", errors="replace")

    try:
        return _PLACEHOLDER.sub(value, template)
    except LookupError:
        return None


def _looked_up(name: str, value: Any) -> Any:
    """The value at a dotted name, such as `config.iiif_url`."""
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
