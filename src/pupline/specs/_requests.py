"""The requests to an API: which page, with which parameters, headers and credentials, and the exchange itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

from pupline.errors import TaskFailure
from pupline.http import FetchPolicy, Response
from pupline.json_values import JSON
from pupline.specs._answers import explain, key_advice
from pupline.specs._body import filled_body, placeholders_in
from pupline.specs._spec import SourceSpec

if TYPE_CHECKING:
    from pupline.specs._credentials import Credentials

MAX_PAGE_BYTES = 32 * 1024 * 1024
"""Of one page of a listing: the ids of the largest museum fit in a tenth of it."""

MASK = "***"


@dataclass(frozen=True, slots=True, repr=False)
class PageRequest:
    """One request to an API. GET, or POST where there is `content`: the form of a token request, or JSON.

    url, headers: ready to be sent. They may hold secrets, so `repr` shows neither, and every text about this request
    (a failure's message names the URL) goes through `mask` before anybody sees it. advice: what to do if the API
    refuses the key. can_wait: whether other pages can be requested first, if it fails.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | None = None
    content_type: str = "application/x-www-form-urlencoded"
    secrets: tuple[str, ...] = ()
    advice: str = ""
    can_wait: bool = False

    def mask(self, text: str) -> str:
        """`text` with `***` for every secret of this request, plain or percent-encoded."""
        return mask(text, self.secrets)

    def explain(self, failure: TaskFailure) -> None:
        """Complete the message of a failure of this request: the API's own words, what to do, no secret."""
        explain(failure, self.mask, self.advice)

    def __repr__(self) -> str:
        return f"PageRequest({self.mask(self.url)!r})"


def mask(text: str, secrets: tuple[str, ...]) -> str:
    """`text` with `***` for each of `secrets`, in every spelling that URLs and forms have for it."""
    for written in spellings(secrets):
        text = text.replace(written, MASK)
    return text


def spellings(secrets: tuple[str, ...]) -> set[str]:
    """Each of `secrets` as it is, and as URLs and forms write it."""
    ways: list[Callable[[str], str]] = [str, quote, quote_plus, lambda secret: quote(secret, safe="")]
    return {way(secret) for secret in secrets for way in ways}


@dataclass(frozen=True, slots=True)
class NextPage:
    """Which page to request. url: a whole one, instead of the spec's. path: instead of the spec's path.

    params: added to the spec's, replacing those of the same name. own_params: whether the spec's params are sent at
    all. fills: values of `{name}` in the path, percent-encoded. body: values in the body of a POST, by dotted path.
    """

    url: str | None = None
    path: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    own_params: bool = True
    fills: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, JSON] = field(default_factory=dict)


def page_url(spec: SourceSpec, page: NextPage) -> str:
    """The page's URL without any secret."""
    if page.url is not None:
        return page.url
    path = spec.path if page.path is None else page.path
    for name, value in page.fills.items():
        path = path.replace(f"{{{name}}}", value)
    url = str(spec.base_url).rstrip("/") + ("/" + path.lstrip("/") if path else "")
    own = spec.params if page.own_params else {}
    if spec.method == "POST":  # params that the body names are sent there
        in_body = placeholders_in(dict(spec.body))
        own = {name: value for name, value in own.items() if name not in in_body}
    return _with_params(url, {**own, **page.params})


def page_request(
    spec: SourceSpec, page: NextPage, credentials: "Credentials", contact: str | None, execution: str | None = None
) -> PageRequest:
    """The request for a page. A header with `{execution}` is sent only on behalf of an execution."""
    headers = {
        name: value.replace("{contact}", contact or "no contact given").replace(
            "{execution}", quote(execution or "", safe="")
        )
        for name, value in spec.headers.items()
        if execution is not None or "{execution}" not in value
    }
    url = _with_params(page_url(spec, page), credentials.params)
    advice = key_advice(spec.auth, has_key=bool(credentials.secrets))
    request = PageRequest(url, {**headers, **credentials.headers}, secrets=credentials.secrets, advice=advice)
    if spec.method != "POST":
        return request
    params = {**spec.params, **{name: unquote(value) for name, value in page.fills.items()}}
    content = filled_body(spec.body, params, spec.numbers, page.body)
    return replace(request, content=content, content_type="application/json")


def _with_params(url: str, params: Mapping[str, str]) -> str:
    """`url` with `params` in its query, replacing those of the same name, in whatever spelling."""
    if not params:
        return url
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in params]
    return urlunsplit(parts._replace(query="&".join([*kept, urlencode(params, quote_via=quote, safe=",:")])))


class PageClient(Protocol):
    """The HTTP client: `pupline.http.HttpClient`."""

    @property
    def policy(self) -> FetchPolicy:
        """The rules that it follows."""

    def get(
        self, url: str, *, accept: str = ..., max_bytes: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The response at `url`."""

    def post(
        self,
        url: str,
        *,
        content: bytes,
        content_type: str,
        accept: str = ...,
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The response to a form, or to JSON."""


def fetch_page(client: PageClient, request: PageRequest, max_bytes: int = MAX_PAGE_BYTES) -> Response:
    """The response to a page request. Raises: TaskFailure, with the API's words, all secrets masked."""
    try:
        if request.content is not None:
            return client.post(
                request.url,
                content=request.content,
                content_type=request.content_type,
                accept="application/json",
                max_bytes=max_bytes,
                headers=request.headers,
            )
        return client.get(request.url, accept="application/json", max_bytes=max_bytes, headers=request.headers)
    except TaskFailure as failure:
        request.explain(failure)
        raise
