"""Bulk runs of other data directories: read there, and adopted here item by item."""

from pupline.local.merging._adopting import MERGING, Adoption, adopt, alerts_into, quality_into
from pupline.local.merging._foreign_runs import ForeignItem, ForeignRun, foreign_runs

__all__ = ["MERGING", "Adoption", "ForeignItem", "ForeignRun", "adopt", "alerts_into", "foreign_runs", "quality_into"]
