"""The limits within which one image is fetched and inspected."""

from dataclasses import dataclass

from pupline.http import DEFAULT_TIMEOUT_SECONDS
from pupline.images import MAX_PIXELS


@dataclass(frozen=True, slots=True)
class IngestRules:
    """Limits for one image; they can be pickled.

    heed_robots: obey X-Robots-Tag. timeout_seconds: to fetch and inspect it.
    """

    max_pixels: int = MAX_PIXELS
    heed_robots: bool = True
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
