"""A build hook of hatchling: compiles modules with mypyc, for a wheel of this version of Python and this platform.

It is off by default; HATCH_BUILD_HOOK_ENABLE_CUSTOM=1, as in `make wheel-compiled`, turns it on. Its settings in
pyproject.toml name what to compile, modules and whole rooms, and what in those stays plain. The wheel holds all modules
in plain form as well; Python prefers the compiled ones next to them. It needs a C compiler, mypy and setuptools.

As a program, `python compiled_modules.py FOLDER MODULE...`, it compiles the files into FOLDER/lib. They are named as
seen from the working directory, which is that of the package.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_LIBRARY = "pupline"
"""The name of the library with all the compiled code. What stands next to each module only loads it."""


class CompiledModules(BuildHookInterface[Any]):
    """Adds the compiled modules to the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - as hatchling calls it
        """Compile below build/mypyc, where the next build finds what has not changed. Raises: SystemExit."""
        root = Path(self.root)
        package, modules = root / "src", modules_of(root / "src", self.config["modules"], self.config["plain"])
        folder = (
            root / "build" / "mypyc" / f"{sysconfig.get_platform()}-{sys.version_info.major}.{sys.version_info.minor}"
        )
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, __file__, str(folder), *modules]
        ran = subprocess.run(
            command, cwd=package, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if ran.returncode:
            raise SystemExit(f"the modules cannot be compiled:\n{ran.stdout}")
        build_data["infer_tag"], build_data["pure_python"] = True, False
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        for name in (*(module.removesuffix(".py") for module in modules), f"{_LIBRARY}__mypyc"):
            build_data["force_include"][str(folder / "lib" / f"{name}{suffix}")] = f"{name}{suffix}"


def modules_of(package: Path, names: list[str], plain: list[str]) -> list[str]:
    """The files to compile, below `package`. Raises: SystemExit for a name in the settings that is not there."""
    missing = [name for name in (*names, *plain) if not (package / name).exists()]
    if missing:
        raise SystemExit(f"pyproject.toml: not in {package}: {', '.join(missing)}")
    found = (
        path
        for path in sorted(package.rglob("*.py"))
        if _is_below(path, package, names) and not _is_below(path, package, plain)
    )
    return [str(path.relative_to(package)) for path in found]


def _is_below(path: Path, package: Path, names: list[str]) -> bool:
    return any(path.is_relative_to(package / name) for name in names)


def compile_modules(folder: Path, modules: list[str]) -> None:
    """Compile these files into `folder`/lib."""
    from mypyc.build import mypycify
    from setuptools import setup

    options = [f"--config-file={Path(__file__).parents[1] / 'pyproject.toml'}", f"--cache-dir={folder / 'cache'}"]
    extensions = mypycify(
        [*options, *modules],
        group_name=_LIBRARY,
        multi_file=True,
        opt_level="2",
        target_dir=str(folder / "c"),
        debug_level="0",
    )
    arguments = ["build_ext", "--build-lib", str(folder / "lib"), "--build-temp", str(folder / "temp")]
    setup(name="pupline", packages=[], ext_modules=extensions, script_args=arguments)


if __name__ == "__main__":
    compile_modules(Path(sys.argv[1]), sys.argv[2:])
