"""What the pictures of a dataset are like: decoded in full, with perceptual hashes, near-duplicates and scores.

    state = examine_dataset(table, store, QualityRequest(dataset="dogs"), progress)
    report = publish(table, state, open_bucket, print)

A pass of its own over images that are stored. It needs `pupline[quality]`, Pillow, in its decoder processes only: no
other part of pupline imports either.
"""

from pupline.decoding import DecoderLimits, Decoders
from pupline.quality._contact_sheet import ContactSheet, write_contact_sheet
from pupline.quality._groups import DISTANCE, MAX_DISTANCE, Grouping, HashedImage, Membership
from pupline.quality._report import LIMITS, QualityReport, Worst
from pupline.quality._run import (
    DatasetState,
    QualityRequest,
    contact_sheet_pictures,
    examine_dataset,
    publish,
    read_dataset,
    recall,
    require_pillow,
)

__all__ = [
    "DISTANCE",
    "LIMITS",
    "MAX_DISTANCE",
    "ContactSheet",
    "DatasetState",
    "DecoderLimits",
    "Decoders",
    "Grouping",
    "HashedImage",
    "Membership",
    "QualityReport",
    "QualityRequest",
    "Worst",
    "contact_sheet_pictures",
    "examine_dataset",
    "publish",
    "read_dataset",
    "recall",
    "require_pillow",
    "write_contact_sheet",
]
