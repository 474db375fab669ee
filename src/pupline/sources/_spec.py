"""A source as data: what a spec file says, checked and compiled. See docs/sources.md for what each field means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from pupline.http import Origin, Url
from pupline.sources._expressions import Expression
from pupline.sources._source import Limits, Terms

AuthKind = Literal["none", "header", "query", "bearer", "oauth2_cc"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthSpec:
    """How the API wants to be told who asks. `secret` and `client_id` are references, never secrets themselves.

    name: of the header or query parameter. prefix: what stands before the secret in the header, such as `Client-ID `.
    optional: without the secret ask without it. demo: a key that the API's documentation gives to everyone, sent where
    nobody has one of their own. token_url, client_id, scope: of the OAuth 2 client credentials grant (RFC 6749, 4.4).
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
    """Which paginator, and its settings by name, checked and with their defaults."""

    type: str = "single_page"
    settings: Mapping[str, Any] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSpec:
    """One API. title: what it is, in a line. params, headers: of every request; params may be given anew by the user.

    ok: true of an answer that is none of an error. items: of a page, gives texts (URLs) or objects. fields: of an item,
    by field name. parent: of the page, for fields that all its items share. types: what its images may be.
    """

    name: str
    title: str = ""
    base_url: Url
    path: str = ""
    params: Mapping[str, str] = field(default_factory=_nothing)
    headers: Mapping[str, str] = field(default_factory=_nothing)
    auth: AuthSpec = AuthSpec()
    ok: Expression | None = None
    items: Expression
    fields: Mapping[str, Expression] = field(default_factory=_nothing)
    parent: Mapping[str, Expression] = field(default_factory=_nothing)
    url_template: str | None = None
    id_from: re.Pattern[str] | None = None
    labels_from: re.Pattern[str] | None = None
    paginator: PaginatorSpec = PaginatorSpec()
    limits: Limits = field(default_factory=Limits)
    contact_required: bool = False
    terms: Terms = field(default_factory=Terms)
    types: tuple[str, ...] = ()
    image_origins: tuple[Origin, ...] = ()
