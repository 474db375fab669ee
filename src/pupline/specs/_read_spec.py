"""Reads a spec file: TOML, with every field checked, and all problems reported at once under their dotted paths."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pupline.errors import ConfigurationError
from pupline.specs import _fields as kinds
from pupline.specs._body import blocked_path, placeholders_in
from pupline.specs._fields import Field, InvalidValue, did_you_mean, shown
from pupline.specs._item_fields import FACTS
from pupline.specs._paginator_settings import PAGINATORS
from pupline.specs._spec import AuthSpec, Limits, PaginatorSpec, RandomSpec, SourceSpec, Terms
from pupline.text import printable

FILE_TYPES: Final = ("jpg", "png", "gif", "webp", "avif", "heic", "bmp", "tiff")

_TOP = {
    "name": Field(kinds.slug, required=True),
    "title": Field(kinds.text),
    "base_url": Field(kinds.base_url, required=True),
    "path": Field(kinds.any_text),
    "method": Field(kinds.one_of("GET", "POST")),
    "ok": Field(kinds.expression),
    "retry_if": Field(kinds.expression),
    "items": Field(kinds.expression, required=True),
    "each": Field(kinds.expressions(2)),
    "url_replace": Field(kinds.replacements),
    "url_template": Field(kinds.text),
    "id_from": Field(kinds.pattern),
    "labels_from": Field(kinds.pattern),
    "image_origins": Field(kinds.origins),
}
_SECRET = Field(kinds.reference, required=True, hidden=True)
_KEY = {"from": _SECRET, "optional": Field(kinds.flag), "demo": Field(kinds.text)}
_AUTH_KINDS: dict[str, dict[str, Field]] = {
    "none": {},
    "header": {**_KEY, "name": Field(kinds.header_name, required=True), "prefix": Field(kinds.text)},
    "query": {**_KEY, "name": Field(kinds.text, required=True)},
    "bearer": _KEY,
    "oauth2_cc": {
        "from": _SECRET,
        "optional": Field(kinds.flag),
        "client_id": _SECRET,
        "token_url": Field(kinds.https_url, required=True),
        "scope": Field(kinds.text),
    },
}
_LIMITS = {
    "rps": Field(kinds.rate),
    "concurrency": Field(kinds.whole(1, 256)),
    "per_hour": Field(kinds.whole(1)),
    "page_size_max": Field(kinds.whole(1)),
    "max_pages": Field(kinds.whole(1)),
    "image_rps": Field(kinds.rate),
    "image_concurrency": Field(kinds.whole(1, 256)),
}
_RANDOM = {"path": Field(kinds.text), "breed_path": Field(kinds.text), "items": Field(kinds.expression)}
_TERMS = {
    "bulk": Field(kinds.one_of("yes", "capped", "no")),
    "url": Field(kinds.text),
    "note": Field(kinds.text),
    "cap": Field(kinds.whole(1)),
}
_TABLES = (
    *("params", "body", "headers", "auth", "fields", "outer", "parent", "extra", "paginator"),
    *("random", "limits", "user_agent", "terms", "expect"),
)

_MAX_BYTES = 1024 * 1024
_OWN_HEADERS = frozenset(
    {
        *("host", "user-agent", "accept", "accept-encoding", "connection"),
        *("content-length", "content-type", "transfer-encoding"),
    }
)
_SECRET_NAME = re.compile(
    r"(?:.*[-_])?(?:(?:api|access)[-_]?)?(?:key|token|secret|password|authorization|cookie)", re.IGNORECASE
)
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,1000}[\x21-\x7e])?")
_BRACES = re.compile(r"(?:[^{}]|\{[A-Za-z_@][\w.@-]*\})*")


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem of one field. path: dotted, such as `paginator.type`; empty for the file as a whole."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SpecError(ConfigurationError):
    """An invalid spec. `problems` holds all problems; the text is the first one, in one line."""

    def __init__(self, where: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        rest = len(self.problems) - 1
        more = f" ({rest} more; pupline sources validate {where} lists all)" if rest else ""
        super().__init__(f"{where}: {self.problems[0]}{more}")


def read_spec(data: bytes, where: str) -> SourceSpec:
    """The spec in a TOML file's bytes. where: its name in messages. Raises: SpecError."""
    import tomllib  # not for a list of URLs, which should begin at once

    try:
        if len(data) > _MAX_BYTES:
            raise ValueError(f"it has {len(data):,} bytes; a spec has at most {_MAX_BYTES:,}")  # noqa: TRY301
        found = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        raise SpecError(where, [Problem("", f"it is not UTF-8 text (byte {err.start}); a spec is TOML")]) from err
    except (ValueError, RecursionError) as err:
        raise SpecError(where, [Problem("", f"it cannot be read as TOML: {printable(str(err))}")]) from None
    reader = _Reader(found)
    spec = reader.spec()
    if spec is None:
        raise SpecError(where, reader.problems)
    return spec


