"""The certificates of the hostile hosts, and the authority that the programs under test trust."""

import os
import socket
import ssl
from pathlib import Path

from tests.hostile.internet import DOMAIN
from tests.hostile.scenario import Tls


class Certificates:
    """Makes the certificates in a new directory, and has this process's children trust them."""

    def __init__(self, directory: Path) -> None:
        from cryptography.x509 import DNSName

        from tests.shared.self_signed import certificate_for

        self._contexts: dict[Tls, ssl.SSLContext] = {}
        trusted = ""
        names: dict[Tls, str] = {"proper": f"*.{DOMAIN}", "other-name": "images.example"}
        for tls, name in names.items():
            place = directory.with_name(f"{directory.name}-{tls}")
            place.mkdir(parents=True)
            path = certificate_for(DNSName(name), place)
            self._contexts[tls] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._contexts[tls].load_cert_chain(path)
            trusted += path.read_text()
        authorities = directory.with_name(f"{directory.name}.pem")
        authorities.write_text(trusted)
        os.environ["SSL_CERT_FILE"] = str(authorities)

    def wrapped(self, sock: socket.socket, tls: Tls) -> socket.socket:
        """The server's side of a connection, with TLS. Raises: OSError."""
        return self._contexts[tls].wrap_socket(sock, server_side=True)
