"""The shapes of the insights' API: what `pupline insights --json` prints."""

from typing import Any, Literal

from pydantic import BaseModel


class Failure(BaseModel):
    """A reason why images were not accepted, with the newest record as an example."""

    outcome: str
    reason: str
    count: int
    error: str | None
    cause: str | None
    source_url: str | None
    execution: str | None


class Host(BaseModel):
    """The figures of a host. size_bytes: of the images it sent."""

    images: int
    failed: int
    size_bytes: int


class CoverageModel(BaseModel):
    """How much of a dataset's source is stored. available: None where nothing knows; exact: whether seen is."""

    dataset: str
    seen: int
    available: int | None
    exact: bool
    repeated: int
    share: float | None


class SharedImageModel(BaseModel):
    """An image that several URLs gave."""

    image_name: str
    sha256: str
    size_bytes: int
    urls: int
    examples: list[str]


class AlertExampleModel(BaseModel):
    """The newest image that alerted for a reason."""

    image_name: str
    execution: str


class SizeClassModel(BaseModel):
    """Accepted images with at least so many bytes, and less than twice as many."""

    from_bytes: int
    images: int


class PointModel(BaseModel):
    """An hour, such as 2026-01-31T12, or a day, UTC. bytes: of new objects."""

    time: str
    records: int
    alerts: int
    unaccepted: int
    bytes: int


class TimelineModel(BaseModel):
    """Records by the hour for up to three days, else by the day."""

    unit: Literal["hour", "day"]
    points: list[PointModel]


class FiguresModel(BaseModel):
    """The figures, as `pupline insights --json` has them. covers: what they leave out, for people."""

    records: int
    file_types: dict[str, int]
    alert_frequency: float
    alerts: int
    alerts_not_sent: int
    alerts_in_digests: int
    alerts_by_reason: dict[str, int]
    alerts_by_day: dict[str, int]
    outcomes: dict[str, int]
    reasons: dict[str, int]
    breeds: dict[str, int]
    sources: dict[str, int]
    duplicates: int
    bytes_stored: int
    bytes_saved: int
    first: str | None
    last: str | None
    failures: list[Failure]
    hosts: dict[str, Host]
    coverage: list[CoverageModel]
    shared_images: list[SharedImageModel]
    placeholders: list[SharedImageModel]
    ingests: list[dict[str, Any]]
    alert_examples: dict[str, AlertExampleModel]
    fields: dict[str, int]
    sizes: list[SizeClassModel]
    timeline: TimelineModel
    quality: dict[str, dict[str, Any]]
    covers: str | None = None


class InsightsModel(BaseModel):
    """Figures with their time. since, until: of the records that are counted."""

    counted_at: str
    since: str | None
    until: str | None
    figures: FiguresModel
