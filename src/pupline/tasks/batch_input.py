"""The input of IngestBatch, checked: some items of a run; and the keys in the bucket of what it writes.

A batch is worked on in rounds. A round finishes every item that it can. The next round, before which the workflow
waits, gets the items to retry and those whose host asked for a pause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pupline.errors import InvalidInput
from pupline.images import safe_name
from pupline.json_values import JSON
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import partition, run_folder
from pupline.tasks.task_input import checked_input, moment_or_none, object_of, shown, text_or_none
from pupline.text import printable

MAX_ITEMS = 10_000
"""In one batch. More would not fit into a workflow's state."""

MAX_RUN_CHARACTERS = 71
"""Of a run's name: with `-` and eight digits it names an execution, which has at most 80."""

_NUMBERS = frozenset({"width", "height", "bytes"})


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One line of the manifest. index: its number, from 0. attempt: how often it was tried before."""

    index: int
    item: SourceItem
    attempt: int = 0

    def as_json(self) -> dict[str, JSON]:
        """The item as the next round reads it."""
        return {"index": self.index, "item": self.item.as_dict(), "attempt": self.attempt}

    @classmethod
    def from_json(cls, value: JSON) -> "BatchItem":
        """An item of the batch. Raises: InvalidInput."""
        fields = object_of({"item": value}, "item")
        index, attempt = fields.get("index"), fields.get("attempt")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 10**8:
            raise InvalidInput(f"an item's index is {shown(index)}; it has to be its number in the manifest, from 0")
        return cls(index, _source_item(fields.get("item")), attempt if isinstance(attempt, int) else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRun:
    """The run that a batch belongs to. rate: requests a second to one host by this worker; None for no limit.

    requests: at the same time by this worker; None for as many as it can. workflow_execution: the name of the run's
    execution, from its second Map Run on with `/` and the number; None where the input does not have it.
    """

    run: str
    dataset: str
    source: str
    rate: float | None = None
    requests: int | None = None
    heed_robots: bool = True
    workflow_execution: str | None = None

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "IngestRun":
        """The run that the workflow names. Raises: InvalidInput."""
        rate = fields.get("rate", 0)
        is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
        if rate not in (None, 0) and not (is_number and 0.001 <= rate <= 1e6):
            raise InvalidInput(f"rate is {shown(rate)}; give requests a second, 0.001 to 1,000,000, or 0 for no limit")
        return cls(
            run=_slug_of(fields, "run", MAX_RUN_CHARACTERS),
            dataset=_slug_of(fields, "dataset", 100),
            source=printable(text_or_none(fields, "source") or "manifest", 2048),
            rate=float(rate) if rate else None,
            requests=_count_of(fields, "requests", 0) or None,
            heed_robots=fields.get("heed_robots") is not False,
            workflow_execution=text_or_none(fields, "execution", limit=90),
        )

    def execution(self, index: int) -> str:
        """The execution of item `index` in the audit."""
        return f"{self.run}-{index:08d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRound:
    """The items of a batch for this round.

    first: the batch's first index, which identifies it. number: of the round, from 0. started: when the workflow began
    the child execution, in seconds since the epoch; None where that sets no end to it. before: outcomes of the rounds
    before. spent: seconds of the batch's time that they and the waits after them took. given: the BatchInput as it
    came.
    """

    run: IngestRun
    items: tuple[BatchItem, ...]
    first: int
    number: int
    started: float | None
    before: Mapping[str, int]
    spent: float = 0.0
    given: Mapping[str, JSON] = field(default_factory=dict)

    @classmethod
    def from_input(cls, event: object) -> "BatchRound":
        """The round in `{"batch": {"BatchInput": {...}, "Items": [...]}, "started": ...}`. Raises: InvalidInput."""
        fields = checked_input(event)
        batch = object_of(fields, "batch")
        lines = batch.get("Items")
        if not isinstance(lines, list) or not 0 < len(lines) <= MAX_ITEMS:
            raise InvalidInput(f"Items is {shown(lines)}; it has to be an array of 1 to {MAX_ITEMS:,} items")
        items = tuple(map(BatchItem.from_json, lines))
        outcomes = batch.get("outcomes")
        counts = outcomes.items() if isinstance(outcomes, dict) else ()
        spent = batch.get("spent_seconds", 0)
        if not isinstance(spent, int | float) or isinstance(spent, bool) or not 0 <= spent < 1e9:
            raise InvalidInput(f"spent_seconds is {shown(spent)}; it has to be the seconds that earlier rounds took")
        given = object_of(batch, "BatchInput")
        return cls(
            run=IngestRun.from_json(given),
            items=items,
            first=_count_of(batch, "first", items[0].index),
            number=_count_of(batch, "round", 0),
            started=moment_or_none(fields, "started"),
            before={name: count for name, count in counts if isinstance(count, int)},
            spent=float(spent),
            given=given,
        )

    def following(self, attempts: Mapping[int, int], outcomes: Mapping[str, int], seconds: float) -> "BatchRound":
        """The next round. attempts: its items' indices, and how often each was tried. seconds: that this one took."""
        items = [replace(item, attempt=attempts[item.index]) for item in self.items if item.index in attempts]
        spent = self.spent + seconds
        return replace(self, items=tuple(items), number=self.number + 1, before=outcomes, spent=spent)

    def as_json(self) -> dict[str, JSON]:
        """The round as `batch` of an input."""
        return {
            "BatchInput": dict(self.given),
            "Items": [item.as_json() for item in self.items],
            "first": self.first,
            "round": self.number,
            "spent_seconds": self.spent,
            "outcomes": dict(self.before),
        }

    @property
    def name(self) -> str:
        """`<first index>-<round>`: the same at each attempt of this round."""
        return f"{self.first:08d}-{self.number}"

    @property
    def part_key(self) -> str:
        """The key of the metadata of the items that ended in this round."""
        return f"{partition('metadata/jsonl', self.run.dataset, self.run.run)}part-{self.name}.jsonl"

    @property
    def result_key(self) -> str:
        """The key of this round's result, which is written last."""
        return f"{results_prefix(self.run)}{self.name}.json"


def results_prefix(run: IngestRun) -> str:
    """The prefix of the results of all rounds of a run."""
    return f"{run_folder(run.dataset, run.run)}batches/"


def _source_item(line: JSON) -> SourceItem:
    """A line of the manifest: an object with `url`, or the URL alone. Anything else has an empty URL, and will fail.

    Anyone may write a manifest, so fields of a wrong type are dropped.
    """
    fields = {"url": line} if isinstance(line, str) else line
    if not isinstance(fields, dict) or not isinstance(fields.get("url"), str):
        return SourceItem(url="")
    return SourceItem.from_dict({name: value for name, value in fields.items() if _has_right_type(name, value)})


def _has_right_type(name: str, value: JSON) -> bool:
    if name in _NUMBERS:
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    if name == "labels":
        return isinstance(value, list) and all(isinstance(label, str) for label in value)
    if name == "extra":
        return isinstance(value, dict)
    return isinstance(value, str)


def _slug_of(fields: Mapping[str, Any], name: str, limit: int) -> str:
    """The text under `name`, if it can be a part of a key. Raises: InvalidInput."""
    value = text_or_none(fields, name, limit=limit)
    if value is None or safe_name(value) != value or "=" in value:
        raise InvalidInput(f"{name} is {shown(fields.get(name))}; give a plain name without separators")
    return value


def _count_of(fields: Mapping[str, Any], name: str, default: int) -> int:
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidInput(f"{name} is {shown(value)}; it has to be a whole number from 0")
    return value
