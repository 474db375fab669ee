"""Datasets that a command names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pupline.errors import ConfigurationError
from pupline.text import nearest, printable

if TYPE_CHECKING:
    from pupline.backends import Backend


def dataset_summaries(backend: "Backend", dataset: str) -> tuple[Mapping[str, Any], ...]:
    """The summaries of the dataset's runs. Raises: ConfigurationError for an unknown dataset."""
    found = tuple(backend.ingests(dataset=dataset))
    if not found:
        there = sorted({str(summary["dataset"]) for summary in backend.ingests()})
        near = nearest(dataset, there)
        hint = f"did you mean {printable(near)}?" if near else f"there are: {', '.join(map(printable, there[:20]))}"
        hint = hint if there else "fetch one with: pupline ingest SOURCE"
        raise ConfigurationError(f"there is no dataset '{printable(dataset)}'; {hint}")
    return found
