"""The alert rules: those of CheckIfPNG in the workflow's file, which is the one place where rules stand.

The workflow takes the first rule that matches. A record lists the reasons of all that match, and bulk ingestion, which
runs no workflow, decides by the same rules:

    rules = AlertRules.of(definition)
    rules.reasons(image)        # ("png_content", "extension_mismatch"); () where the workflow would not alert

A rule's reason is the `reason` that its Pass state sets. A rule that leads past AlertPNG exempts what it matches from
all later rules. Only what the workflow's own image has can be evaluated here, in JSONPath: `AlertRules.of` refuses all
else, so that a run which would alert differently does not start.
"""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import Any

from pupline.choice_rules import Rule, RulePath, RuleProblem, compile_choice_rule
from pupline.errors import ConfigurationError
from pupline.images import extension_agrees
from pupline.json_values import JSON, AnyJSON
from pupline.tasks.alert_words import CHOICE, AlertWords, image_field, words_of
from pupline.tasks.records import AuditRecord
from pupline.text import printable

_ALERT, _LOG = "AlertPNG", "LogToDynamoDB"
_PUBLISH = ":states:::sns:publish"
_QUARANTINED = "quarantined"

IMAGE_FIELDS = (
    *("status", "uploaded_image", "image_url", "outcome", "reason", "key", "file_type", "name_extension"),
    *("extension_agrees", "sha256", "size_bytes", "width", "height", "content_type", "source", "source_url", "breed"),
)
"""What rules may refer to, as `$.image.FIELD`: what FetchAndUploadDogImage returns, without the rules' own results."""

_SOURCES = {"status": (), "uploaded_image": ("image_name",), "extension_agrees": ("name_extension", "file_type")}
"""The fields of an image that its record does not have under the same name: of what each is made."""

_KNOWN_FIELDS = frozenset(IMAGE_FIELDS)
_MAX_KNOWN = 4096
_CONSTANTS = {"$.alert.triggered": False, "$.published.sent": False}
"""What else the workflow has when it enters CheckIfPNG, whatever the image."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One rule. words: None where it exempts an image from later rules."""

    matches: Rule
    words: AlertWords | None


