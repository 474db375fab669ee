"""Loading definitions by name: `FILE`, `FILE#Resource`, or whole folders."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pupline.definitions._document import Document, read_document
from pupline.definitions._loaded import LoadedDefinition
from pupline.definitions._marks import nearest_mark
from pupline.definitions._placeholders import filled, placeholder_names
from pupline.errors import ConfigurationError

_NO_SUBSTITUTIONS: Mapping[str, str] = {}


def load_definition(spec: str | Path, substitutions: Mapping[str, str] = _NO_SUBSTITUTIONS) -> LoadedDefinition:
    """The definition in a file. substitutions: values of placeholders by name.

    Raises: ConfigurationError when it cannot be read, or does not hold an object; UnreadableDefinition with the line
    and column where it is not JSON or YAML.
    """
    loaded = _loaded(read_document(Path(spec)), substitutions)
    if not isinstance(loaded.definition, dict):
        raise ConfigurationError(f"{spec}: a definition is an object with StartAt and States")
    return loaded


def load_definitions(
    paths: Iterable[str | Path], substitutions: Mapping[str, str] = _NO_SUBSTITUTIONS
) -> Iterator[LoadedDefinition]:
    """The definitions of several files. Raises: as `load_definition`."""
    for path in paths:
        yield load_definition(path, substitutions)


def _loaded(document: Document, substitutions: Mapping[str, str]) -> LoadedDefinition:
    definition = filled(document.value, substitutions)
    return LoadedDefinition(
        definition=definition,
        type="STANDARD",
        file=document.file,
        resource=None,
        placeholders=tuple(placeholder_names(definition)),
        repeated=tuple(document.repeated),
        find=lambda steps: nearest_mark(document.marks, steps).shown(),
    )
