"""The command that prints what a page shows."""

import shlex

from pupline.console.web import RecordFilters
from pupline.text import timestamp


def audit_command(filters: RecordFilters, options: str) -> str | None:
    """The command, for a shell; None where its options cannot select the same. options: those that name the place."""
    fields = {
        "run": filters.run,
        "dataset": filters.dataset,
        "outcome": filters.outcome,
        "type": filters.type,
        "breed": filters.breed,
        "execution": filters.execution,
    }
    others = (filters.q, filters.source, filters.reason, filters.error, filters.host, filters.alert == "no")
    if any(others) or any(len(values) > 1 for values in fields.values()) or (filters.run and filters.execution):
        return None
    words = ["pupline", "audit", *[f"--{name}={value}" for name, (value,) in _given(fields)]]
    if filters.alert == "yes":
        words.append("--alerts")
    for name, moment in (("since", filters.since), ("until", filters.until)):
        if moment is not None:
            words.append(f"--{name}={timestamp(max(moment, 0.0))}")
    return shlex.join(words) + options


def _given(fields: dict[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(name, values) for name, values in fields.items() if values]
