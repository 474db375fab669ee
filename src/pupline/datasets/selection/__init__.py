"""Which images belong to a dataset now, and which of them are wanted.

    with GoodRows.read(objects, "dogs") as rows:
        choice = Choice(Filters(min_width=512), Split.parse("90/5/5"))
        for sample in choice.samples(rows.by_content()):
            sample.row, sample.keys, sample.split

The order is that of the images' SHA-256: it does not depend on when and where they were fetched.
"""

from pupline.datasets.selection._choice import EVERYTHING, Choice, ChoiceCounts, Filters, Sample, label_of
from pupline.datasets.selection._good_rows import GoodRows, MetadataFindings, Row
from pupline.datasets.selection._split import WHOLE, Split
from pupline.datasets.selection._where import Where, parse_where

__all__ = [
    "EVERYTHING",
    "WHOLE",
    "Choice",
    "ChoiceCounts",
    "Filters",
    "GoodRows",
    "MetadataFindings",
    "Row",
    "Sample",
    "Split",
    "Where",
    "label_of",
    "parse_where",
]
