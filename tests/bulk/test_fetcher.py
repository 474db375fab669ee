"""One request of a worker."""

import gc
import socket
from pathlib import Path

from pupline.bulk._body_files import BodyFiles
from pupline.bulk._fetcher import Fetcher, PendingImage
from pupline.bulk._worker_messages import ImageRequest, RequestFailed
from pupline.http import FetchPolicy, HttpClient, Network
from pupline.tasks.ingest_rules import IngestRules
from tests.http.servers import answer


def test_a_failure_leaves_nothing_to_the_garbage_collector(tmp_path: Path) -> None:
    """A list may have a million dead links: objects that refer to each other would pile up between collections."""
    client_end, server_end = socket.socketpair()
    network = Network(begin_connect=lambda _address, _port: client_end)
    client = HttpClient(FetchPolicy(), network, idle_connections=1)
    fetcher = Fetcher(client, BodyFiles(str(tmp_path), 0), IngestRules())

    def refused() -> None:
        image = fetcher.begin(ImageRequest(1, "http://93.184.215.14/", None, None, None, None, None))
        assert isinstance(image, PendingImage)
        server_end.sendall(answer(b"no", status="403 Forbidden"))
        while (reply := fetcher.poll(image)) is None:
            pass
        assert isinstance(reply, RequestFailed)

    with server_end:
        refused()
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                refused()
            assert gc.collect() == 0
        finally:
            gc.enable()
            client.close()
