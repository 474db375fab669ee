"""An internet of our own: names, public-looking addresses, and forbidden ones that would answer.

Inside a new network namespace everything is on the loopback device, so that nothing leaves it, and `/etc/resolv.conf`
names our own name server. Where no namespace can be made, each host is a port of 127.0.0.1, and nothing has a name.
"""

import fcntl
import shutil
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.hostile.scenario import API, GOOD, SHARED

DOMAIN = "hostile.example"
INSIDE = "PUPLINE_TEST_NAMESPACE"
"""Set in the environment of a process that has its own namespace."""

_NETWORKS = (
    ("93.184.0.1", "255.255.0.0"),  # ours
    # What must never be reached, and would answer if it were.
    ("10.0.0.1", "255.0.0.0"),
    ("100.64.0.1", "255.192.0.0"),
    ("168.63.129.16", "255.255.255.0"),
    ("169.254.169.254", "255.255.0.0"),
    ("172.16.0.1", "255.240.0.0"),
    ("192.0.0.192", "255.255.255.0"),
    ("192.168.0.1", "255.255.0.0"),
    ("198.18.0.1", "255.254.0.0"),
)
_SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK, _IFF_UP = 0x8914, 0x8916, 0x891C, 1


@dataclass(slots=True)
class Internet:
    """Where the hosts are. has_names: this process is inside the namespace. ports: of each host without one.

    secure: the labels of those with https URLs. is_shared: all scenarios are on one host.
    """

    labels: list[str]
    has_names: bool
    secure: frozenset[str] = frozenset()
    is_shared: bool = False
    ports: dict[str, int] = field(default_factory=dict)

    def origin(self, label: str) -> str:
        """The origin of a host."""
        if self.is_shared and label not in {API, GOOD}:
            label = SHARED
        scheme = "https" if label in self.secure else "http"
        return f"{scheme}://{label}.{DOMAIN}" if self.has_names else f"http://127.0.0.1:{self.ports[label]}"

    def address(self, label: str) -> str:
        """The address of a host with a name."""
        number = self.labels.index(label)
        return f"93.184.{number // 250}.{number % 250 + 1}"


@cache
def entrance() -> tuple[str, ...]:
    """The words that start a command in a new namespace; none where none can be made."""
    if sys.platform == "linux" and shutil.which("unshare"):
        for words in (("unshare", "--net", "--mount"), ("unshare", "--map-root-user", "--net", "--mount")):
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                return words
    return ()


def furnish() -> None:
    """Give the new namespace its addresses, and a name server at 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
        for number, (address, mask) in enumerate(_NETWORKS):
            # The kernel takes the whole network of an address on the loopback device for this machine's own.
            for request, value in ((_SIOCSIFADDR, address), (_SIOCSIFNETMASK, mask)):
                packed = struct.pack("=16sHH4s8x", b"lo:%d" % number, socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, packed)
    with NamedTemporaryFile("w", suffix=".conf", delete=False) as conf:
        conf.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    subprocess.run(["mount", "--bind", conf.name, "/etc/resolv.conf"], check=True)
    Path(conf.name).unlink()
