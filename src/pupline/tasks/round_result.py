"""Reading what IngestBatch left in the bucket. Whoever may write there can put something else in its place."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pupline.errors import ConfigurationError
from pupline.tasks.digest import AlertTally
from pupline.text import printable

_NAME = re.compile(r"/[0-9]{8}-[0-9]{1,9}\.json\Z")


def is_result_key(key: str) -> bool:
    """Whether the key is that of a round's result, and not that of a folder, or of a file put there by hand."""
    return _NAME.search(key) is not None


def result_of(body: bytes, key: str) -> dict[str, Any]:
    """The round's result in the object under `key`. Raises: ConfigurationError when it is something else."""
    with _ours(key):
        result: dict[str, Any] = json.loads(body)
        _check_counts(result["outcomes"], result["reasons"], result.get("verification", {}))
        tally = AlertTally.from_dict(result["alerts"])
        _check_counts(tally.kinds, tally.file_types, {"bytes": result["bytes"], "wait": result["wait_seconds"]})
        _check_counts({"failures": result.get("failures", 0)}, dict(result["again"]), {"no": len(result["again"])})
        _check_texts(result.get("failure_lines"), result.get("part"), result.get("told_to"))
        _check(isinstance(result["first_alert"], dict | None))
        _check(
            isinstance(result.get("ended_at", 0.0), int | float) and isinstance(result.get("seconds", 0), int | float)
        )
    return result


def rows_of(part: bytes, key: str) -> list[dict[str, Any]]:
    """The rows of the metadata part under `key`. Raises: ConfigurationError when it is something else."""
    with _ours(key):
        rows = [json.loads(line) for line in part.split(b"\n") if line]
        for row in rows:
            _check(isinstance(row, dict))
            _check_counts({"index": row["index"], "attempts": row["attempts"]})
            _check(all(isinstance(row[name], str) for name in ("outcome", "reason", "image_name", "execution")))
            _check_texts(row["error"], row["cause"])
    return rows


@contextmanager
def _ours(key: str) -> Iterator[None]:
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as err:
        what = f"{printable(key)} is not what IngestBatch wrote"
        raise ConfigurationError(f"{what}; delete it, and start the run again: its batch writes it again") from err


def _check_counts(*many: Mapping[Any, Any]) -> None:
    for counts in many:
        _check(all(isinstance(count, int) and not isinstance(count, bool) and count >= 0 for count in counts.values()))


def _check_texts(*texts: Any) -> None:
    _check(all(isinstance(text, str | None) for text in texts))


def _check(holds: bool) -> None:
    if not holds:
        raise ValueError
