"""The HTTP proxy that a user's network wants to be asked through.

With one, names are resolved by the proxy: what they mean cannot be checked here, and is up to the proxy. What a URL
says by itself still is: a literal address, and `localhost`.
"""

from binascii import b2a_base64
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http._url import Origin, Url
from pupline.text import printable


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is. Its text has no credentials.

    authorization: the value of Proxy-Authorization; "" for none.
    """

    origin: Origin
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """The proxy that somebody typed, such as `http://user:password@proxy.example:3128`.

        User name and password are percent-decoded. Raises: ConfigurationError, without the credentials.
        """
        scheme, _, rest = text.partition("://") if "://" in text else ("http", "", text)
        credentials, at, place = rest.rpartition("@")
        shown = f"--proxy {printable(f'***@{place}' if at else text, 100)}"
        if scheme.lower() != "http":
            raise ConfigurationError(
                f"{shown}: only proxies that are reached over plain http are used; https goes through those as well"
            )
        try:
            url = Url.parse(f"http://{place}")
        except InvalidUrl as err:
            raise ConfigurationError(f"{shown}: {err}; write it such as http://proxy.example:3128") from err
        if url.target != "/" or "?" in place or "#" in place:
            raise ConfigurationError(f"{shown}: a proxy ends after host and port, such as http://proxy.example:3128")
        return cls(url.origin, _basic(credentials) if at else "")

    def __str__(self) -> str:
        return str(self.origin)

    @property
    def lines(self) -> str:
        """The header lines that are meant for the proxy alone."""
        return f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""


def _basic(credentials: str) -> str:
    """Source: RFC 7617, 2; UTF-8."""
    user, _, password = credentials.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return f"Basic {b2a_base64(pair, newline=False).decode('ascii')}"
