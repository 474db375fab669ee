"""Who asks: what goes into each request of a listing so that the API lets us in, and what must be seen by nobody."""

import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_plus, urlencode

from pupline.errors import ConfigurationError, SourceError
from pupline.json_values import parse_json
from pupline.specs._requests import PageRequest, spellings
from pupline.specs._secrets import secret_of
from pupline.specs._spec import AuthSpec
from pupline.text import printable

Clock = Callable[[], float]

# A token is renewed when this part of its life is left, so that none expires between our clock and theirs.
_SPARE = 0.1
_DEFAULT_LIFE_SECONDS = 3600.0


@dataclass(slots=True)
class Credentials:
    """Headers and parameters that tell who asks; the same for each request."""

    headers: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()

    def token_request(self) -> PageRequest | None:
        """What must be asked before the next page can be; None: nothing."""
        return None

    def take_token(self, body: bytes) -> None:
        """The answer to `token_request`. Raises: SourceError where it holds no token."""

    def used(self) -> None:
        """A page came with these: should they be refused later, something new may be worth a try."""

    def renew(self) -> bool:
        """The API refused what `headers` and `params` told: whether there is something new to try."""
        return False

    def clean(self, url: str) -> str:
        """`url` without our parameters: APIs repeat them in the links that they give."""
        if not any(written in url for written in spellings(self.secrets)):
            return url
        bare, _, query = url.partition("?")
        pairs = [pair for pair in query.split("&") if pair]
        kept = [pair for pair in pairs if unquote_plus(pair.partition("=")[2]) not in self.secrets]
        return url if len(kept) == len(pairs) else bare + ("?" if kept else "") + "&".join(kept)


class ClientCredentials(Credentials):
    """OAuth 2.0, client credentials (RFC 6749, 4.4): the first request of a listing asks for a token."""

    def __init__(self, auth: AuthSpec, client_id: str, secret: str, clock: Clock) -> None:
        super().__init__(secrets=(secret,))
        self._auth = auth
        self._clock = clock
        self._secret = secret
        self._basic = base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode()).decode()
        self._expires_at = 0.0
        self._fresh = False

    def token_request(self) -> PageRequest | None:
        if self.headers and self._clock() < self._expires_at:
            return None
        form = {"grant_type": "client_credentials"}
        if self._auth.scope:
            form["scope"] = self._auth.scope
        headers = {"Authorization": f"Basic {self._basic}"}
        content = urlencode(form).encode()
        return PageRequest(str(self._auth.token_url), headers, content, secrets=(self._secret, self._basic))

    def take_token(self, body: bytes) -> None:
        answer = parse_json(body)
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isprintable() or not token.isascii() or not token:
            raise SourceError("the answer holds no access_token; check token_url, client_id and from under [auth]")
        life = answer.get("expires_in") if isinstance(answer, dict) else None
        seconds = float(life) if isinstance(life, int | float) and life > 0 else _DEFAULT_LIFE_SECONDS
        self._expires_at = self._clock() + seconds * (1 - _SPARE)
        self.headers = {"Authorization": f"Bearer {token}"}
        self.secrets = (self._secret, self._basic, token)
        self._fresh = True

    def used(self) -> None:
        self._fresh = False

    def renew(self) -> bool:
        if self._fresh or not self.headers:
            return False
        self.headers = {}
        return True


def credentials_of(auth: AuthSpec, clock: Clock = time.monotonic) -> Credentials:
    """What `auth` tells to send. Raises: ConfigurationError for a secret that is not there."""
    if auth.kind == "none":
        return Credentials()
    secret = _secret(auth)
    if secret is None:
        return Credentials()
    if auth.kind == "oauth2_cc":
        client_id = _required(str(auth.client_id))
        return ClientCredentials(auth, client_id, secret, clock)
    if auth.kind == "query":
        return Credentials(params={str(auth.name): secret}, secrets=(secret,))
    name, prefix = ("Authorization", "Bearer ") if auth.kind == "bearer" else (str(auth.name), auth.prefix)
    return Credentials(headers={name: prefix + secret}, secrets=(secret,))


def _secret(auth: AuthSpec) -> str | None:
    """The secret, or the demo key; None where asking without any is allowed."""
    reference = str(auth.secret)
    if auth.demo is None and not auth.optional:
        return _required(reference)
    return secret_of(reference) or auth.demo


def _required(reference: str) -> str:
    found = secret_of(reference)
    if found is None:
        raise ConfigurationError(f"the API wants a key: {printable(reference)} is not there; {_how_to_give(reference)}")
    return found


def _how_to_give(reference: str) -> str:
    kind, _, where = reference.partition(":")
    where = printable(where.partition("#")[0])
    if kind == "env":
        return f"set the environment variable {where}, such as: export {where}=..."
    return f"write it into the file {where}" if kind == "file" else f"create the secret {where} in Secrets Manager"
