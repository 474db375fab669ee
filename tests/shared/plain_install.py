"""What `pip install pupline` brings, without extras: its packages, their size, and an environment of nothing else.

The packages are those of this environment, found by their own metadata, so that no index is needed.
"""

import os
import subprocess
import tomllib
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def plain_distributions() -> dict[str, Distribution]:
    """All packages that the project's own dependencies lead to, on this system, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found: dict[str, Distribution] = {}
    waiting = [Requirement(each) for each in project["dependencies"]]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        extras = wanted.extras or {""}
        if name in found and not wanted.extras:
            continue
        found[name] = distribution(name)
        needs = map(Requirement, found[name].requires or ())
        waiting += [
            each
            for each in needs
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def installed_bytes(package: Distribution) -> int:
    """The size of all its files, compiled ones included."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file())


@dataclass(frozen=True, slots=True)
class PlainInstall:
    """An environment with this tree and the plain packages; all others are really absent. folder: of its own."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> "PlainInstall":
        """A new one."""
        venv.create(folder, with_pip=False)
        (packages,) = (folder / "lib").glob("python*/site-packages")
        for package in plain_distributions().values():
            for top in _tops(package):
                if not (packages / top.name).exists():
                    (packages / top.name).symlink_to(top)
        (packages / "pupline.pth").write_text(str(ROOT / "src"))
        return cls(folder)

    def run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """`python ARGUMENTS`, in `cwd`."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PUPLINE"))}
        command = [self.folder / "bin" / "python", *arguments]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def pupline(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        """`pupline ARGUMENTS`, in `cwd`."""
        return self.run("-m", "pupline", *arguments, cwd=cwd)


def _tops(package: Distribution) -> Iterator[Path]:
    """The directories and modules of the package, as they are below site-packages."""
    for name in {file.parts[0] for file in package.files or ()}:
        if name not in {"..", "__pycache__"}:
            yield Path(str(package.locate_file(name))).resolve()
