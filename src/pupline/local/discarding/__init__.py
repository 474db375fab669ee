"""Removing whole runs: their rows, their outputs, and the images that nothing else needs. Audit records stay."""

from pupline.local.discarding._discards import DiscardCounts, DiscardedRun, Discards

__all__ = ["DiscardCounts", "DiscardedRun", "Discards"]
