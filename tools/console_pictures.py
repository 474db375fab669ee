"""Pictures of the console's main pages for the documentation, of the sample pictures that come with pupline.

    python -m tools.console_pictures [--out docs/images]

Needs Debian's package chromium. The pictures are PNG files with a palette, at most 150 kB each.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
MOST_BYTES = 150_000

_DATA = "pupline-data"
_COMMANDS = (
    ("run", "--source=sample", "--count=12", "--run-id=monday"),
    ("subscribe", "file", "alerts.jsonl"),
    ("subscribe", "webhook", "http://127.0.0.1:9/alerts"),
    ("ingest", "sample", "--run-id=bulk"),
    ("run", "--source=sample-hostile", "--count=12", "--run-id=tuesday"),
    ("run", "--source=sample", "--count=12", "--run-id=wednesday"),
)

_Theme = Literal["light", "dark"]
_PICTURES: tuple[tuple[str, str, _Theme, tuple[int, int]], ...] = (
    ("overview", "/", "light", (1280, 800)),
    ("execution", "/executions/tuesday-00011", "light", (1280, 980)),
    ("executions", "/executions?order=failed", "dark", (1280, 800)),
    ("gallery", "/gallery", "dark", (1280, 800)),
)
"""Name, path, theme and size of each."""


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="where to write them")
    out: Path = parser.parse_args().out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for arguments in _COMMANDS:
            # A run that has failed executions exits with 1.
            subprocess.run(_pupline(*arguments), cwd=folder, check=False, capture_output=True)
        with _served(folder) as origin, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name, path, theme, size in _PICTURES:
                picture = _compressed(_shot(browser, origin + path, theme, size))
                if len(picture) > MOST_BYTES:
                    raise SystemExit(f"{name}: {len(picture):,} bytes are too many; make the window smaller")
                (out / f"console-{name}.png").write_bytes(picture)
            browser.close()


def _pupline(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pupline", *arguments, f"--data={_DATA}"]


@contextmanager
def _served(folder: str) -> Iterator[str]:
    with subprocess.Popen(
        _pupline("serve", "--port=0", "--json"), cwd=folder, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            if process.stdout is None:
                raise SystemExit("the console has no output")
            yield json.loads(process.stdout.readline())["url"].rstrip("/")
        finally:
            process.terminate()


def _shot(browser: Browser, url: str, theme: _Theme, size: tuple[int, int]) -> bytes:
    """The window as a PNG file, once all pictures are there."""
    page = browser.new_page(
        color_scheme=theme, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce", timezone_id="UTC"
    )
    page.goto(url, wait_until="load")
    page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
    page.wait_for_selector("#live[data-state=live]")
    page.wait_for_timeout(500)
    shot = page.screenshot()
    page.close()
    return shot


def _compressed(picture: bytes) -> bytes:
    with Image.open(BytesIO(picture)) as image:
        packed = BytesIO()
        image.convert("RGB").quantize(256, kmeans=1, dither=Image.Dither.NONE).save(packed, "PNG", optimize=True)
    return packed.getvalue()


if __name__ == "__main__":
    main()
