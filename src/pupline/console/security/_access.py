"""Who may read, where the console needs a token for that: by cookie in a browser, as Bearer for programs.

The cookie holds the time at which it ends, signed with the token: it outlives a restart, and another token ends it.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from pupline.errors import ConfigurationError

LEAST_CHARACTERS = 16
_COOKIE_SECONDS = 7 * 24 * 3600


def checked_token(token: str) -> str:
    """The token without white space around it. Raises: ConfigurationError for one that could be guessed."""
    found = token.strip()
    if len(found) < LEAST_CHARACTERS or not (found.isascii() and found.isprintable()) or " " in found:
        raise ConfigurationError(
            f"the console's token must have {LEAST_CHARACTERS} letters, digits or signs or more; make one with: "
            "openssl rand -hex 32"
        )
    return found


class Access:
    """token: None where anyone who reaches the console may read. Cookies are shared by all ports of a host, so the
    name has the port."""

    def __init__(self, token: str | None, port: int) -> None:
        self._token = token
        self._cookie_name = f"pupline-console-{port}"

    @property
    def is_needed(self) -> bool:
        """Whether reading needs the token."""
        return self._token is not None

    def is_token(self, text: str) -> bool:
        """Whether this is the token."""
        return self._token is not None and hmac.compare_digest(text.encode(), self._token.encode())

    def allows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers may read. headers: by names in lower case."""
        if self._token is None:
            return True
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(credentials.strip()):
            return True
        return self._is_valid(_cookie(headers.get("cookie", ""), self._cookie_name))

    def cookie(self) -> str:
        """The Set-Cookie header of someone who has shown the token."""
        ends = f"{time.time() + _COOKIE_SECONDS:.0f}"
        value = f"{ends}.{self._signature(ends)}"
        return f"{self._cookie_name}={value}; Path=/; Max-Age={_COOKIE_SECONDS}; HttpOnly; SameSite=Strict"

    def _is_valid(self, value: str) -> bool:
        ends, _, signature = value.partition(".")
        is_signed = hmac.compare_digest(signature.encode(), self._signature(ends).encode())
        return is_signed and float(ends) > time.time()

    def _signature(self, ends: str) -> str:
        return hmac.new((self._token or "").encode(), f"console until {ends}".encode(), hashlib.sha256).hexdigest()


def _cookie(header: str, name: str) -> str:
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""
