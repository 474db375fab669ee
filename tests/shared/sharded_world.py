"""Machines that share a list of images on several hosts, each with a data directory of its own."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pupline.bulk import IngestReport, IngestRequest, ingest
from pupline.local import LocalBackend
from tests.shared.functions_fakes import picture
from tests.shared.image_host import ImageHost, image_host

ADDRESSES = {"127.0.0.1": 3, "127.0.0.2": 3, "127.0.0.3": 2, "127.0.0.5": 1}
"""Hosts, and the shard of three that each belongs to."""


@contextmanager
def sharded_world(folder: Path) -> Iterator["World"]:
    """Hosts on four addresses, each with three images of its own under the same names, and a fourth that all have."""
    with ExitStack() as stack:
        hosts = {
            address: stack.enter_context(
                image_host(
                    {f"/{n}.jpg": picture("JPEG", f"rgb({n * 90},{at * 60},9)") for n in range(3)}
                    | {"/same.png": picture("PNG")},
                    address,
                )
            )
            for at, address in enumerate(ADDRESSES)
        }
        yield World(folder, hosts)


class World:
    """Machines that each have a data directory, and one list for all."""

    def __init__(self, folder: Path, hosts: dict[str, ImageHost]) -> None:
        self.folder = folder
        self.hosts = hosts
        self.list = folder / "dogs.txt"
        self.urls = [f"{host.origin}/{number}.jpg" for number in range(3) for host in hosts.values()]
        self.list.write_text("\n".join([*self.urls, self.urls[0], "no URL"]))

    def request(self, shard: str | None, **options: Any) -> IngestRequest:
        """The command on one machine."""
        origins = tuple(host.origin for host in self.hosts.values())
        options = {"source": str(self.list), "allow_origins": origins, "workers": 1, **options}
        return IngestRequest(shard=shard, **options)

    def ingest(self, machine: str, shard: str | None, **options: Any) -> IngestReport:
        """The result on one machine."""
        return ingest(self.folder / machine, self.request(shard, **options), lambda _: None)

    def read(self, machine: str, key: str) -> bytes:
        """An object of a machine's bucket."""
        with LocalBackend.open(self.folder / machine, exclusive=False) as backend:
            return backend.bucket().read(key)
