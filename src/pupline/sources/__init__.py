"""Sources of images, listed page by page without any I/O of ours.

    source = resolve("dog-ceo")
    listing = source.open()
    request = listing.request()            # fetch it with pupline.http.HttpClient, then
    page = listing.read(body, headers)     # page.items: SourceItems; listing.position(): where to resume

`resolve` takes a preset's name (maybe with params: `openverse?q=dog`), a spec file (`my.toml`), the base URL of a
Dog-CEO-compatible API, the URL of an image, or a list of URLs (.txt, .csv, .jsonl, .parquet; local or s3://bucket/key).
"""

from pupline.sources._listing import ColumnUse, Listing, Page, left_out_at_stop
from pupline.sources._pages import Pages, is_final, max_page_attempts, page_pause_seconds
from pupline.sources._positions import left_out_of, shortfall_of
from pupline.sources._resolve import anchored, lost_list, resolve
from pupline.sources._source import ImageSource, Opening, Reader
from pupline.sources.lists import dropped_of, is_list_file, is_piped, keep_piped, piped_for_now
from pupline.specs import MAX_PAGE_BYTES, PageRequest, join_params

__all__ = [
    "MAX_PAGE_BYTES",
    "ColumnUse",
    "ImageSource",
    "Listing",
    "Opening",
    "Page",
    "PageRequest",
    "Pages",
    "Reader",
    "anchored",
    "dropped_of",
    "is_final",
    "is_list_file",
    "is_piped",
    "join_params",
    "keep_piped",
    "left_out_at_stop",
    "left_out_of",
    "lost_list",
    "max_page_attempts",
    "page_pause_seconds",
    "piped_for_now",
    "resolve",
    "shortfall_of",
]
