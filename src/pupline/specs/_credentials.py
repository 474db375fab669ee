"""Credentials: the headers and parameters that authenticate each request, and the secrets that no text may show."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode

from pupline.errors import ConfigurationError, SourceError
from pupline.json_values import parse_json
from pupline.specs._answers import key_advice
from pupline.specs._requests import PageRequest, spellings
from pupline.specs._secrets import secret_of
from pupline.specs._spec import AuthSpec
from pupline.text import printable

Clock = Callable[[], float]

_SPARE = 0.1
"""The part of a token's life that is not used, so that none expires on its way."""

_DEFAULT_LIFE_SECONDS = 3600.0


@dataclass(slots=True)
class Credentials:
    """Credentials that stay the same, or none at all."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def token_request(self) -> PageRequest | None:
        """The request for a token that must come before the next page; None where none is needed."""
        return None

    def take_token(self, body: bytes) -> None:
        """Keep the token in the response to `token_request`. Raises: SourceError where there is none."""

    def accepted(self) -> None:
        """The API accepted the token: if it refuses it later, a new one is worth a try."""

    def renew(self) -> bool:
        """Whether there is something new to try, after the API refused these credentials."""
        return False

    def clean(self, url: str) -> str:
        """`url` without our secret parameters: some APIs repeat them in the links that they give."""
        if not any(written in url for written in spellings(self.secrets)):
            return url
        bare, _, query = url.partition("?")
        pairs = [pair for pair in query.split("&") if pair]
        kept = [pair for pair in pairs if unquote_plus(pair.partition("=")[2]) not in self.secrets]
        return url if len(kept) == len(pairs) else bare + ("?" if kept else "") + "&".join(kept)


class ClientCredentials(Credentials):
    """OAuth 2.0 client credentials (RFC 6749, 4.4): the first request of a listing is for a token."""

    def __init__(self, auth: AuthSpec, client_id: str, secret: str, clock: Clock) -> None:
        super().__init__(secrets=(secret,))
        self._auth = auth
        self._clock = clock
        self._secret = secret
        self._basic = base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        self._expires_at = 0.0
        self._is_new = False

    def token_request(self) -> PageRequest | None:
        if self.headers and self._clock() < self._expires_at:
            return None
        form = {"grant_type": "client_credentials"} | ({"scope": self._auth.scope} if self._auth.scope else {})
        headers = {"Authorization": f"Basic {self._basic}"}
        secrets = (self._secret, self._basic)
        advice = key_advice(self._auth, has_key=True)
        return PageRequest(str(self._auth.token_url), headers, urlencode(form).encode(), secrets=secrets, advice=advice)

    def take_token(self, body: bytes) -> None:
        answer = parse_json(body)
        found = answer if isinstance(answer, dict) else {}
        token, life = found.get("access_token"), found.get("expires_in")
        if not isinstance(token, str) or not token.isprintable() or not token.isascii() or not token:
            raise SourceError("the answer holds no access_token; check token_url, client_id and from under [auth]")
        seconds = float(life) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE_SECONDS
        self._expires_at = self._clock() + seconds * (1 - _SPARE)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.secrets = (self._secret, self._basic, token)
        self._is_new = True

    def accepted(self) -> None:
        self._is_new = False

    def renew(self) -> bool:
        if self._is_new or not self.headers:
            return False
        self.headers = {}
        return True


def credentials_of(auth: AuthSpec, clock: Clock = time.monotonic) -> Credentials:
    """The credentials that `auth` describes. Raises: ConfigurationError for a missing secret."""
    if auth.kind == "none":
        return Credentials()
    reference = str(auth.secret)
    may_be_missing = auth.demo is not None or auth.optional
    secret = (secret_of(reference) or auth.demo) if may_be_missing else _required(reference)
    if secret is None:
        return Credentials()
    if auth.kind == "oauth2_cc":
        return ClientCredentials(auth, _required(str(auth.client_id)), secret, clock)
    if auth.kind == "query":
        return Credentials(params={str(auth.name): secret}, secrets=(secret,))
    name, prefix = ("Authorization", "Bearer ") if auth.kind == "bearer" else (str(auth.name), auth.prefix)
    return Credentials(headers={name: prefix + secret}, secrets=(secret,))


def _required(reference: str) -> str:
    found = secret_of(reference)
    if found is not None:
        return found
    kind, _, where = reference.partition(":")
    where = printable(where.partition("#")[0])
    advice = {
        "env": f"set the environment variable {where}, such as: export {where}=...",
        "file": f"write it into the file {where}",
    }.get(kind, f"create the secret {where} in Secrets Manager")
    raise ConfigurationError(f"the API wants a key: {printable(reference)} is not there; {advice}")
