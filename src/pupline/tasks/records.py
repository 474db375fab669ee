"""The audit record: one per requested image, the same in DynamoDB and in SQLite."""

from dataclasses import dataclass, fields
from typing import Any

from pupline.errors import Outcome, Reason

UNKNOWN_IMAGE = "unknown"
"""`image_name` of a record whose execution failed before any image had a name: the partition key cannot be empty."""

MAX_ALERT_REASON = 100
"""Characters of an alert reason: it is also a message attribute, and a word in tables."""

KNOWN_FIELDS = ("file_type", "sha256", "size_bytes", "width", "height", "content_type", "breed", "source_url")
"""Fields that the record of an accepted image may lack, in the order of the bits of `known_fields`."""

MAX_CAUSE = 500
"""Characters of a cause: enough for each of our messages, in a record of about one write unit (1 KB)."""


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # frozen, it would take five times as long to make
class AuditRecord:
    """One processed image. Absent facts are None; `as_item` leaves them out.

    image_name: partition key. execution: sort key; one execution writes one record.
    image_url: `https://<bucket>.s3.<region>.amazonaws.com/<quoted key>`, a `file://` URL on one machine;
    None where nothing is stored.
    upload_timestamp: RFC 3339, UTC, `Z`. file_type: from content (`jpg`, `png`, ...), whatever the name says.
    alert_triggered: the alert branch was taken. alert_sent: publishing succeeded (None where there was none to send).
    alert_reasons: all reasons for an alert, as `CheckIfPNG` names them. content_type: as declared by the server.
    source: preset, or base URL of the API. source_url: where the image came from. breed: `hound/afghan` or `hound`.
    error, cause: of a failed execution, cut short.
    """

    image_name: str
    image_url: str | None = None
    upload_timestamp: str
    file_type: str | None = None
    alert_triggered: bool
    outcome: Outcome
    reason: Reason
    alert_sent: bool | None = None
    alert_reasons: tuple[str, ...] = ()
    source: str | None = None
    source_url: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    content_type: str | None = None
    name_extension: str | None = None
    breed: str | None = None
    execution: str
    error: str | None = None
    cause: str | None = None

    @property
    def known_fields(self) -> int:
        """A bit for each of KNOWN_FIELDS that has a value, the first the lowest."""
        return sum(1 << place for place, name in enumerate(KNOWN_FIELDS) if getattr(self, name) is not None)

    def mistyped(self) -> list[str]:
        """The fields with a value of another type than theirs: of an item that somebody else wrote."""
        wrong = [name for name in _TEXTS if not isinstance(getattr(self, name), str | None)]
        wrong += [name for name in _FLAGS if not isinstance(getattr(self, name), bool | None)]
        wrong += [name for name in _SIZES if type(getattr(self, name)) not in {int, type(None)}]
        wrong += [name for name in _REQUIRED if getattr(self, name) is None]
        return wrong if all(isinstance(reason, str) for reason in self.alert_reasons) else [*wrong, "alert_reasons"]

    def as_dict(self) -> dict[str, Any]:
        """Every field, JSON-ready, absent ones as None."""
        found = {name: getattr(self, name) for name in self.__slots__}
        found["alert_reasons"] = list(self.alert_reasons)
        return found

    def as_item(self) -> dict[str, Any]:
        """The fields with a value: a DynamoDB item before marshalling."""
        return {name: value for name, value in self.as_dict().items() if value is not None}

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> "AuditRecord":
        """The record that `as_item` or `as_dict` returned. Ignores unknown attributes: newer code may add them."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in item.items() if name in known}
        values["alert_reasons"] = tuple(values.get("alert_reasons") or ())
        return cls(**values)


_FLAGS = ("alert_triggered", "alert_sent")
_SIZES = ("size_bytes", "width", "height")
_TEXTS = tuple(one.name for one in fields(AuditRecord) if one.name not in {*_FLAGS, *_SIZES, "alert_reasons"})
_REQUIRED = ("image_name", "upload_timestamp", "alert_triggered", "outcome", "reason", "execution")
