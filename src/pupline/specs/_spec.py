"""A source as data: the content of a spec file, checked and compiled. docs/sources.md describes each field."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pupline.http import Origin, Url
from pupline.json_values import JSON
from pupline.specs._expressions import Expression

AuthKind = Literal["none", "header", "query", "bearer", "oauth2_cc"]

DEFAULT_MAX_PAGES = 10_000
"""The most pages of one listing, unless its spec says otherwise: an API that never ends must not run forever."""


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSpec:
    """How requests are authenticated. `secret` and `client_id` are references, never secrets themselves.

    name: of the header or query parameter. prefix: put before the secret in the header, such as `Client-ID `.
    optional: without the secret, requests have none. demo: a key from the API's documentation, used without a secret.
    token_url, client_id, scope: of the OAuth 2 client credentials grant (RFC 6749, 4.4).
    """

    kind: AuthKind = "none"
    secret: str | None = None
    name: str | None = None
    prefix: str = ""
    optional: bool = False
    demo: str | None = None
    token_url: str | None = None
    client_id: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PaginatorSpec:
    """The type of the paginator, and its checked settings by name."""

    type: str = "single_page"
    settings: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the API's own host. None: those that the user, or the program, has for all hosts.

    rps: requests per second. concurrency: requests in flight. per_hour: requests in an hour, which may come in bursts.
    page_size_max: the most items on one page. max_pages: requests of one listing.
    image_rps, image_concurrency: the same for each host that has only images.
    """

    rps: float | None = None
    concurrency: int | None = None
    per_hour: int | None = None
    page_size_max: int | None = None
    max_pages: int = DEFAULT_MAX_PAGES
    image_rps: float | None = None
    image_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """The API's terms for bulk use. cap: the most items of a listing, where bulk is `capped`."""

    bulk: Literal["yes", "capped", "no"] = "yes"
    url: str | None = None
    note: str | None = None
    cap: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSpec:
    """How to get one image at random. path: of a random image. breed_path: of one of a breed, with `{breed}` in it.

    items: what names the image there, where it is not the spec's own `items`.
    """

    path: str | None = None
    breed_path: str | None = None
    items: Expression | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One API. title: what it is, in a line. params, headers: of every request; the user may replace params.

    body: of a POST, with placeholders. numbers: params that are numbers.
    ok: true of an answer that is not an error. retry_if: true of one that is an error which passes. items: of a page,
    gives texts (URLs) or objects. each: of such an object, gives those in it, level by level. fields: of an item, by
    field name. outer: of the objects that it is in. parent: of the page, for fields that all its items share.
    extra: of an item, values that are no field of ours, by their names in the metadata's `extra`.
    url_replace: pairs of a text in the item's URL and what replaces it. types: file types that its images may have.
    is_trusted: the user named the API, so its address may be private. sample: which built-in server must run for it.
    """

    name: str
    title: str = ""
    base_url: Url
    path: str = ""
    method: Literal["GET", "POST"] = "GET"
    body: Mapping[str, JSON] = field(default_factory=_nothing)
    params: Mapping[str, str] = field(default_factory=_nothing)
    numbers: frozenset[str] = frozenset()
    headers: Mapping[str, str] = field(default_factory=_nothing)
    auth: AuthSpec = AuthSpec()
    ok: Expression | None = None
    retry_if: Expression | None = None
    items: Expression
    each: tuple[Expression, ...] = ()
    fields: Mapping[str, Expression] = field(default_factory=_nothing)
    outer: Mapping[str, Expression] = field(default_factory=_nothing)
    parent: Mapping[str, Expression] = field(default_factory=_nothing)
    extra: Mapping[str, Expression] = field(default_factory=_nothing)
    url_replace: tuple[tuple[str, str], ...] = ()
    url_template: str | None = None
    id_from: re.Pattern[str] | None = None
    labels_from: re.Pattern[str] | None = None
    paginator: PaginatorSpec = PaginatorSpec()
    limits: Limits = field(default_factory=Limits)
    contact_required: bool = False
    terms: Terms = field(default_factory=Terms)
    types: tuple[str, ...] = ()
    image_origins: tuple[Origin, ...] = ()
    random: RandomSpec = RandomSpec()
    is_trusted: bool = False
    sample: Literal["friendly", "hostile"] | None = None

    @property
    def trusted(self) -> frozenset[Origin]:
        """Origins whose addresses may be private."""
        return frozenset({self.base_url.origin}) if self.is_trusted else frozenset()

    @property
    def has_random_image(self) -> bool:
        """Whether one page gives a fair choice of an image: the API draws it at random, or the page has all of them."""
        return self.random.path is not None or self.paginator.type in ("repeat", "single_page")
