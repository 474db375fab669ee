"""The packages of the Lambda functions: the code of each, as few files as it needs, zipped reproducibly.

A function's files are those that its module imports, directly or not, including imports inside functions, and the data
files that these modules read. They are found by reading the sources, so unused files of a package are left out.

    python -m pupline.packaging FUNCTION DIRECTORY

writes one function's files, as `sam build` in a checkout asks for them: with the standard library alone, because a
fresh checkout has no environment.
"""

import ast
import shutil
import sys
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pupline.errors import ConfigurationError
from pupline.files import matching
from pupline.tasks.alert_rules import AlertRules
from pupline.text import printable
from pupline.workflow_files import FILES, PIPELINE_NAME, read_definition, workflow_path

SOURCE = Path(__file__).parents[1]
"""The directory that has the package `pupline`."""

FUNCTIONS = {
    "FetchAndUploadDogImage": "pupline.lambdas.fetch_and_upload_dog_image",
    "AlertPNG": "pupline.lambdas.alert_png",
    "LogToDynamoDB": "pupline.lambdas.log_to_dynamodb",
    "IngestBatch": "pupline.lambdas.ingest_batch",
    "SummariseIngest": "pupline.lambdas.summarise_ingest",
}
"""Each function, and the module of its handler."""

_OLD_HANDLER = "pupline/functions/{}.py"
"""The file of the handler up to version 0.1. CloudFormation updates a function's code and its Handler one after the
other; with both names in the zip, no invocation in between fails."""

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can hold: the time of the build must not be in it."""


DATA = {"pupline/specs/_resolve.py": "presets/*.toml"}
"""Data files next to a module that reads them."""

_WORKFLOW_READER = "pupline/workflow_files.py"
_WORKFLOW_PLACE = f"pupline/statemachine/{FILES[PIPELINE_NAME]}"

TAKES_SPECS = "FetchAndUploadDogImage"
"""The function whose SOURCE may be a spec file in its package."""

SPECS = "sources/*.toml"
"""The user's own specs, in the directory of template.yaml."""


def files_of(module: str) -> list[Path]:
    """The source files that importing `module` can ever need, and the data files that they read, sorted."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _path_of(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        waiting += _imports(path)
    patterns = {path: DATA.get(path.relative_to(SOURCE).as_posix()) for path in found}
    data = [file for path, pattern in patterns.items() if pattern for file in matching(path.parent, pattern)]
    return sorted([*found, *data])


def _path_of(module: str) -> Path | None:
    """The file of a module of pupline; None for other names."""
    path = SOURCE.joinpath(*module.split("."))
    if module.split(".")[0] != "pupline":
        return None
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _imports(path: Path) -> Iterator[str]:
    """Every module that a file may import, with its packages; names imported from a package may be modules."""
    for name in _names(ast.parse(path.read_text())):
        parts = name.split(".")
        yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        yield from _names(node)


@dataclass(frozen=True, slots=True)
class StagedFunction:
    """A function's package. files: their number. archive: the zip."""

    name: str
    files: int
    archive: Path

    def line(self) -> str:
        """Name, number of files, bytes and SHA-256 of the zip, for people."""
        body = self.archive.read_bytes()
        return f"{self.name:24} {self.files:3} files {len(body):7} bytes  sha256 {sha256(body).hexdigest()}"


def contents_of(module: str, workflow: Path | None = None) -> dict[str, Path]:
    """What the package of a function holds: name in the archive to file, sorted. workflow: whose rules it heeds."""
    contents = {file.relative_to(SOURCE).as_posix(): file for file in files_of(module)}
    if _WORKFLOW_READER in contents:
        contents[_WORKFLOW_PLACE] = workflow or workflow_path()
    return dict(sorted(contents.items()))


def write_code(name: str, directory: Path, specs: Sequence[Path] = (), workflow: Path | None = None) -> list[Path]:
    """The files of a function's package, written into `directory`, sorted; nothing else may be in there.

    specs: spec files for the top directory, which is the working directory in Lambda, of the function that takes them.
    """
    module = FUNCTIONS[name]
    contents = {place: file.read_bytes() for place, file in contents_of(module, workflow).items()}
    contents |= {spec.name: spec.read_bytes() for spec in specs if name == TAKES_SPECS}
    contents[_OLD_HANDLER.format(module.rpartition(".")[2])] = f"from {module} import handler as handler\n".encode()
    written = []
    for place, body in contents.items():
        target = directory / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(body)
        target.chmod(0o644)  # whatever the umask: archives record it
        written.append(target)
    return sorted(written)


def stage(name: str, output: Path, specs: Sequence[Path] = (), workflow: Path | None = None) -> StagedFunction:
    """Write a function's files to `output/name`, replacing what was there, and zip them next to it."""
    directory = output / name
    shutil.rmtree(directory, ignore_errors=True)
    files = write_code(name, directory, specs, workflow)
    archive = output / f"{name}.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in files:
            entry = zipfile.ZipInfo(file.relative_to(directory).as_posix(), LONG_AGO)
            entry.external_attr = 0o644 << 16
            zipped.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)
    return StagedFunction(name, len(files), archive)


def stage_all(output: Path, specs: Sequence[Path] = (), workflow: Path | None = None) -> Iterator[StagedFunction]:
    """Every function, as it is staged. Raises: ConfigurationError for rules that IngestBatch could not evaluate."""
    chosen = _checked(workflow)
    for name in FUNCTIONS:
        yield stage(name, output, specs, chosen)


def build(name: str, directory: Path, specs: Sequence[Path] = (), workflow: Path | None = None) -> None:
    """Write the files of one function into `directory`, as SAM's Makefile builder asks for them.

    Raises: ConfigurationError for a function that is not one of pupline's, and as `stage_all`.
    """
    if name not in FUNCTIONS:
        raise ConfigurationError(f"{printable(name)} is not one of the functions {', '.join(FUNCTIONS)}")
    write_code(name, directory, specs, _checked(workflow))


def _checked(workflow: Path | None) -> Path:
    """The workflow's file, pupline's own unless one is given, once its alert rules are known to be usable."""
    chosen = workflow or workflow_path()
    AlertRules.of(read_definition(chosen), str(chosen))
    return chosen


def own_specs(directory: Path) -> list[Path]:
    """The user's own specs below the directory of template.yaml, sorted."""
    return matching(directory, SPECS)


def main(arguments: Sequence[str]) -> int:
    """The command in this module's docstring: the exit code, which make passes on to SAM."""
    name, directory = arguments
    try:
        build(name, Path(directory), own_specs(Path.cwd()))
    except (ConfigurationError, OSError) as error:
        sys.stderr.write(f"pupline: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
