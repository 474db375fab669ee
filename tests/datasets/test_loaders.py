"""What users load datasets with reads what a run leaves: the programs of docs/datasets.md, on a dataset that is hard.

Each runs in a process of its own, with the interpreter of `make loaders`, and reaches nothing but the disk.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.shared.installed import pupline
from tests.shared.mixed_dataset import write_mixed_dataset
from tests.shared.needed_tools import needs

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "datasets.md").read_text()
PYTHON = ROOT / ".venv" / "loaders" / "bin" / "python"
TORCH = ROOT / ".venv" / "loaders-torch" / "bin" / "python"
MISSING = None if PYTHON.exists() else "the libraries that load datasets are not installed; run `make loaders`"

pytestmark = [pytest.mark.slow, needs(MISSING)]

PROGRAMS: dict[str, str] = dict(re.findall(r"<!-- loader: ([\w ]+) -->\n```python\n(.*?)```", PAGE, re.DOTALL))
CHECKS = {
    "pandas": """
assert len(metadata) == 113 and set(metadata["run"]) == {"2026-01-01", "monday"}
assert str(metadata["upload_timestamp"].dtype) == "datetime64[ns, UTC]"
assert table.schema.field("run").type == pyarrow.string() and table["caption"].null_count == 23
last = metadata.iloc[-1]
assert (last["caption"], list(last["labels"]), last["width"]) == ("a dog, number 109", ["hound", "afghan"], 32)
""",
    "pandas jsonl": """
assert len(metadata) == 113 and metadata.iloc[-1]["extra"]["stars"] == 4.5
assert metadata.iloc[3]["id"] == "0000"
""",
    "polars": """
assert metadata.schema["labels"] == polars.List(polars.String) and metadata.schema["run"] == polars.String
assert metadata["run"].value_counts(sort=True).rows() == [("monday", 110), ("2026-01-01", 3)]
assert metadata["alert_triggered"].null_count() == 0 and metadata["width"].null_count() == 2
""",
    "polars jsonl": """
assert metadata.height == 113 and metadata["extra"].struct.field("stars").drop_nulls().to_list() == [4.5] * 10
""",
    "datasets export": """
for found in (pictures, shards, table):
    assert list(found) == ["train", "validation", "test"]
    assert sum(map(len, found.values())) == 110, found
rows = {row["sha256"]: row for part in pictures.values() for row in part}
assert {row["image"].format for row in rows.values()} == {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"}
assert sum(row["caption"] == "a dog, number 109" for row in rows.values()) == 1
assert [(row["label"], row["stars"]) for row in rows.values() if row["stars"]].count(("pug", 4.5)) == 5
assert {row["day"] for row in rows.values()} == {"2026-01-31", None}
assert {sample["json"]["sha256"] for part in shards.values() for sample in part} == set(rows)
assert sorted(row["stars"] for part in table.values() for row in part if row["stars"]) == [4.5] * 10
from pathlib import Path
assert Path("exports/dogs-whole/train/metadata.jsonl").exists()
whole = load_dataset("imagefolder", data_dir="exports/dogs-whole", split="train")
assert len(whole) == 110 and {row["stars"] for row in whole} == {"", "4.5"}
""",
    "datasets webdataset": """
assert len(dogs) == 108 and dogs.features["label"].names == ["", "hound/afghan", "pug"]
formats = {dogs[at]["jpg"].format for at in range(len(dogs))}
assert formats == {"JPEG", "PNG", "GIF", "WEBP", "AVIF", "BMP", "TIFF"}, formats
assert (dogs[0]["json"]["stars"], dogs[107]["json"]["stars"]) == ("", "4.5")
assert (dogs[0]["txt"], dogs[107]["txt"]) == ("", "a dog, number 109")
files = "datasets/dogs/shards/run=monday/*.tar"
streamed = load_dataset("webdataset", data_files=files, split="train", streaming=True)
assert [sample["json"]["index"] for sample in streamed] == [at for at in range(110) if at not in {7, 8}]
""",
    "datasets imagefolder": """
from pathlib import Path
stored = [path for path in Path("html/dogs").iterdir() if path.suffix != ".avif"]
assert len(stored) == 110 - 12 and len(pictures) == len(stored)
""",
    "datasets parquet": """
assert len(metadata) == 110 and metadata[109]["labels"] == ["hound", "afghan"] and metadata[0]["labels"] == []
""",
    "webdataset": """
samples = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil"))
assert len(samples) == 108
assert all({"jpg", "json", "txt"} < set(sample) for sample in samples)
assert {tuple(sample["json"]) for sample in samples} == {tuple(samples[0]["json"])}
assert [sample["jpg"].size for sample in samples] == [(32, 24)] * 108
""",
    "torch": """
    assert classes == ["", "hound/afghan", "pug"]
    batches = list(loader)
    assert sum(len(numbers) for _, numbers in batches) == 108
    assert batches[0][0].shape[1:] == (3, 24, 32) and batches[0][0].dtype == torch.float32
""",
    "torch folders": """
from pathlib import Path
files = [path for path in Path("exports/dogs-folders/train").glob("*/*")]
assert len(pictures) == len(files) and any(path.suffix == ".avif" for path in files)
assert pictures.classes == sorted({path.parent.name for path in files}) and pictures[0][0].size == (32, 24)
""",
}
"""What holds after each program of the page. Programs of one library run in one process: to import it takes longest."""

LIBRARIES = ("pandas", "polars", "datasets", "webdataset")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bucket's directory, with the mixed dataset."""
    data = tmp_path_factory.mktemp("mixed") / "data"
    root = write_mixed_dataset(data)
    (root / "exports").symlink_to(data / "exports")
    for name in ("folders", "webdataset", "parquet", "whole"):
        options = ["--format", name, "--split", "50/25/25"] if name != "whole" else []
        done = pupline(data, "export", "dogs", "--to", data / f"exports/dogs-{name}", *options)
        assert done.returncode == 0, done.stderr
    return root


def load(python: Path, program: str, directory: Path, cache: Path) -> None:
    """Run a program in the directory, without a network, and expect success."""
    nowhere = "http://127.0.0.1:9"
    environment = {
        "PATH": os.defpath,
        "HOME": str(cache),
        "HF_HOME": str(cache),
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "http_proxy": nowhere,
        "https_proxy": nowhere,
    }
    script = cache / "program.py"
    script.write_text(program)
    command = [str(python), str(script)]
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]


def test_the_page_has_a_program_for_each_library() -> None:
    """Each program of the page is checked here."""
    assert set(PROGRAMS) == set(CHECKS)
    assert {name.split()[0] for name in CHECKS} == {*LIBRARIES, "torch"}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_loads_what_a_run_leaves(library: str, bucket: Path, tmp_path: Path) -> None:
    """The programs of the page load every row and picture, and the values are those that the source gave."""
    names = [name for name in CHECKS if name.split()[0] == library]
    load(PYTHON, "".join(PROGRAMS[name] + CHECKS[name] for name in names), bucket, tmp_path)


# Not `needs`: PyTorch is too large for `make test` to install, so CI has none either.
@pytest.mark.skipif(not TORCH.exists(), reason="PyTorch is not installed; run `make loaders-torch`")
def test_pytorch_loads_what_a_run_leaves(bucket: Path, tmp_path: Path) -> None:
    """Two workers of a DataLoader read every picture of the shards once, as tensors; torchvision reads the folders."""
    for name in ("torch", "torch folders"):
        load(TORCH, PROGRAMS[name] + CHECKS[name], bucket, tmp_path)
