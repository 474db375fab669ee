"""The HTTP proxy of a user's network.

The proxy resolves names itself, so their addresses cannot be checked here. Those in a URL still are: a literal address,
and `localhost`.
"""

from binascii import b2a_base64
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http._url import Origin, Url
from pupline.text import printable


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where the proxy is. Its text shows no credentials.

    authorization: the value of Proxy-Authorization; "" for none.
    """

    origin: Origin
    authorization: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> "Proxy":
        """The proxy that a user typed, such as `http://user:password@proxy.example:3128`.

        User name and password are percent-decoded. Raises: ConfigurationError, which shows no credentials.
        """
        scheme, _, rest = text.partition("://") if "://" in text else ("http", "", text)
        credentials, at, place = rest.rpartition("@")
        shown = f"--proxy {printable(f'***@{place}' if at else text, 100)}"
        if scheme.lower() != "http":
            raise ConfigurationError(
                f"{shown}: only proxies reached over plain http are supported; https goes through those as well"
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
        """The header lines for the proxy alone."""
        return f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""


def _basic(credentials: str) -> str:
    """Source: RFC 7617, 2; UTF-8."""
    user, _, password = credentials.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return f"Basic {b2a_base64(pair, newline=False).decode('ascii')}"
