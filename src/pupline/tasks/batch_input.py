"""What IngestBatch is asked for: some items of a run, checked; and the keys in the bucket where its work is kept.

A batch is worked on in rounds. A round ends every item that it can; what a host did not want to be asked for yet goes
into the next round, before which the workflow waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pupline.errors import InvalidInput
from pupline.images import safe_name
from pupline.json_values import JSON
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import partition, run_folder
from pupline.tasks.task_input import checked_input, object_of, shown, text_or_none
from pupline.text import printable

MAX_ITEMS = 10_000
"""In one batch: more would not fit into a workflow's state anyway."""

MAX_RUN_CHARACTERS = 71
"""Of a run's name: with `-` and eight digits it names an execution, which has at most 80."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One line of the manifest. index: which one, from 0. attempt: how often it was tried before."""

    index: int
    item: SourceItem
    attempt: int = 0

    def as_json(self) -> dict[str, JSON]:
        """As the next round will get it."""
        return {"index": self.index, "item": self.item.as_dict(), "attempt": self.attempt}


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRun:
    """The run that a batch belongs to. rate: requests a second to one host by this worker; None for no limit.

    requests: at the same time by this worker; None for as many as it can. told_to: the workflow's execution that works
    on the run, None where nobody says.
    """

    run: str
    dataset: str
    source: str
    rate: float | None = None
    requests: int | None = None
    heed_robots: bool = True
    told_to: str | None = None

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> "IngestRun":
        """The run that the workflow names. Raises: InvalidInput."""
        return cls(
            run=slug_of(given, "run", MAX_RUN_CHARACTERS),
            dataset=slug_of(given, "dataset", 100),
            source=printable(text_or_none(given, "source") or "manifest", 2048),
            rate=_rate_of(given),
            requests=_count_of(given, "requests", 0) or None,
            heed_robots=given.get("heed_robots") is not False,
            told_to=text_or_none(given, "execution", limit=80),
        )

    def execution(self, index: int) -> str:
        """The name under which item `index` is audited."""
        return f"{self.run}-{index:08d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRound:
    """The items of a batch that are to be worked on now.

    first: the batch's first index, by which it is known; number: of the round, from 0. started: when the workflow
    began with the batch, in seconds since the epoch, None where no end is set to it from there. before: counts of the
    rounds before; spent: seconds that they and the waits after them took.
    """

    run: IngestRun
    entries: tuple[BatchItem, ...]
    first: int
    number: int
    started: float | None
    before: Mapping[str, int]
    spent: float = 0.0

    @classmethod
    def from_event(cls, event: object) -> "BatchRound":
        """The round in `{"batch": {"BatchInput": {...}, "Items": [...]}, "started": ...}`. Raises: InvalidInput."""
        fields = checked_input(event)
        batch = object_of(fields, "batch")
        items = batch.get("Items")
        if not isinstance(items, list) or not 0 < len(items) <= MAX_ITEMS:
            raise InvalidInput(f"Items is {shown(items)}; it has to be an array of 1 to {MAX_ITEMS:,} items")
        entries = tuple(_entry_of(value) for value in items)
        return cls(
            run=IngestRun.from_json(object_of(batch, "BatchInput")),
            entries=entries,
            first=_count_of(batch, "first", entries[0].index),
            number=_count_of(batch, "round", 0),
            started=start_time(fields),
            before=_outcomes_of(batch),
            spent=_spent_of(batch),
        )

    @property
    def name(self) -> str:
        """`<first index>-<round>`: the same whenever this round is tried again."""
        return f"{self.first:08d}-{self.number}"

    @property
    def part_key(self) -> str:
        """Of the metadata of what this round ended."""
        return f"{partition('metadata/jsonl', self.run.dataset, self.run.run)}part-{self.name}.jsonl"

    @property
    def result_key(self) -> str:
        """Of this round's result, written last."""
        return f"{results_prefix(self.run)}{self.name}.json"


def results_prefix(run: IngestRun) -> str:
    """Below this key the results of all rounds of a run are."""
    return f"{run_folder(run.dataset, run.run)}batches/"


def slug_of(given: Mapping[str, Any], field: str, limit: int) -> str:
    """The name under `field`, fit to be a part of a key. Raises: InvalidInput."""
    value = text_or_none(given, field, limit=limit)
    if value is None or safe_name(value) != value or "=" in value:
        raise InvalidInput(f"{field} is {shown(given.get(field))}; give a plain name without separators")
    return value


def _entry_of(value: JSON) -> BatchItem:
    given = object_of({"item": value}, "item")
    index = given.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 10**8:
        raise InvalidInput(f"an item's index is {shown(index)}; it has to be its number in the manifest, from 0")
    attempt = given.get("attempt")
    return BatchItem(index, _item_of(given.get("item")), attempt if isinstance(attempt, int) else 0)


def _item_of(value: JSON) -> SourceItem:
    """A line of the manifest: an object with `url`, or the URL alone. What is neither has an empty URL, and fails.

    Other fields are kept where they are of the right kind: anybody may write a manifest.
    """
    given = {"url": value} if isinstance(value, str) else value
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        return SourceItem(url="")
    return SourceItem.from_dict({name: found for name, found in given.items() if _is_right(name, found)})


def _is_right(name: str, value: JSON) -> bool:
    if name in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    if name == "labels":
        return isinstance(value, list) and all(isinstance(label, str) for label in value)
    return isinstance(value, str)


_NUMBERS = frozenset({"width", "height", "bytes"})


def _rate_of(given: Mapping[str, Any]) -> float | None:
    rate = given.get("rate")
    if rate is None or rate == 0:
        return None
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not 0.001 <= rate <= 1e6:
        raise InvalidInput(f"rate is {shown(rate)}; give requests a second, 0.001 to 1,000,000, or 0 for no limit")
    return float(rate)


def _count_of(given: Mapping[str, Any], field: str, default: int) -> int:
    value = given.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidInput(f"{field} is {shown(value)}; it has to be a whole number from 0")
    return value


def start_time(given: Mapping[str, Any]) -> float | None:
    """The Context Object's time under `started`, in seconds since the epoch, if it is given. Raises: InvalidInput."""
    text = text_or_none(given, "started", limit=40)
    try:
        return datetime.fromisoformat(text).timestamp() if text else None
    except ValueError as err:
        raise InvalidInput(f"started is {shown(text)}; it has to be a time as in the Context Object") from err


def _outcomes_of(given: Mapping[str, Any]) -> Mapping[str, int]:
    found = given.get("outcomes")
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: count for name, count in pairs if isinstance(count, int)}


def _spent_of(given: Mapping[str, Any]) -> float:
    spent = given.get("spent_seconds", 0)
    if not isinstance(spent, int | float) or isinstance(spent, bool) or not 0 <= spent < 1e9:
        raise InvalidInput(f"spent_seconds is {shown(spent)}; it has to be the seconds that earlier rounds took")
    return float(spent)
