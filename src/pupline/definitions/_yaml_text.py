"""Definitions in YAML: values as JSON has them, and positions.

The text is read event by event, so that nesting is bounded. Aliases share their value, and what they would multiply to
is bounded too.
"""

from dataclasses import dataclass, field
from typing import Any

from pupline.definitions._marks import Lines, Mark, Position, Step
from pupline.definitions._unreadable import SyntaxTrouble
from pupline.definitions._yaml_scalars import YamlTrouble, function_of, scalar_value
from pupline.json_values import AnyJSON
from pupline.text import printable

_MAX_CHARACTERS = 4 * 1024 * 1024
_MAX_DEPTH = 400
_MAX_VALUES = 500_000
"""Values in a document with its aliases written out. A definition of 1 MB has at most about a quarter of this."""


@dataclass(slots=True)
class _Node:
    """A value and its mark. size: values in it, itself included; height: levels of mappings and sequences."""

    value: AnyJSON
    mark: Mark
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A mapping or sequence that is still being read. key: of the member to come, and where it begins."""

    node: _Node
    start: Any
    key: str | None = None
    key_at: Position | None = None
    merged: list[_Node] = field(default_factory=list)

    @property
    def expects_key(self) -> bool:
        return self.key is None and isinstance(self.node.value, dict)


class YamlText:
    """A YAML text. value: what it holds. repeated: the paths of keys that occur more than once in a mapping.

    Raises: SyntaxTrouble when it is not YAML, holds more than one document, or is beyond the limits.
    """

    def __init__(self, text: str) -> None:
        lines = Lines(text)
        builder = _Builder(lines)
        try:
            _read(text, builder)
        except YamlTrouble as trouble:
            place = lines.position(min(trouble.offset, len(text)))
            raise SyntaxTrouble(trouble.problem, *place, "INVALID_YAML_DESCRIPTION") from trouble
        root = builder.root or _Node(None, Mark(Position(1, 1)))
        self.value = root.value
        self.repeated = builder.repeated
        self._marks = root.mark

    def marks(self) -> Mark:
        """Where each value stands."""
        return self._marks


def _read(text: str, builder: "_Builder") -> None:
    import yaml

    if len(text) > _MAX_CHARACTERS:
        raise YamlTrouble(f"the YAML has {len(text):,} characters; the limit is {_MAX_CHARACTERS:,}", 0)
    documents = 0
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            documents += isinstance(event, yaml.DocumentStartEvent)
            if documents > 1:
                raise _trouble("the file holds more than one YAML document", event)
            builder.take(type(event).__name__, event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlTrouble(printable(error.problem or error.context or "not YAML"), mark.index if mark else 0) from error
    except yaml.YAMLError as error:  # a character that YAML does not allow
        offset = getattr(error, "position", 0)
        raise YamlTrouble(printable(getattr(error, "reason", str(error))), offset) from error
    except RecursionError as error:
        raise YamlTrouble("mappings and sequences are nested too deeply", 0) from error


class _Builder:
    """Builds the value of a document from the parser's events. root: the whole, once it is complete."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.root: _Node | None = None
        self.repeated: list[tuple[Step, ...]] = []
        self._around: list[_Open] = []
        self._anchors: dict[str, _Node] = {}
        self._values = 0

    def take(self, kind: str, event: Any) -> None:
        """Take the next event. kind: the name of its class."""
        if kind == "ScalarEvent":
            self._scalar(event)
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            if self._expects_key():
                raise _trouble("the key of a mapping must be a text", event)
            self._bound(1, 1, event)
            value: AnyJSON = {} if kind == "MappingStartEvent" else []
            self._around.append(_Open(_Node(value, Mark(self._position(event)), height=1), event))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            ended = self._around.pop()
            for merged in ended.merged:
                _merge(ended.node, merged)
            self._finish(ended.node, ended.start)

    def _scalar(self, event: Any) -> None:
        self._bound(1, 0, event)
        mark = Mark(self._position(event))
        mark.is_literal = event.style == "|"
        if not self._expects_key():
            self._finish(_Node(scalar_value(event), mark), event)
            return
        self._key(event.value, event)
        if event.anchor:
            self._anchors[event.anchor] = _Node(event.value, mark)

    def _alias(self, event: Any) -> None:
        found = self._anchors.get(event.anchor)
        if found is None:
            raise _trouble(f"the alias *{printable(event.anchor)} has no complete value before it", event)
        self._bound(found.size, found.height, event)
        if not self._expects_key():
            self._place(_Node(found.value, _copied(found.mark), found.size, found.height), event)
        elif isinstance(found.value, str):
            self._key(found.value, event)
        else:
            raise _trouble("the key of a mapping must be a text", event)

    def _position(self, event: Any) -> Position:
        return self._lines.position(event.start_mark.index)

    def _bound(self, size: int, height: int, event: Any) -> None:
        self._values += size
        if self._values > _MAX_VALUES:
            raise _trouble(f"the document has more than {_MAX_VALUES:,} values, with its aliases written out", event)
        if len(self._around) + height > _MAX_DEPTH:
            raise _trouble(f"mappings and sequences are nested more than {_MAX_DEPTH} levels deep", event)

    def _expects_key(self) -> bool:
        return bool(self._around) and self._around[-1].expects_key

    def _key(self, key: str, event: Any) -> None:
        self._around[-1].key, self._around[-1].key_at = key, self._position(event)

    def _finish(self, node: _Node, start: Any) -> None:
        """A value is complete: apply its tag, remember its anchor, put it where it belongs. start: its first event."""
        name = function_of(start)
        if name is not None:
            value = node.value
            if name == "Fn::GetAtt" and isinstance(value, str):
                value = value.split(".", 1)
            node = _Node({name: value}, Mark(node.mark.value, inside={name: node.mark}), node.size + 1, node.height + 1)
        if start.anchor:
            self._anchors[start.anchor] = node
        self._place(node, start)

    def _place(self, node: _Node, event: Any) -> None:
        if not self._around:
            self.root = node
            return
        holder = self._around[-1]
        around = holder.node
        around.size += node.size
        around.height = max(around.height, node.height + 1)
        if isinstance(around.value, list):
            around.mark.inside[len(around.value)] = node.mark
            around.value.append(node.value)
            return
        key, node.mark.key, holder.key = str(holder.key), holder.key_at, None
        if key == "<<":
            holder.merged += _mappings(node, event)
            return
        if key in around.value:
            steps = [len(one.node.value) if isinstance(one.node.value, list) else str(one.key) for one in self._around]
            self.repeated.append((*steps[:-1], key))
        around.value[key] = node.value
        around.mark.inside[key] = node.mark


def _mappings(node: _Node, event: Any) -> list[_Node]:
    """The mappings that a merge key brings: one, or a sequence of them."""
    if isinstance(node.value, dict):
        return [node]
    if isinstance(node.value, list) and all(isinstance(item, dict) for item in node.value):
        return [_Node(item, node.mark.inside[at]) for at, item in enumerate(node.value)]
    raise _trouble("<< takes a mapping, or a sequence of mappings", event)


def _merge(node: _Node, other: _Node) -> None:
    for key, value in other.value.items():
        if key not in node.value:
            node.value[key] = value
            node.mark.inside[key] = other.mark.inside[key]


def _copied(mark: Mark) -> Mark:
    """A mark for another place of the same value; what is inside is shared."""
    found = Mark(mark.value, inside=mark.inside)
    found.is_literal = mark.is_literal
    return found


def _trouble(problem: str, event: Any) -> YamlTrouble:
    return YamlTrouble(problem, event.start_mark.index)
