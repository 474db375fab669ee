"""A copy of the working tree with an environment of its own: mutants never touch the tree that people work in."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from tools.mutation.probes import REACHED

ROOT = Path(__file__).parents[2]

PROBES = f"import os; os.environ.get({REACHED!r}) and __import__('pupline_probes')\n"


def make_tree(tree: Path) -> None:
    """Copy what git tracks, and what is new but not ignored; make `.venv`, which finds the packages of ours."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607 -- git of the PATH
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    _remove_what_is_gone(tree, set(names))
    for name in names:
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.is_file() or target.read_bytes() != (ROOT / name).read_bytes():
            shutil.copy2(ROOT / name, target)
    if not (tree / ".venv").is_dir():
        _make_environment(tree)
    shutil.copy2(Path(__file__).with_name("probes.py"), _site_packages(tree) / "pupline_probes.py")


def _remove_what_is_gone(tree: Path, names: set[str]) -> None:
    for folder in ("src", "tests"):
        for path in (tree / folder).rglob("*.py"):
            if path.relative_to(tree).as_posix() not in names:
                path.unlink()


def python(tree: Path) -> Path:
    """The interpreter of a tree."""
    return tree / ".venv" / "bin" / "python"


def _site_packages(tree: Path) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return tree / ".venv" / "lib" / version / "site-packages"


def _make_environment(tree: Path) -> None:
    """An environment whose `pupline` is the tree's; everything else comes from where this process has it."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tree / ".venv"], check=True)
    ours = [Path(sysconfig.get_path("purelib")), *map(Path, sys.path)]
    packages = list(dict.fromkeys(path for path in ours if path.name == "site-packages"))
    site = _site_packages(tree)
    (site / "a_tree.pth").write_text(f"{tree / 'src'}\n")
    (site / "b_probes.pth").write_text(PROBES)
    (site / "c_packages.pth").write_text("".join(f"{path}\n" for path in packages))
    for path in packages:
        for about in path.glob("pupline-*.dist-info"):
            shutil.copytree(about, site / about.name, dirs_exist_ok=True)
    _copy_scripts(Path(sys.executable).parent, tree / ".venv" / "bin")
    for tool in Path(sys.executable).parents[1].iterdir():
        if tool.is_dir() and not (tree / ".venv" / tool.name).exists():
            (tree / ".venv" / tool.name).symlink_to(tool.resolve())


def _copy_scripts(source: Path, target: Path) -> None:
    """Copy the scripts, with the target's interpreter in their first line."""
    for script in source.iterdir():
        if (target / script.name).exists() or not script.is_file():
            continue
        content = script.read_bytes()
        if content.startswith(b"#!") and b"python" in content.partition(b"\n")[0]:
            content = f"#!{target / 'python'}\n".encode() + content.partition(b"\n")[2]
        (target / script.name).write_bytes(content)
        (target / script.name).chmod(0o755)
