"""The audit in figures: image types and alert frequency first, then outcomes, datasets, failures and hosts.

    figures = insights_of(reader.records(), reader.ingests())

Pure: one pass over the audit records of any backend, in bounded memory. Counts of URLs (coverage, placeholders) are
exact up to 100,000 URLs of a dataset and an estimate from a sample beyond; the figures say which.
"""

from pupline.insights._datasets import Coverage
from pupline.insights._failures import FailureKind
from pupline.insights._figures import Insights, insights_of
from pupline.insights._url_sample import PLACEHOLDER_URLS, SharedImage, run_of

__all__ = ["PLACEHOLDER_URLS", "Coverage", "FailureKind", "Insights", "SharedImage", "insights_of", "run_of"]