class _Reader:
    """Reads one document and collects its problems."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.problems: list[Problem] = []
        self._document = document

    def spec(self) -> SourceSpec | None:
        """The spec; None when there are problems."""
        top = self._read_fields("", {key: one for key, one in self._document.items() if key not in _TABLES}, _TOP)
        paginator, limits = self._paginator(), Limits(**self._table("limits", _LIMITS))
        parts = {
            "params": self._params(),
            "numbers": frozenset(name for name, one in self._raw("params").items() if isinstance(one, int | float)),
            "body": self._body(top.get("method", "GET"), paginator),
            "headers": self._headers(),
            "auth": self._auth(),
            "fields": self._table("fields", dict.fromkeys(("url", *FACTS), Field(kinds.expression))),
            "outer": self._table("outer", dict.fromkeys(FACTS, Field(kinds.expression))),
            "parent": self._table("parent", dict.fromkeys(FACTS, Field(kinds.expression))),
            "extra": self._table("extra", dict.fromkeys(self._raw("extra"), Field(kinds.expression))),
            "random": self._random(),
            "terms": self._terms(),
            **self._table("user_agent", {"contact_required": Field(kinds.flag)}),
            **self._table("expect", {"types": Field(kinds.several_of(*FILE_TYPES))}),
        }
        self._check_combinations(top, paginator, limits)
        return None if self.problems else SourceSpec(**top, **parts, paginator=paginator, limits=limits)

    def _problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, message))

    def _table(self, name: str, fields: Mapping[str, Field]) -> dict[str, Any]:
        return self._read_fields(name, self._raw(name), fields)

    def _raw(self, name: str) -> dict[str, Any]:
        value = self._document.get(name, {})
        if isinstance(value, dict):
            return value
        self._problem(name, f"{shown(value)}: write a table, which begins [{name}]")
        return {}

    def _read_fields(self, path: str, table: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
        """The table's values; unknown, missing and invalid ones become problems."""
        names = tuple(fields) if path else (*fields, *_TABLES)
        for key in table:
            if key not in fields:
                self._problem(_dotted(path, key), f"there is no such field{_instead(key, names)}")
        for key, field in fields.items():
            if field.required and key not in table:
                self._problem(_dotted(path, key), "it is missing; see pupline sources show dog-ceo for an example")
        return {
            key: value
            for key, field in fields.items()
            if key in table and (value := self._read(_dotted(path, key), field, table[key])) is not None
        }

    def _read(self, path: str, field: Field, value: Any) -> Any:
        try:
            return field.kind(value)
        except InvalidValue as invalid:
            self._problem(path, str(invalid) if field.hidden else f"{shown(value)}: {invalid}")
            return None

    # ---- the tables

    def _params(self) -> Mapping[str, str]:
        table = self._raw("params")
        self._refuse_secrets("params", table, "query")
        return self._read("params", Field(kinds.scalars, hidden=True), dict(table)) or {}

    def _body(self, method: str, paginator: PaginatorSpec) -> Mapping[str, Any]:
        """The body of a POST, checked together with the paths that the paginator fills."""
        paths = {name: path for name, path in paginator.settings.items() if name.endswith("_body_path")}
        if method != "POST":
            if "body" in self._document:
                self._problem("body", "a body is sent by POST: write method = 'POST'")
            for name in paths:
                self._problem(f"paginator.{name}", "it is a path in the body of a POST: write method = 'POST'")
            return {}
        if paginator.type in ("ids_then_detail", "date_window", "continue_object", "repeat"):
            self._problem("method", f"'POST': {paginator.type} requests its pages by GET")
        found: Mapping[str, Any] | None = self._read("body", Field(kinds.body, hidden=True), self._document.get("body"))
        self._refuse_secrets_within("body", found)
        for name, path in paths.items():
            if blocked_path(found or {}, path):
                self._problem(f"paginator.{name}", f"{shown(path)}: something other than a table is there in the body")
        return found or {}

    def _refuse_secrets_within(self, path: str, value: Any) -> None:
        if isinstance(value, dict):
            self._refuse_secrets(path, value, "header")
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for name, one in inner:
            self._refuse_secrets_within(_dotted(path, str(name)), one)

    def _headers(self) -> Mapping[str, str]:
        table = self._raw("headers")
        self._refuse_secrets("headers", table, "header")
        for name, value in table.items():
            path = _dotted("headers", name)
            self._read(path, Field(kinds.header_name), name)
            if name.lower() in _OWN_HEADERS:
                self._problem(path, "the client sends this header itself; leave it out")
            elif not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
                self._problem(path, "write its value as a text of printable ASCII")
        return {str(name): str(value) for name, value in table.items()}

    def _refuse_secrets(self, path: str, table: Mapping[str, Any], kind: str) -> None:
        for name in table:
            if is_secret_name(name):
                self._problem(
                    _dotted(path, name),
                    f"a secret never stands in a spec; write [auth] with kind = '{kind}', "
                    f"name = '{printable(name, 40)}' and from = 'env:NAME'",
                )

    def _auth(self) -> AuthSpec:
        table = self._raw("auth")
        kind = self._read("auth.kind", Field(kinds.one_of(*_AUTH_KINDS)), table.get("kind", "none"))
        if kind is None:
            return AuthSpec()
        read = self._read_fields("auth", table, {"kind": Field(kinds.any_text), **_AUTH_KINDS[kind]})
        read["secret"] = read.pop("from", None)
        return AuthSpec(**read)

    def _paginator(self) -> PaginatorSpec:
        table = self._raw("paginator")
        kind = self._read("paginator.type", Field(kinds.one_of(*PAGINATORS)), table.get("type", "single_page"))
        if kind is None:
            return PaginatorSpec()
        read = self._read_fields("paginator", table, {"type": Field(kinds.any_text), **PAGINATORS[kind]})
        read.pop("type", None)
        if isinstance(table.get("params"), dict):
            self._refuse_secrets("paginator.params", table["params"], "query")
        return PaginatorSpec(type=kind, settings=read)

    def _random(self) -> RandomSpec:
        read = self._table("random", _RANDOM)
        in_body = "breed" in placeholders_in(self._raw("body"))
        if "breed_path" in read and "{breed}" not in read["breed_path"] and not in_body:
            self._problem("random.breed_path", f"{shown(read['breed_path'])}: write {{breed}} where the breed belongs")
        return RandomSpec(**read)

    def _terms(self) -> Terms:
        read = self._table("terms", _TERMS)
        if (read.get("bulk") == "capped") != ("cap" in read):
            self._problem("terms.cap", "give the most items of one listing with bulk = 'capped', and only with it")
        return Terms(**read)

    def _check_combinations(self, top: Mapping[str, Any], paginator: PaginatorSpec, limits: Limits) -> None:
        template, settings = top.get("url_template"), paginator.settings
        if "outer" in self._document and "each" not in top:
            self._problem("outer", "it is about the objects around those that each finds; write each, or use fields")
        if template is not None and not _BRACES.fullmatch(template):
            self._problem("url_template", f"{shown(template)}: write placeholders as {{name}} or {{name.name}}")
        if paginator.type == "cursor" and "cursor_param" not in settings and "cursor_body_path" not in settings:
            self._problem(
                "paginator.cursor_param", "it is missing; give it, or cursor_body_path for the body of a POST"
            )
        if "cursor_param" in settings and "cursor_body_path" in settings:
            self._problem("paginator.cursor_body_path", "the cursor is sent once: give this or cursor_param")
        path = settings.get("path")
        if paginator.type == "ids_then_detail" and isinstance(path, str) and "{id}" not in path:
            self._problem("paginator.path", f"{shown(path)}: write {{id}} where the id belongs")
        if paginator.type == "repeat" and ("{size}" in top.get("path", "")) != ("size" in settings):
            self._problem("paginator.size", "give it when path holds {size}, and only then")
        for name in ("limit", "size"):
            size = settings.get(name)
            if isinstance(size, int) and limits.page_size_max is not None and size > limits.page_size_max:
                self._problem(f"paginator.{name}", f"{size}: at most limits.page_size_max, {limits.page_size_max}")


def is_secret_name(name: str) -> bool:
    """Whether a parameter or header of this name is probably a key."""
    return _SECRET_NAME.fullmatch(name) is not None


def _dotted(path: str, key: str) -> str:
    key = printable(key, 60)
    return f"{path}.{key}" if path else key


def _instead(key: str, names: tuple[str, ...]) -> str:
    near = did_you_mean(key, names)
    if near or not names:
        return near or "; leave it out"
    return f"; leave it out, or write one of {', '.join(names)}"
