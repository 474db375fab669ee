"""summary.json as readers find it: ours, of an earlier version, or something else."""

import json
from typing import Any

import pytest

from pupline.tasks.ingest_summary import IngestSummary, summary_bytes, summary_of

KEY = "datasets/dogs/runs/r1/summary.json"
WHOLE = IngestSummary(
    run="r1",
    dataset="dogs",
    source="kennel",
    status="SUCCEEDED",
    seconds=2.5,
    finished=3,
    listed=3,
    listed_complete=True,
    done=3,
    verification={},
    outcomes={"stored": 3},
    reasons={"accepted": 3},
    alerts=0,
    bytes_stored=4,
).as_dict() | {"files": ["summary.json"]}


@pytest.mark.parametrize("left_out", [[], ["files", "alerts", "verified", "reasons"]])
def test_a_summary_is_read_as_it_was_written(left_out: list[str]) -> None:
    """Also one of an earlier version, which had fewer fields."""
    written = {name: value for name, value in WHOLE.items() if name not in left_out}
    assert summary_of(summary_bytes(written), KEY) == written


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"run": 5},
            {"dataset": "cats"},
            {"outcomes": [1]},
            {"outcomes": {"stored": "3"}},
            {"done": -1},
            {"listed": 1.5},
        ),
        *(
            {"seconds": "1"},
            {"status": {}},
            {"files": "x"},
            {"alerts": True},
            {"began_at": 5},
            {"bytes_per_second": -1},
        ),
    ],
)
def test_what_is_not_a_summary_is_none(change: dict[str, Any]) -> None:
    """No reader meets a field that it does not expect."""
    assert summary_of(json.dumps(WHOLE | change).encode(), KEY) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"\xff", b"{", b"[" * 100_000, b'{"seconds": NaN}'])
def test_any_bytes_are_read(body: bytes) -> None:
    """Whoever may write to the bucket may have written them."""
    assert summary_of(body, KEY) is None
