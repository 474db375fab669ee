"""What each column of a list becomes: a field of the item, a value in its `extra`, or nothing.

One rule for all formats. A column with the exact name of a field is that field. Otherwise the first name below that a
column has, in any case and with any joints (`ImageID`, `image_id`), is the field; further columns with such a name are
kept in `extra` with all others, and a note says so.

The names are those of LAION, DataComp, COCO, Open Images, Flickr, img2dataset and lists on Hugging Face. A name that
means different things in different lists (`hash`, `size`, `name`) is not among them.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from pupline.errors import ACCEPTED_OUTCOMES
from pupline.sources._listing import ColumnUse
from pupline.sources.lists._columns import key_of
from pupline.specs import BINARY, FACTS, why_no_extras
from pupline.tasks.metadata import METADATA_COLUMNS

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("imageid", "photoid", "sampleid", "uid"),
    "width": ("imagewidth", "originalwidth", "widtho"),
    "height": ("imageheight", "originalheight", "heighto"),
    "bytes": ("sizebytes", "bytesize", "filesize", "originalsize", "contentlength"),
    "md5": ("md5sum", "md5hash", "imagemd5", "originalmd5"),
    "sha1": ("sha1sum", "sha1hash", "imagesha1"),
    "sha256": ("sha256sum", "sha256hash", "imagesha256"),
    "phash": ("imagephash",),
    "mime": ("mimetype", "contenttype", "mediatype", "encodingformat"),
    "license": ("licence", "licensename", "licencename"),
    "creator": ("author", "photographer", "artist", "ownername"),
    "attribution": ("credit", "creditline"),
    "landing": ("landingurl", "landingpage", "originallandingurl", "foreignlandingurl", "pageurl"),
    "title": ("imagetitle", "phototitle"),
    "caption": ("text", "captions", "imagecaption", "captiontext", "description", "prompt", "alttext"),
    "alt": ("alttext",),
    "labels": (
        *("label", "classes", "class", "classname", "categories", "category", "categoryname"),
        *("tags", "tag", "breeds", "breed"),
    ),
}
"""Further names of the fields, as `key_of` gives them, the best first. `alt_text` is the caption where there is no
other, because lists for training mean that by it."""

_HASHES: Final = ("md5", "sha1", "sha256")
_NAMES_OF_HASHES: Final = frozenset(name for field in _HASHES for name in (field, *_NAMES[field]))
_EXTRA: Final = "extra"
_INDEX: Final = frozenset({"index"})
_WHY: Final = _INDEX | {"outcome", "reason", "error", "cause", "attempts"}
_RECORD: Final = _WHY | {"execution", "dataset", "image_name", "source_url"}
_MANIFEST: Final = frozenset({*FACTS, *_INDEX, "url", _EXTRA})
_OF_METADATA: Final = {
    column.name: column.path.removeprefix("item.") for column in METADATA_COLUMNS if column.path.startswith("item.")
}
_METADATA: Final = frozenset(column.name for column in METADATA_COLUMNS) | {"run"}


class ColumnPlan:
    """What the columns of a table, or the keys of an object, become. uses: one for each of them, in order.

    wanted: the columns whose values `split` reads. columns: by the fields that they are. notes: about columns that
    could have been a field.
    """

    def __init__(self, names: Sequence[str], url: str, binary: Sequence[str] = (), *, in_table: bool = False) -> None:
        """url: the name of the column with the URLs. binary: columns that hold bytes, and are not read.

        in_table: a data frame's `index` is its own, because manifests are JSON Lines.
        """
        self.notes: list[str] = []
        self._url = url
        binary = [name for name in binary if key_of(name) not in _NAMES_OF_HASHES]
        self._fields: dict[str, str] = {}  # by column
        ours = _ours(frozenset(names))
        if in_table and ours is _INDEX:
            ours = frozenset()
        self._is_metadata = ours is _METADATA
        others = [name for name in names if name not in ours and name != url and name not in binary]
        if self._is_metadata:
            self._fields = {name: field for name, field in _OF_METADATA.items() if name in names and field in FACTS}
        elif ours:
            self._fields = {name: name for name in others if name in FACTS}
        else:
            self._name_fields(others)
        self._extras = [name for name in others if name not in self._fields and name != _EXTRA]
        self._dropped = dict.fromkeys(binary, BINARY) | why_no_extras(self._extras)
        self._extras = [name for name in self._extras if name not in self._dropped]
        self._has_extra = _EXTRA in names and _EXTRA not in (url, *binary)
        self.columns = {field: name for name, field in self._fields.items()}
        self.wanted = {*self._fields, *self._extras} | ({_EXTRA} if self._has_extra else set())
        if self._is_metadata:
            self.wanted |= {"outcome", *_HASHES}
        self.uses = [self._use(name, ours) for name in names]

    def split(self, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """A row's values by field, and the others by column. values: by column."""
        facts = {field: values[name] for name, field in self._fields.items() if name in values}
        extra = {name: values[name] for name in self._extras if name in values}
        if self._has_extra:
            inner = values.get(_EXTRA)
            if self._is_metadata and isinstance(inner, str):  # in Parquet it is text
                with suppress(ValueError, RecursionError):
                    inner = json.loads(inner)
            extra |= inner if isinstance(inner, Mapping) else {_EXTRA: inner}
        if (
            self._is_metadata and values.get("outcome") in ACCEPTED_OUTCOMES
        ):  # what was stored is what has to be there again
            facts |= {name: facts.get(name) or values.get(name) for name in _HASHES}
        return facts, extra

    def _name_fields(self, names: Sequence[str]) -> None:
        keys = {name: key_of(name) for name in names}
        for field in FACTS:
            if field in keys:
                self._fields[field] = field
        for field, others in _NAMES.items():
            if field in self._fields:
                continue
            known = (field, *others)
            found = [name for key in known for name in names if keys[name] == key and name not in self._fields]
            if found:
                self._fields[found[0]] = field
                rest = [name for name in found[1:] if not self._has_other_field(keys[name], field)]
                if rest:
                    self.notes.append(f"{field} is taken from {found[0]!r}; kept in extra: {', '.join(rest[:20])}")

    def _has_other_field(self, key: str, field: str) -> bool:
        return any(key in (other, *names) for other, names in _NAMES.items() if other != field)

    def _use(self, name: str, ours: frozenset[str]) -> ColumnUse:
        if name == self._url:
            return ColumnUse(name, "url")
        if name in self._dropped:
            return ColumnUse(name, "dropped", self._dropped[name])
        if name in self._fields:
            return ColumnUse(name, self._fields[name])
        if self._is_metadata and name in _HASHES:
            return ColumnUse(name, name)
        if name in ours and name != _EXTRA:
            return ColumnUse(name, "ours", "pupline writes it")
        return ColumnUse(name, _EXTRA)


def _ours(names: frozenset[str]) -> frozenset[str]:
    """The names that pupline itself gives to columns of a manifest, failures or metadata, if it wrote this list."""
    if names >= _RECORD:
        return _METADATA
    if names >= _WHY:
        return _WHY
    return _INDEX if "index" in names and names <= _MANIFEST else frozenset()
