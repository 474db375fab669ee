"""A server on 127.0.0.1 with a thread for each connection."""

import socket
import threading
from types import TracebackType
from typing import Self


class ThreadedServer:
    """Listens while it is open; `handle` serves one connection. At its end every connection has to be over."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._acceptor = threading.Thread(target=self._accept)
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"

    def handle(self, sock: socket.socket, number: int) -> None:
        """Serve the connection with this number, from 0, and close it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join(5)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.handle, args=(sock, len(self._threads)), daemon=True)
            self._threads.append(thread)
            thread.start()
