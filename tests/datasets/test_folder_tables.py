"""The table that an export as folders has, so that imagefolder reads it."""

from collections.abc import Mapping

import pytest

from pupline.datasets.export import _forms
from pupline.datasets.training import TrainingColumn, TrainingSchema

PLAIN = TrainingSchema((TrainingColumn("title", "text", has_gaps=True),))
AMBIGUOUS = TrainingSchema((TrainingColumn("taken", "text", has_gaps=True, has_some_times=True),))


@pytest.mark.parametrize(
    ("schema", "sizes", "kind"),
    [
        (PLAIN, {"train": 1_000_000, "test": 10}, "jsonl"),
        (AMBIGUOUS, {"train": 2_000}, "jsonl"),
        (AMBIGUOUS, {"train": 2_001}, "parquet"),
        (AMBIGUOUS, {"train": 8, "test": 2}, "parquet"),
    ],
)
def test_parquet_is_written_where_guesses_may_differ(
    schema: TrainingSchema, sizes: Mapping[str, int], kind: str
) -> None:
    """JSON Lines as a rule; Parquet where a column looks like times in one part and like text in another."""
    assert _forms.metadata_kind(schema, sizes) == kind


def test_json_lines_are_written_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """An export needs nothing but the plain install."""
    monkeypatch.setattr(_forms, "installed", lambda: False)
    assert _forms.metadata_kind(AMBIGUOUS, {"train": 8, "test": 2}) == "jsonl"