@dataclass(frozen=True, slots=True)
class AlertRules:
    """The rules of one workflow, in their order. text: what they were read from, as JSON; `from_text` reads it.

    decisive: gives the facts of a record that decide, None where they are not all in it. Most images of a dataset are
    alike in these, so that they are evaluated once.
    """

    rules: Sequence[AlertRule]
    text: str = field(compare=False)
    decisive: Callable[[AuditRecord], Hashable] | None = field(compare=False, repr=False)
    _known: dict[Hashable, tuple[str, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, definition: Mapping[str, AnyJSON], where: str = "the workflow") -> "AlertRules":
        """The rules in a definition. where: its file. Raises: ConfigurationError with the first problem."""
        reader = _Reader(definition)
        rules = tuple(reader.read())
        if reader.problems:
            raise ConfigurationError(f"{where}: {reader.problems[0]}")
        return cls(rules, reader.text, _decisive(reader.looked_at))

    @classmethod
    def readable(cls, definition: Mapping[str, AnyJSON]) -> "AlertRules":
        """Those rules that can be evaluated here. The workflow knows the others, and its record the one it took."""
        reader = _Reader(definition)
        rules = tuple(reader.read())
        return cls(rules, reader.text, _decisive(reader.looked_at))

    @classmethod
    def from_text(cls, text: str) -> "AlertRules":
        """The rules from `text`, which an earlier process may have saved. Raises: ConfigurationError."""
        return cls.of(json.loads(text), "the run's rules")

    def reasons(self, image: Mapping[str, JSON]) -> tuple[str, ...]:
        """The reasons of all rules that match, none where the first one exempts the image. image: all IMAGE_FIELDS.

        In the order of the rules. A quarantined file has its exact reason, last, instead of `quarantined`.
        """
        return _exact(self._evaluated(image), image["outcome"], str(image["reason"]))

    def reasons_of(self, record: AuditRecord, key: str | None) -> tuple[str, ...]:
        """As `reasons`, for the recorded image whose object has this key. What was decided is remembered."""
        facts = None if self.decisive is None else self.decisive(record)
        found = None if facts is None else self._known.get(facts)
        if found is None:
            found = self._evaluated(image_of(record, key))
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            if facts is not None:
                self._known[facts] = found
        return _exact(found, record.outcome, record.reason)

    def _evaluated(self, image: Mapping[str, JSON]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for rule in self.rules:
            if rule.matches(image):
                if rule.words is not None:
                    found[rule.words.reason] = None
                elif not found:
                    return ()
        return tuple(found)

    def words_for(self, record: AuditRecord) -> AlertWords:
        """The words of the alert that the workflow would send: those of the first rule among the record's reasons."""
        named = set(record.alert_reasons)
        if record.outcome == _QUARANTINED and record.reason in named:
            named.add(_QUARANTINED)
        for rule in self.rules:
            if rule.words is not None and rule.words.reason in named:
                return rule.words
        return AlertWords(next(iter(record.alert_reasons), "unknown"), None, None)  # by rules that have changed since

    @property
    def names(self) -> tuple[str, ...]:
        """The reasons that there can be, in the order of the rules."""
        return tuple(dict.fromkeys(rule.words.reason for rule in self.rules if rule.words is not None))


def _exact(reasons: tuple[str, ...], outcome: JSON, reason: str) -> tuple[str, ...]:
    if _QUARANTINED in reasons and outcome == _QUARANTINED:
        return (*(one for one in reasons if one not in (_QUARANTINED, reason)), reason)
    return reasons


def _decisive(looked_at: Sequence[tuple[str, int | None]]) -> Callable[[AuditRecord], Hashable] | None:
    """What gives the facts of a record in these fields of its image; of some of them only so many last characters."""
    if "key" in dict(looked_at):
        return None
    sources = [(source, end) for name, end in looked_at for source in _SOURCES.get(name, (name,))]
    ends = [(source, end) for source, end in sources if end is not None]
    whole = attrgetter("outcome", *(source for source, end in sources if end is None))
    return lambda record: (whole(record), *[str(getattr(record, source))[-end:] for source, end in ends])


def image_of(record: AuditRecord, key: str | None) -> dict[str, JSON]:
    """`$.image` of the workflow for a recorded image, without the rules' own results."""
    extension = record.name_extension
    return {
        "status": "success",
        "uploaded_image": record.image_name,
        "image_url": record.image_url,
        "outcome": record.outcome,
        "reason": record.reason,
        "key": key,
        "file_type": record.file_type,
        "name_extension": extension,
        "extension_agrees": extension_agrees(extension, record.file_type) if record.file_type else None,
        "sha256": record.sha256,
        "size_bytes": record.size_bytes,
        "width": record.width,
        "height": record.height,
        "content_type": record.content_type,
        "source": record.source,
        "source_url": record.source_url,
        "breed": record.breed,
    }


class _FieldVariable:
    """A Variable that is a field of the image, or the same for all images. Raises: RuleProblem."""

    def __init__(self, path: AnyJSON, at: RulePath) -> None:
        name = image_field(path)
        if name in _KNOWN_FIELDS:
            self.value: Any = itemgetter(name)
        elif path in _CONSTANTS:
            constant = _CONSTANTS[path]
            self.value = lambda _: constant
        else:
            known = ", ".join(IMAGE_FIELDS)
            raise RuleProblem(
                f"it refers to {printable(str(path), 100)}, which bulk ingestion does not have; rules may refer to"
                f" $.image.FIELD, with FIELD one of {known}",
                at,
            )

    def presence(self) -> Rule:
        """All fields are there, null where an image has no such fact."""
        return lambda _: True


class _Reader:
    """Reads the rules of one definition. problems: in words for people. text: the states that matter, as JSON."""

    def __init__(self, definition: Mapping[str, AnyJSON]) -> None:
        states = definition.get("States")
        self._states: Mapping[str, AnyJSON] = states if isinstance(states, dict) else {}
        self._language = definition.get("QueryLanguage", "JSONPath")
        self._used: dict[str, AnyJSON] = {}
        self._ends: dict[str, int | None] = {}
        self.problems: list[str] = []

    @property
    def looked_at(self) -> tuple[tuple[str, int | None], ...]:
        """The fields that decide, and of how many characters at the end."""
        return tuple(self._ends.items())

    @property
    def text(self) -> str:
        """The states that were read, as the JSON of a definition."""
        kept = {
            name: {key: value for key, value in state.items() if key != "Comment"} for name, state in self._used.items()
        }
        return json.dumps({"QueryLanguage": self._language, "States": kept}, separators=(",", ":"))

    def read(self) -> Iterator[AlertRule]:
        """The rules of CheckIfPNG, and of the Choice states that its Default leads to."""
        name: AnyJSON = CHOICE
        while isinstance(name, str) and name not in self._used:
            state = self._state(name)
            if state.get("Type") != "Choice":
                break
            yield from self._rules_of(name, state)
            name = state.get("Default")
        if CHOICE not in self._used or self._used[CHOICE].get("Type") != "Choice":
            self.problems.append(f"it has no Choice state {CHOICE}, whose rules bulk ingestion heeds; keep that state")
        elif name is not None and (words := self._destination(name, f"{CHOICE}: Default")) is not None:
            yield AlertRule(lambda _: True, words)

    def _rules_of(self, name: str, state: Mapping[str, AnyJSON]) -> Iterator[AlertRule]:
        if self._is_jsonata(state):
            self.problems.append(f"{name} is in JSONata; bulk ingestion evaluates rules in JSONPath only")
            return
        if state.get("InputPath", "$") != "$":
            self.problems.append(f"{name} has an InputPath, which bulk ingestion does not follow; leave it out")
            return
        choices = state.get("Choices")
        for number, rule in enumerate(choices if isinstance(choices, list) else []):
            where, before = f"{name}: Choices[{number}]", len(self.problems)
            try:
                matches = compile_choice_rule(rule, _FieldVariable)
                words = self._destination(rule.get("Next"), where)
            except RuleProblem as problem:
                self.problems.append(f"{where}: {problem.message}")
                continue
            if len(self.problems) == before:
                self._look_at(rule)
                yield AlertRule(matches, words)

    def _look_at(self, rule: AnyJSON) -> None:
        """Note the fields of a rule. Of a field that is matched with `*.png` alone, only the end decides."""
        for part in rule if isinstance(rule, list) else [rule["Not"]] if "Not" in rule else []:
            self._look_at(part)
        if isinstance(rule, dict) and "Not" not in rule:
            for name in ("And", "Or"):
                self._look_at(rule.get(name, []))
            pattern = rule.get("StringMatches", "")
            is_end = pattern.startswith("*") and not {"*", "\\"} & {*pattern[1:]}
            for path in (value for name, value in rule.items() if name == "Variable" or name.endswith("Path")):
                if (field_name := image_field(path)) is not None and "IsPresent" not in rule:
                    known = self._ends.get(field_name, 1)
                    end = max(known, len(pattern) - 1) if is_end and known is not None else None
                    self._ends[field_name] = end

    def _destination(self, name: AnyJSON, where: str) -> AlertWords | None:
        """The words that are set on the way to AlertPNG; None where the way does not lead there."""
        words: AlertWords | None = None
        passed: set[str] = set()
        while isinstance(name, str) and name not in passed:
            passed.add(name)
            state = self._state(name)
            kind = state.get("Type")
            if kind == "Pass":
                found = words_of(state, _KNOWN_FIELDS, jsonata=self._is_jsonata(state))
                if isinstance(found, str):
                    self.problems.append(f"{where} leads to the state {name}: {found}")
                    return None
                words = found or words
                name = state.get("Next")
            elif name == _ALERT or str(state.get("Resource", "")).endswith(_PUBLISH):
                if words is None:
                    self.problems.append(f"{where} leads to {name} without a Pass state that sets $.alert")
                return words
            elif (name == _LOG or kind == "Succeed") and words is None:
                return None
            else:
                break
        self.problems.append(
            f"{where} does not lead by Pass states alone to {_ALERT}, or without words to {_LOG}; bulk ingestion cannot"
            " follow it"
        )
        return None

    def _state(self, name: str) -> Mapping[str, AnyJSON]:
        state = self._states.get(name)
        found: Mapping[str, AnyJSON] = state if isinstance(state, dict) else {}
        is_end = found.get("Type") not in ("Pass", "Choice")
        self._used[name] = {key: found[key] for key in ("Type", "Resource") if key in found} if is_end else found
        return found

    def _is_jsonata(self, state: Mapping[str, AnyJSON]) -> bool:
        return bool(state.get("QueryLanguage", self._language) == "JSONata")
