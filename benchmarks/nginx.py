"""A local nginx that serves a directory: the server of the bulk benchmarks. Debian's package `nginx` is enough."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

from benchmarks.processes import cpu_seconds_of

MISSING = "nginx is not installed; on Debian or Ubuntu: apt-get install nginx-light"

REFUSING, CLOSING = "/refused/", "/refused-closed/"
"""Paths below which all is answered with 403; the second closes the connection after that."""

_CONF = """
{user}
worker_processes auto;
pid {prefix}/nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {prefix}/t; proxy_temp_path {prefix}/t; fastcgi_temp_path {prefix}/t;
    uwsgi_temp_path {prefix}/t; scgi_temp_path {prefix}/t;
    sendfile on;
    tcp_nopush on;
    keepalive_timeout 60;
    keepalive_requests 1000000;
    types {{ image/jpeg jpg; }}
    server {{
        listen 127.0.0.1:{port}; root {root};
        location {refusing} {{ return 403; }}
        location {closing} {{ keepalive_timeout 0; return 403; }}
    }}
}}
"""


def nginx_program() -> str | None:
    """The path of nginx, even if PATH lacks sbin; None if it is not installed."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


class Nginx:
    """nginx serving the files of `root` within a `with` block. prefix: a directory for its configuration and log."""

    def __init__(self, program: str, root: Path, prefix: Path) -> None:
        self._program, self._root, self._prefix = program, root, prefix
        self.port = _free_port()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Nginx":
        self._prefix.mkdir(parents=True, exist_ok=True)
        conf, log = self._prefix / "nginx.conf", self._prefix / "error.log"
        # Root must name the workers' user: the default user cannot read the directory. Others may not name one.
        user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
        places = {"prefix": self._prefix, "root": self._root, "refusing": REFUSING, "closing": CLOSING}
        conf.write_text(_CONF.format(user=user, port=self.port, **places))
        command = [self._program, "-p", str(self._prefix), "-c", str(conf), "-e", str(log), "-g", "daemon off;"]
        self._process = subprocess.Popen(command)
        _wait_until_open(self.port, log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(timeout=10)

    def cpu_seconds(self) -> float:
        """User and system time so far, of the master and its workers."""
        return cpu_seconds_of(self._process.pid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_open(port: int, log: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"nginx does not answer on port {port} within {seconds:.0f} s; its log is {log}")
