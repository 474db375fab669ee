"""Image APIs as data: spec files and presets, the requests they make, the items on a page, one image at random.

    spec = resolve_spec("dog-ceo")
    url = RandomImages(HttpClient(FetchPolicy(trusted=spec.trusted)), spec).random_image("hound/afghan")

Standard library and jmespath only, as it runs in Lambda. `pupline.sources` lists all images of an API.
"""

from pupline.specs._answers import check_ok, check_transient, quoted_error
from pupline.specs._credentials import Credentials, credentials_of
from pupline.specs._expressions import Expression
from pupline.specs._extra import BINARY, why_no_extras
from pupline.specs._extraction import described
from pupline.specs._fields import did_you_mean
from pupline.specs._item_fields import FACTS, MAX_URL, Normaliser, kept_url
from pupline.specs._item_reader import ItemReader, PageItems
from pupline.specs._page_json import parse_page
from pupline.specs._paginator_settings import PAGINATORS
from pupline.specs._random import RandomImages, number_of
from pupline.specs._read_spec import Problem, SpecError, read_spec
from pupline.specs._requests import (
    MAX_PAGE_BYTES,
    NextPage,
    PageClient,
    PageRequest,
    fetch_page,
    mask,
    page_request,
    page_url,
)
from pupline.specs._resolve import (
    EXECUTION_HEADER,
    SAMPLE_ORIGIN,
    compatible_api,
    join_params,
    presets,
    resolve_spec,
    spec_named,
    spec_text,
    split_params,
    with_params,
)
from pupline.specs._spec import AuthSpec, Limits, PaginatorSpec, SourceSpec, Terms

__all__ = [
    "BINARY",
    "EXECUTION_HEADER",
    "FACTS",
    "MAX_PAGE_BYTES",
    "MAX_URL",
    "PAGINATORS",
    "SAMPLE_ORIGIN",
    "AuthSpec",
    "Credentials",
    "Expression",
    "ItemReader",
    "Limits",
    "NextPage",
    "Normaliser",
    "PageClient",
    "PageItems",
    "PageRequest",
    "PaginatorSpec",
    "Problem",
    "RandomImages",
    "SourceSpec",
    "SpecError",
    "Terms",
    "check_ok",
    "check_transient",
    "compatible_api",
    "credentials_of",
    "described",
    "did_you_mean",
    "fetch_page",
    "join_params",
    "kept_url",
    "mask",
    "number_of",
    "page_request",
    "page_url",
    "parse_page",
    "presets",
    "quoted_error",
    "read_spec",
    "resolve_spec",
    "spec_named",
    "spec_text",
    "split_params",
    "why_no_extras",
    "with_params",
]
