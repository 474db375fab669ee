"""Timestamps of the States Language as seconds since the epoch."""

from pupline.choice_rules import instant


def epoch_seconds(text: object) -> float | None:
    """A timestamp as seconds since the epoch, or None when it is not valid."""
    moment = instant(text)
    return None if moment is None else moment[0] + float(f"0.{moment[1] or 0}")
