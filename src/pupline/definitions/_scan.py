"""All definitions in files and folders, and what of them could not be read."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pupline.definitions._document import Document, read_document
from pupline.definitions._load import NO_SUBSTITUTIONS, load_definition, plain_definition, template_definition
from pupline.definitions._loaded import LoadedDefinition
from pupline.definitions._unreadable import UnreadableDefinition
from pupline.definitions.templates import ServerlessProject, Template, template_of
from pupline.errors import ConfigurationError
from pupline.files import read_input
from pupline.text import printable

_DEFINITIONS = (".asl.json", ".asl.yaml", ".asl.yml", ".asl")
_OTHERS = (".json", ".yaml", ".yml", ".template", ".tftpl", ".tpl")
_DEPENDENCIES = {"node_modules", "venv", "site-packages"}
_NEVER_WRITTEN_BY_HAND = {"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
_MAX_BYTES = 4 * 1024 * 1024

# One of these is in every template with a state machine, in a Serverless Framework project, and in every definition.
_SIGNS = (b"::StateMachine", b"stepFunctions", b"StartAt")


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that holds nothing that could be checked. why: in a few words."""

    path: Path
    why: str


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or resource that could not be read. error: why; UnreadableDefinition where the place in it is known."""

    path: str
    error: ConfigurationError


Found = LoadedDefinition | Unread | Skipped


def find_definitions(
    paths: Iterable[str | Path], substitutions: Mapping[str, str] = NO_SUBSTITUTIONS
) -> Iterator[Found]:
    """The definitions in files (also `template.yaml#Resource`) and below folders; in their place, what went wrong.

    A template gives all its state machines. Of a folder are taken files named .asl, .asl.json, .asl.yaml and .asl.yml,
    and other JSON and YAML that holds a definition or state machines. A definition that a template names is taken once,
    as the template has it. Hidden folders and those with dependencies are skipped.
    """
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 - Path raises for a long name
            yield from _folder(Path(path), substitutions)
        else:
            yield from _file(path, substitutions)


def load_definitions(
    paths: Iterable[str | Path], substitutions: Mapping[str, str] = NO_SUBSTITUTIONS
) -> Iterator[LoadedDefinition]:
    """The definitions that `find_definitions` finds. Raises: ConfigurationError for the first that cannot be read."""
    for found in find_definitions(paths, substitutions):
        if isinstance(found, Unread):
            raise found.error
        if isinstance(found, LoadedDefinition):
            yield found


def _file(path: str | Path, substitutions: Mapping[str, str]) -> Iterator[Found]:
    """What is in one file, which the user named."""
    try:
        if "#" in str(path) and not os.path.exists(path):  # noqa: PTH110 - as above
            yield load_definition(path, substitutions)
            return
        document = read_document(Path(path))
        template = template_of(document, substitutions)
        if template is not None:
            yield from _machines(document, template, substitutions)
        else:
            yield plain_definition(document, substitutions)
    except ConfigurationError as error:
        yield Unread(str(path), error)


def _machines(
    document: Document, template: Template | ServerlessProject, substitutions: Mapping[str, str]
) -> Iterator[Found]:
    if not template.machines:
        outside = " outside Fn::ForEach" if "Fn::ForEach::" in document.text else ""
        yield Skipped(document.file, f"a template without state machines{outside}")
    for name in template.machines:
        try:
            yield template_definition(document.file, template, name, substitutions)
        except ConfigurationError as error:
            yield Unread(f"{document.file}#{name}", error)


def _folder(folder: Path, substitutions: Mapping[str, str]) -> Iterator[Found]:
    """What is in the files below a folder, in the order of their names."""
    skipped: list[Path] = []
    unread: list[OSError] = []
    found: dict[Path, list[Found]] = {}
    covered: set[Path] = set()
    for file in _candidates(folder, skipped, unread):
        found[file] = list(_candidate(file, substitutions))
        covered.update(
            one.file.resolve() for one in found[file] if isinstance(one, LoadedDefinition) and one.template is not None
        )
    for file, results in found.items():
        for one in results:
            if not (isinstance(one, LoadedDefinition) and one.template is None and file.resolve() in covered):
                yield one
    for path in skipped:
        yield Skipped(path, "a hidden folder, or one with dependencies")
    for error in unread:
        yield _unread(error)


def _unread(error: OSError) -> Unread:
    path = printable(os.fspath(error.filename), 1000)
    return Unread(path, ConfigurationError(f"{path} cannot be read ({error.strerror}), so nothing in it was checked"))


def _candidates(folder: Path, skipped: list[Path], unread: list[OSError]) -> Iterator[Path]:
    """The files below a folder that may hold definitions.

    skipped: gets the folders that are not looked into; unread: why a folder or file could not be read.
    """
    for place, folders, files in os.walk(folder, onerror=unread.append):
        left_out = [name for name in folders if name.startswith(".") or name in _DEPENDENCIES]
        skipped += [Path(place, name) for name in sorted(left_out) if name not in _NEVER_WRITTEN_BY_HAND]
        folders[:] = sorted(set(folders) - {*left_out, *_NEVER_WRITTEN_BY_HAND})
        for name in sorted(files):
            file = Path(place, name)
            lower = name.lower()
            if lower.endswith(_DEFINITIONS) or (lower.endswith(_OTHERS) and _may_hold_definitions(file, unread)):
                yield file


def _may_hold_definitions(file: Path, unread: list[OSError]) -> bool:
    try:
        if not file.is_file() or file.stat().st_size > _MAX_BYTES:
            return False  # longer than any definition
        content = read_input(file, _MAX_BYTES)
    except FileNotFoundError:
        return False
    except OSError as error:
        unread.append(error)
        return False
    return any(sign in content for sign in _SIGNS)


def _candidate(file: Path, substitutions: Mapping[str, str]) -> Iterator[Found]:
    """What is in a file that was found below a folder: other files than definitions may be of any kind."""
    if file.name.lower().endswith(_DEFINITIONS):
        yield from _file(file, substitutions)
        return
    try:
        document = read_document(file)
        value = document.value
        if isinstance(value, dict) and "StartAt" in value and "States" in value:
            yield plain_definition(document, substitutions)
            return
        template = template_of(document, substitutions)
        if template is not None and template.machines:
            for found in _machines(document, template, substitutions):
                error = found.error if isinstance(found, Unread) else None
                if isinstance(error, UnreadableDefinition) and error.is_elsewhere:
                    yield Skipped(file, error.problem)
                else:
                    yield found
    except ConfigurationError as error:
        yield Skipped(file, printable(str(error).removeprefix(f"{file}:"), 300).strip())
