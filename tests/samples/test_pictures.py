"""The pictures: those that the drawing script makes, whole, small."""

import subprocess
import sys
from pathlib import Path

import pytest

from pupline.images import inspect
from pupline.samples._pictures import pictures

ROOT = Path(__file__).parents[2]


def test_pictures_are_whole_and_small() -> None:
    """Every picture is whole, of a size to look at, and all together weigh less than 400 kB."""
    for path, body in pictures().items():
        found = inspect(body)
        assert found.problem is None, path
        assert 200 <= (found.height or 0) <= 480
        assert 300 <= (found.width or 0) <= 480
    assert sum(map(len, pictures().values())) < 400_000


def test_the_kinds_of_pictures() -> None:
    """JPEG mostly, two PNG and two GIF of which one each hides behind .jpg, a WebP; the dachshund wags."""
    found = {path: inspect(body) for path, body in pictures().items()}
    kinds = [one.file_type for one in found.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"jpg": 7, "png": 2, "gif": 2, "webp": 1}
    hiding = {one.file_type for path, one in found.items() if path.endswith(".jpg")} - {"jpg"}
    assert hiding == {"png", "gif"}
    assert [path for path, one in found.items() if one.animated] == ["dachshund/n02087046_9.gif"]


@pytest.mark.slow
def test_the_script_draws_these_pictures(tmp_path: Path) -> None:
    """Drawn anew, they have the same names, types and sizes; bytes may differ with the codecs that Pillow brings."""
    script = ROOT / "tools" / "draw_samples.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=60)
    drawn = {str(path.relative_to(tmp_path)): inspect(path.read_bytes()) for path in tmp_path.rglob("*.*")}
    assert drawn == {path: inspect(body) for path, body in pictures().items()}
