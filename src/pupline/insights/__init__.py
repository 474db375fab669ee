"""The audit in figures: image types and alert frequency first, then outcomes, datasets, failures and hosts.

    figures = insights_of(reader.figure_records(), reader.ingests())
    report_of(backend, Selection(dataset="dogs")).as_dict()  # with what the quality pass found

One pass over the audit records of any backend, in bounded memory. Counts of URLs (coverage, placeholders) are
exact up to 100,000 URLs of a dataset and an estimate from a sample beyond; the figures say which.
"""

from pupline.insights._datasets import Coverage
from pupline.insights._failures import FailureKind
from pupline.insights._figures import Insights, insights_of
from pupline.insights._report import FigureSource, Report, report_of
from pupline.insights._selection import Selection
from pupline.insights._url_sample import PLACEHOLDER_URLS, SharedImage, run_of

__all__ = [
    "PLACEHOLDER_URLS",
    "Coverage",
    "FailureKind",
    "FigureSource",
    "Insights",
    "Report",
    "Selection",
    "SharedImage",
    "insights_of",
    "report_of",
    "run_of",
]
