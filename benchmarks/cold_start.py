"""Cold start of each Lambda function: time of its INIT and zip size, compared with a naive version of the function.

INIT is the import of the handler, which makes the clients as well. The naive version has the whole package in its zip
and imports everything at the top.
"""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from benchmarks.measure import BUILD, Figure
from pupline import packaging

ROUNDS = 7

LAZY = "import {module}"
NAIVE = """
import boto3, botocore.config, botocore.exceptions, http.client, ssl
import pupline.aws, pupline.http, pupline.images, pupline.asl, pupline.tasks.records, pupline.tasks.ports
import {module}
"""
TIMED = """
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.process_time()
{imports}
print(time.process_time() - start)
"""
SETTINGS = {"DOG_BUCKET": "b", "DDB_TABLE": "t", "MEMO_TABLE": "m", "AWS_DEFAULT_REGION": "eu-central-1"}


def figures() -> list[Figure]:
    """Per function: milliseconds of processor for INIT, and kilobytes of zip, packaged as shipped and naively."""
    BUILD.mkdir(exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        whole = _whole_package(Path(directory))
        for name, module in packaging.FUNCTIONS.items():
            archive = packaging.stage(name, Path(directory)).archive
            shipped = _init_seconds(archive.with_suffix(""), LAZY.format(module=module))
            naive = _init_seconds(packaging.SOURCE, NAIVE.format(module=module))
            sizes = f"zip {archive.stat().st_size / 1e3:.0f} kB, naively {whole.stat().st_size / 1e3:.0f} kB"
            found += [
                Figure(f"{name}, INIT", "as shipped", 1e3 * shipped, "ms", sizes),
                Figure(f"{name}, INIT", "naive", 1e3 * naive, "ms", "whole package, everything imported at the top"),
            ]
    return found


def _whole_package(directory: Path) -> Path:
    """The whole package in one zip."""
    archive = directory / "whole.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as zipped:
        for file in sorted(packaging.SOURCE.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                zipped.write(file, file.relative_to(packaging.SOURCE))
    return archive


def _init_seconds(path: Path, imports: str) -> float:
    """The best of several new processes, with compiled files: Lambda's runtime has boto3 compiled, too."""
    command = [sys.executable, "-c", TIMED.format(imports=imports), str(path)]
    environment = {**os.environ, **SETTINGS}
    rounds = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(ROUNDS + 1)
    ]
    return min(map(float, rounds))


if __name__ == "__main__":
    for figure in figures():
        print(f"{figure.what:32} {figure.who:12} {figure.value or 0:7.1f} {figure.unit}  {figure.note}")
