"""Sources of images as data: spec files, presets, APIs and lists of URLs, listed page by page without any I/O of ours.

    source = resolve("dog-ceo")
    listing = source.open()
    request = listing.request()            # ask for it with pupline.http.HttpClient, then
    page = listing.read(body, headers)     # page.items: SourceItems; listing.position(): to go on from after a restart

`resolve` takes a preset's name (maybe with params: `openverse?q=dog`), a spec file (`my.toml`), the base URL of a
Dog-CEO-compatible API, or a list of URLs (.txt, .csv, .jsonl, .parquet; local or s3://bucket/key).
"""

from pupline.sources._api_listing import shortfall_of
from pupline.sources._listing import MAX_PAGE_BYTES, Listing, Page, PageRequest
from pupline.sources._pages import PREVIEW_ATTEMPTS, Pages, ask, is_final
from pupline.sources._paginators import PAGINATORS
from pupline.sources._piped import is_piped, keep_piped, piped_for_now
from pupline.sources._random import RandomImages, check_picks
from pupline.sources._read_spec import Problem, SpecError, read_spec
from pupline.sources._resolve import presets, resolve, spec_named, spec_text
from pupline.sources._source import ImageSource, Limits, Opening, Reader, Terms
from pupline.sources._spec import AuthSpec, PaginatorSpec, SourceSpec

__all__ = [
    "MAX_PAGE_BYTES",
    "PAGINATORS",
    "PREVIEW_ATTEMPTS",
    "AuthSpec",
    "ImageSource",
    "Limits",
    "Listing",
    "Opening",
    "Page",
    "PageRequest",
    "Pages",
    "PaginatorSpec",
    "Problem",
    "RandomImages",
    "Reader",
    "SourceSpec",
    "SpecError",
    "Terms",
    "ask",
    "check_picks",
    "is_final",
    "is_piped",
    "keep_piped",
    "piped_for_now",
    "presets",
    "read_spec",
    "resolve",
    "shortfall_of",
    "spec_named",
    "spec_text",
]
