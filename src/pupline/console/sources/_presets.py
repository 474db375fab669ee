"""The built-in sources, as their pages and the API show them."""

from pydantic import BaseModel

from pupline.console.web import not_found
from pupline.specs import SourceSpec, presets, spec_named
from pupline.text import nearest, printable


class SourceModel(BaseModel):
    """One source, as `pupline sources show NAME --json` prints it. single: whether it gives one image at a time."""

    name: str
    title: str
    base_url: str
    key: str | None
    key_required: bool
    contact_required: bool
    bulk: str
    cap: int | None
    terms: str | None
    note: str | None
    params: dict[str, str]
    paginator: str
    single: bool

    @classmethod
    def of(cls, spec: SourceSpec) -> "SourceModel":
        """The model of a spec."""
        auth, terms = spec.auth, spec.terms
        return cls(
            name=spec.name,
            title=spec.title,
            base_url=str(spec.base_url),
            key=auth.secret,
            key_required=auth.kind != "none" and not auth.optional and auth.demo is None,
            contact_required=spec.contact_required,
            bulk=terms.bulk,
            cap=terms.cap,
            terms=terms.url,
            note=terms.note,
            params=dict(spec.params),
            paginator=spec.paginator.type,
            single=spec.has_random_image,
        )

    @property
    def key_text(self) -> str:
        """Whether it needs a key, for people."""
        if self.key is None:
            return "none"
        return f"{'needed' if self.key_required else 'optional'}: {self.key}"

    @property
    def bulk_text(self) -> str:
        """Whether it may be ingested as a whole, for people."""
        return f"{self.cap:,} images at most" if self.cap is not None else self.bulk


def all_sources() -> list[SourceModel]:
    """The built-in sources, samples last."""
    return [SourceModel.of(spec) for name in presets() if (spec := spec_named(name)) is not None]


def source_named(name: str) -> SourceModel:
    """A built-in source. A spec file is not read for a name in a URL. Raises: Problem."""
    names = presets()
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else "a source of your own is tried on the page Sources"
        raise not_found(f"there is no built-in source {printable(name, 60)}; {hint}")
    spec = spec_named(name)
    if spec is None:
        raise not_found(f"there is no built-in source {printable(name, 60)}")
    return SourceModel.of(spec)
