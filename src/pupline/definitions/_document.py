"""A file's document: its value, where each part of it stands, and the keys that occur twice."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pupline.definitions._json_text import JsonText
from pupline.definitions._marks import Mark, Step
from pupline.definitions._unreadable import SyntaxTrouble
from pupline.definitions._yaml_text import YamlText
from pupline.errors import ConfigurationError
from pupline.files import read_text
from pupline.json_values import AnyJSON
from pupline.text import printable


@dataclass
class Document:
    """A document. make_marks: positions are worked out when the first is asked for.

    repeated: the paths of keys that occur more than once in an object; only the last counts.
    """

    file: Path
    text: str
    value: AnyJSON
    repeated: list[tuple[Step, ...]]
    make_marks: Callable[[], Mark]

    def line(self, number: int) -> str:
        """A line of the text, without what ends it; numbers count from 1."""
        return self._lines[number - 1].rstrip("\r") if 0 < number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return self.text.split("\n")

    @cached_property
    def marks(self) -> Mark:
        """Where each part stands."""
        return self.make_marks()


def read_document(file: Path) -> Document:
    """The document in a file of JSON or YAML.

    JSON is what is named .json, or begins with a brace; in a file named .yaml it may also be a mapping of YAML.
    Raises: ConfigurationError when the file cannot be read as text; UnreadableDefinition when it is neither.
    """
    text = _text_of(file)
    try:
        read = _read(text, file.suffix.lower())
    except SyntaxTrouble as trouble:
        raise trouble.in_file(file, trouble.line, trouble.column) from trouble
    return Document(file, text, read.value, read.repeated, read.marks)


def _read(text: str, suffix: str) -> JsonText | YamlText:
    named_yaml = suffix in (".yaml", ".yml")
    if suffix != ".json" and not text.lstrip().startswith("{"):
        return YamlText(text)
    try:
        return JsonText(text)
    except SyntaxTrouble:
        if not named_yaml:
            raise
        return YamlText(text)


def _text_of(file: Path) -> str:
    shown = printable(str(file), 1000)
    try:
        return read_text(file)
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{shown}: is not {error.encoding.upper()} text (byte {error.start}); a definition is JSON or YAML"
        ) from error
