#!/usr/bin/env python3
"""Fetch dog images and upload them, in one script, outside the workflow: for local testing and direct use.

    python ingest_dog.py --count 5
    python ingest_dog.py --count 5 --source sample
    python ingest_dog.py --count 5 --bucket my-bucket

It calls the same Task as the workflow, FetchAndUploadDogImage, with the same HTTP client and the same checks of content
and names. Images go to the data directory's bucket, or to S3 with --bucket. It sends no alert and writes no record, as
`pupline run` does. It needs only the standard library, and boto3 for S3.
"""

import argparse
import os
import secrets
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
if (ROOT / "src" / "pupline").is_dir():
    sys.path.insert(0, str(ROOT / "src"))

from pupline.backends import RunSettings, fetch_services  # noqa: E402
from pupline.errors import PuplineError, RetryAfter, TaskFailure  # noqa: E402 - the path comes first
from pupline.tasks.fetch_and_upload_dog_image import FetchServices, fetch_and_upload  # noqa: E402
from pupline.tasks.image_storage import ImageStorage  # noqa: E402
from pupline.text import printable  # noqa: E402

ATTEMPTS = 4


class Choices:
    """A write-once store in memory: every attempt of an execution is made by this process."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def remember(self, name: str, value: str) -> str:
        """The first value given for `name`."""
        return self._values.setdefault(name, value)

    def recall(self, name: str) -> str | None:
        """The value given for `name`, if any."""
        return self._values.get(name)


def main(given: list[str] | None = None) -> int:
    """Fetch and upload. The exit code: 0 for success, 1 if some failed, 2 if the options cannot work."""
    options = _options(given)
    settings = RunSettings(
        options.source, options.image_url, options.breed, tuple(options.allow_origin), options.timeout
    )
    failed = 0
    try:
        with ExitStack() as stack:
            services = fetch_services(settings.checked(), _storage(options, stack), stack)
            run = time.strftime("ingest-%Y%m%d-%H%M%S-", time.gmtime()) + secrets.token_hex(2)
            for number in range(1, options.count + 1):
                failed += not _ingest({**settings.input, "execution": f"{run}-{number:05}"}, services)
    except (PuplineError, ImportError) as error:
        print(f"ingest_dog: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe; drop what is still buffered
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except KeyboardInterrupt:
        return 130
    return 1 if failed else 0


def _ingest(event: Mapping[str, Any], services: FetchServices) -> bool:
    """Fetch and upload one image and print the result in one line; whether it succeeded."""
    try:
        image = _with_retries(event, services)
    except TaskFailure as failure:
        print(f"{failure.outcome}: {type(failure).__name__}: {printable(failure.message, 300)}", file=sys.stderr)
        return False
    pixels = f"{image['width']}x{image['height']}, " if image["width"] else ""
    what = f"{image['file_type']}, {pixels}{image['size_bytes']:,} bytes"
    note = "  PNG!" if image["file_type"] == "png" else ""
    print(f"{image['outcome']}: {image['image_url']} ({what}){note}")
    return bool(image["outcome"] != "quarantined")


def _with_retries(event: Mapping[str, Any], services: FetchServices) -> dict[str, Any]:
    """The workflow's Retry and Wait, simplified. Raises: TaskFailure."""
    for attempt in range(1, ATTEMPTS):
        try:
            return dict(fetch_and_upload(event, services))
        except RetryAfter as failure:
            time.sleep(failure.seconds)
        except TaskFailure as failure:
            if not failure.retryable:
                raise
            time.sleep(0.5 * 2**attempt)
    return dict(fetch_and_upload(event, services))


def _storage(options: argparse.Namespace, stack: ExitStack) -> ImageStorage:
    """The store for the images. Raises: ConfigurationError; ImportError without boto3."""
    if options.bucket:
        from pupline.aws import S3Store, s3_client

        return ImageStorage(S3Store(s3_client(), options.bucket), Choices())
    from pupline.local import LocalBackend

    backend = stack.enter_context(LocalBackend.open(options.data, exclusive=True))
    return ImageStorage(backend.bucket(), backend.write_once)


def _options(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fetch dog images, check what they are, upload them.")
    parser.add_argument("--count", type=int, default=1, help="images to fetch (default: 1)")
    parser.add_argument("--source", default="dog-ceo", help="dog-ceo, sample, sample-hostile, or an API's base URL")
    parser.add_argument("--breed", help="such as hound or hound/afghan")
    parser.add_argument("--image-url", help="fetch this one image")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("PUPLINE_DATA") or "pupline-data"),
        help="data directory (or PUPLINE_DATA; default: ./pupline-data)",
    )
    parser.add_argument("--bucket", help="upload to this S3 bucket instead; credentials as boto3 finds them")
    parser.add_argument("--allow-origin", action="append", default=[], help="an origin that may be private")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds per request (default: 30)")
    options = parser.parse_args(given)
    if options.count < 1:
        parser.error(f"--count {options.count}: fetch at least one image")
    return options


if __name__ == "__main__":
    sys.exit(main())
