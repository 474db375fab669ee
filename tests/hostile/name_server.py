"""A name server whose answers change from one lookup to the next."""

import ipaddress
import socket
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

_A, _AAAA, _NXDOMAIN = 1, 28, 3

UNKNOWN = ("unknown",)
"""Instead of addresses: there is no such name."""

SILENT = ("silent",)
"""Instead of addresses: no answer."""

OWN = "own"
"""Instead of an address: the one at which the host is served."""


class NameServer:
    """Serves A and AAAA on 127.0.0.1 port 53. names: to the addresses that the n-th lookup gets, or UNKNOWN, SILENT."""

    def __init__(self, names: Mapping[str, Sequence[Sequence[str]]]) -> None:
        self._names = names
        self._asked: Counter[tuple[str, int]] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        self._socket.settimeout(0.05)
        self._is_over = False
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._is_over:
            try:
                query, peer = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            reply = self._reply(query)
            if reply:
                self._socket.sendto(reply, peer)

    def _reply(self, query: bytes) -> bytes:
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
            at += query[at] + 1
        question = query[12 : at + 5]
        kind = int.from_bytes(query[at + 1 : at + 3])
        addresses = self._addresses(".".join(labels).lower(), kind)
        if addresses == SILENT:
            return b""
        if addresses == UNKNOWN:
            return query[:2] + struct.pack(">HHHHH", 0x8180 | _NXDOMAIN, 1, 0, 0, 0) + question
        packed = [ipaddress.ip_address(address).packed for address in addresses]
        records = [packed_one for packed_one in packed if len(packed_one) == (4 if kind == _A else 16)]
        head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, len(records), 0, 0)
        return (
            head
            + question
            + b"".join(struct.pack(">HHHIH", 0xC00C, kind, 1, 0, len(record)) + record for record in records)
        )

    def _addresses(self, name: str, kind: int) -> tuple[str, ...]:
        lookups = self._names.get(name)
        if lookups is None or kind not in {_A, _AAAA}:
            return UNKNOWN if lookups is None else ()
        nth = self._asked[name, kind]
        self._asked[name, kind] += 1
        return tuple(lookups[min(nth, len(lookups) - 1)])
