"""`pip install pupline` stays light and does the main job; what needs an extra says so.

The tests run in a real environment that holds the plain packages and nothing else: no import is blocked.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pupline.parquet import MISSING
from tests.shared.functions_fakes import picture
from tests.shared.image_host import ImageHost, image_host
from tests.shared.plain_install import ROOT, PlainInstall, installed_bytes, plain_distributions

MAX_BYTES = 80_000_000
PUPLINE_BYTES = 9_000_000
"""pupline's own files, twice: Python compiles them."""

METADATA = Path("data/buckets/dog-images/datasets/list/metadata")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> PlainInstall:
    """An environment without extras."""
    return PlainInstall.create(tmp_path_factory.mktemp("plain") / "venv")


@pytest.fixture
def host() -> Iterator[ImageHost]:
    """A host of two images."""
    with image_host({"/a.png": picture("PNG"), "/b.jpg": picture("JPEG")}) as host:
        yield host


def test_the_plain_packages_are_light() -> None:
    """All that `pip install pupline` brings, with pupline itself, is under 80 MB; the heavy ones are extras."""
    sizes = {name: installed_bytes(package) for name, package in plain_distributions().items()}
    own = 2 * sum(path.stat().st_size for path in (ROOT / "src").rglob("*.py"))
    assert own < PUPLINE_BYTES
    assert sum(sizes.values()) + own < MAX_BYTES, sorted(sizes.items(), key=lambda pair: -pair[1])
    assert not {"pyarrow", "duckdb", "pandas", "numpy", "polars", "pillow", "boto3", "botocore"} & set(sizes)


def ingest(plain: PlainInstall, folder: Path, host: ImageHost, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The result of `pupline ingest`."""
    return plain.pupline("ingest", *arguments, "--data", "data", "--allow-origin", host.origin, cwd=folder)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl"])
def test_lists_are_ingested_without_extras(plain: PlainInstall, tmp_path: Path, host: ImageHost, kind: str) -> None:
    """With metadata as JSON Lines, and one line that says how to get Parquet; so does the summary."""
    urls = [f"{host.origin}/a.png", f"{host.origin}/b.jpg"]
    texts = {
        "txt": "\n".join(urls),
        "csv": "\n".join(["url,label", *(f"{url},dog" for url in urls)]),
        "jsonl": "\n".join(json.dumps({"url": url}) for url in urls),
    }
    (tmp_path / f"list.{kind}").write_text(texts[kind])
    done = ingest(plain, tmp_path, host, f"list.{kind}", "--run-id", "r1")
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count(MISSING) == 1
    assert "the same command with --run-id r1 writes the Parquet" in done.stdout
    summary = json.loads((tmp_path / "data/buckets/dog-images/datasets/list/runs/r1/summary.json").read_bytes())
    assert summary["parquet_trouble"] == MISSING
    assert not any("/parquet/" in key for key in summary["files"])
    lines = (tmp_path / METADATA / "jsonl/run=r1/part-00000.jsonl").read_text().splitlines()
    assert [json.loads(line)["url"] for line in lines] == urls
    assert not (tmp_path / METADATA / "parquet").exists()


@pytest.mark.slow
@pytest.mark.parametrize("workflow", [(), ("--workflow",)], ids=["direct", "workflow"])
def test_the_parquet_of_an_earlier_run_is_written_once_the_extra_is_there(
    plain: PlainInstall, tmp_path: Path, host: ImageHost, workflow: tuple[str, ...]
) -> None:
    """By the same command with --run-id, without a request; the summary then names the files."""
    (tmp_path / "list.txt").write_text(f"{host.origin}/a.png\n{host.origin}/b.jpg\n")
    arguments = ("list.txt", "--run-id", "r1", *workflow)
    first = ingest(plain, tmp_path, host, *arguments, "--json")
    assert (first.returncode, first.stderr.count(MISSING)) == (0, 1), first.stderr
    assert ingest(plain, tmp_path, host, *arguments).stdout.count(MISSING) == 1
    asked = host.asked.copy()
    command = [sys.executable, "-m", "pupline", "ingest", *arguments, "--data", "data", "--allow-origin", host.origin]
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (again.returncode, "Parquet" in again.stdout + again.stderr) == (0, False), again.stderr
    assert host.asked == asked
    rows = pq.read_table(tmp_path / METADATA / "parquet/run=r1/part-00000.parquet", partitioning=None).to_pylist()
    assert [row["file_type"] for row in rows] == ["png", "jpg"]
    summary = json.loads((tmp_path / "data/buckets/dog-images/datasets/list/runs/r1/summary.json").read_bytes())
    assert "parquet_trouble" not in summary
    assert any(key.endswith("/parquet/run=r1/part-00000.parquet") for key in summary["files"])


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "body", "instead"),
    [
        ("dogs.parquet", b"PAR1....", "or save the list as CSV or JSON Lines"),
        ("dogs.txt", b"PAR1....", "or save the list as CSV or JSON Lines"),
        ("dogs.txt.zst", b"\x28\xb5\x2f\xfd....", "or unpack it first: zstd -d FILE"),
    ],
)
def test_a_list_that_needs_the_extra_is_refused_before_anything_starts(
    plain: PlainInstall, tmp_path: Path, name: str, body: bytes, instead: str
) -> None:
    """In one line that names the extra, with exit code 2 and nothing made."""
    (tmp_path / name).write_bytes(body)
    for options in ([], ["--dry-run"], ["--workflow"]):
        done = plain.pupline("ingest", name, *options, "--data", "data", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"pupline: {name}: ")
        assert line.endswith(f"{MISSING}; {instead}")
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.long
@pytest.mark.slow
def test_the_other_commands_work_without_extras(plain: PlainInstall, tmp_path: Path) -> None:
    """The workflow, the reading commands, and a doctor who lists what is missing."""
    absent = plain.run(
        "-c", "import importlib.util as u; print(u.find_spec('pyarrow'), u.find_spec('boto3'))", cwd=tmp_path
    )
    assert absent.stdout == "None None\n"
    assert plain.pupline("run", "--source", "sample", "--count", "3", cwd=tmp_path).returncode == 0
    assert (
        plain.pupline("ingest", "sample", "--count", "3", "--shards", "2", "--sidecars", cwd=tmp_path).returncode == 0
    )
    commands = ("audit", "insights", "executions", "alerts", "sources", "cost")
    for name in commands:
        done = plain.pupline(name, cwd=tmp_path)
        assert (name, done.returncode, "Traceback" in done.stderr) == (name, 0, False), done.stderr
    for place, options in {"table": ("--format", "parquet"), "list.parquet": ()}.items():
        to = ("--to", place) if options else ("--list", place)
        done = plain.pupline("export", "sample", *options, *to, cwd=tmp_path)
        assert (done.returncode, done.stderr, (tmp_path / place).exists()) == (2, f"pupline: {MISSING}\n", False)
    doctor = plain.pupline("doctor", "--source", "sample", cwd=tmp_path)
    assert doctor.returncode == 0
    assert (
        "not installed: aws, parquet, quality, console (pip install 'pupline[aws,parquet,quality,console]')"
        in " ".join(doctor.stdout.split())
    )
