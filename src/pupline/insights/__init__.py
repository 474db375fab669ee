"""What the audit says as a whole: image types and alert frequency first, then outcomes, datasets, failures and hosts.

    figures = insights_of(reader.records(), reader.ingests())

Pure: one pass over the audit records of any backend, in bounded memory. What is counted per image address (coverage,
placeholders) is exact up to 100,000 addresses of a dataset and an estimate from a sample beyond; the figures say which.
"""

from pupline.insights._contents import PLACEHOLDER_URLS, Contents, SharedImage, run_of
from pupline.insights._datasets import Coverage, Ingests
from pupline.insights._figures import Insights, insights_of
from pupline.insights._problems import FailureKind, Host

__all__ = [
    "PLACEHOLDER_URLS",
    "Contents",
    "Coverage",
    "FailureKind",
    "Host",
    "Ingests",
    "Insights",
    "SharedImage",
    "insights_of",
    "run_of",
]
