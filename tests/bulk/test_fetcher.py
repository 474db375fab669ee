"""One request of a worker."""

import gc
from pathlib import Path

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._fetcher import Fetcher
from pupline.bulk._worker_messages import ImageRequest, RequestFailed
from pupline.http import FetchPolicy, HttpClient
from pupline.tasks.ingest_item import IngestRules


def test_a_failure_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """A list may have a million dead links: objects that refer to each other would pile up between collections."""
    fetcher = Fetcher(HttpClient(FetchPolicy()), BodyFiles(str(tmp_path), 0), IngestRules())
    request = ImageRequest(1, "http://127.0.0.1/", None, None, None, None, None)
    assert isinstance(fetcher.begin(request), RequestFailed)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            fetcher.begin(request)
        assert gc.collect() == 0
    finally:
        gc.enable()
