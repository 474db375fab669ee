"""Lists of URLs in every format, pages of APIs under every paginator, and source specs."""

import bz2
import functools
import gzip
import io
import json
import lzma
from collections.abc import Callable, Iterator
from typing import Any, Final

from fuzzing.target import Target
from pupline.errors import HttpError, PuplineError, RetryAfter, SourceError, TooManyRequests
from pupline.sources import Listing, PageRequest, left_out_of, resolve
from pupline.sources._resolve import source_of
from pupline.specs import presets, read_spec, spec_text
from pupline.text import UNSAFE

_MOST_READS = 8
_RESUMED = 2


def _list(name: str) -> Callable[[bytes], str]:
    """Reads the bytes as an object of that name in a bucket, and goes on from the first positions on the way."""

    def read(data: bytes) -> str:
        source = resolve(f"s3://bucket/{name}")
        listing = source.open(read=lambda _: data)
        named = 0
        for number in range(_MOST_READS):
            if listing.complete:
                break
            page = listing.read(None, {})
            named += len(page.items)
            assert all(item.url for item in page.items)
            position = listing.position()
            json.loads(position)
            if number < _RESUMED:
                source.open(read=lambda _: data, position=position).close()
        listing.close()
        return f"{named > 0} {named > 1}"

    return read


_TXT = (b"https://a.example/1.jpg\n# a comment\r\n  https://a.example/2.jpg \n", "http://h/\u72ac.jpg".encode("utf-16"))
_CSV = (
    b'url,label,width\nhttps://a.example/1.jpg,hound,10\n"https://a.example/2,x.jpg","a ""b""",\n',
    b"sep=;\nURL;name\nhttp://h/1.jpg;rex\nhttp://h/2.jpg;bo\n",
    b"http://h/1.jpg\thound\nhttp://h/2.jpg\tpug\n",
)
_JSON_LINES = (
    b'{"url":"https://a.example/1.jpg","width":1.0,"label":["a",null]}\n"https://a.example/2.jpg"\n',
    b'[{"url":"http://h/1.jpg"},"http://h/2.jpg"]',
    b'[\n "http://h/1.jpg",\n "http://h/2.jpg"\n]\n',
)
_OF_LISTS = (
    *(
        b",",
        b";",
        b"\t",
        b"|",
        b'"',
        b"'",
        b"\r",
        b"\n",
        b"\r\n",
        b"\x00",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"http://h/x.jpg",
    ),
    *(
        b"url",
        b"\xe2\x80\x8b",
        b"[",
        b"]",
        b"{",
        b"}",
        b":",
        b"null",
        b"1e999",
        b"\\ud800",
        b"\\",
        b"\x1f\x8b",
        b"PAR1",
    ),
)


def _packed() -> list[bytes]:
    plain = b"\n".join(_TXT[0].splitlines() * 20)
    return [gzip.compress(plain), gzip.compress(plain) * 2, bz2.compress(plain), lzma.compress(plain), plain]


@functools.cache
def _parquet() -> tuple[bytes, ...]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = [
        pa.table({"url": ["https://a.example/1.jpg", None], "width": [1, 2]}),
        pa.table({"URL": [b"http://h/1.jpg"], "when": pa.array([2**62], pa.timestamp("ns")), "tags": [["a", "b"]]}),
        pa.table({"image": [{"url": "http://h/1.jpg", "n": 1}], "sha256": ["0" * 64]}),
    ]
    found = []
    for table in tables:
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="none")
        found.append(sink.getvalue())
    return tuple(found)


_PAGINATORS = {
    "offset": 'type = "offset"\nlimit = 2\ntotal_path = "total"',
    "page_number": 'type = "page_number"\ntotal_path = "total"',
    "cursor": 'type = "cursor"\ncursor_path = "next"\ncursor_param = "after"',
    "json_link": 'type = "json_link"\nnext_url_path = "next"',
    "header_link": 'type = "header_link"',
    "header_cursor": 'type = "header_cursor"\ncursor_key = "x-next"\ncursor_param = "after"',
    "continue_object": 'type = "continue_object"',
    "auto": 'type = "auto"',
    "ended": 'type = "page_number"\nhas_more_path = "next"\nempty_statuses = [404]',
    "body": 'type = "cursor"\ncursor_path = "next"\ncursor_body_path = "variables.after"',
}
_POST = 'method = "POST"\nretry_if = "error.code == \'busy\'"\n[body]\nquery = "{q}"\n[params]\nq = "dog"\n'
_LEVELS = 'each = ["media", "sizes[]"]\n[outer]\ncreator = "author"\n[url_replace]\n"/1." = "/11."\n'
_SPEC = """
name = "kennel"
base_url = "https://api.example"
path = "list"
items = "message[].{{url: url, id: id, width: width, sha1: sha1, title: title, labels: labels}}"
{more}
[paginator]
{paginator}
"""


def _api(data: bytes) -> str:
    """The first line names the paginator; each further one is a page: its Link header, a tab, and its body."""
    name, *pages = data.split(b"\n")
    kinds = list(_PAGINATORS.values())
    kind = kinds[sum(name) % len(kinds)]
    source = source_of(read_spec(_filled_spec(kind).encode(), "kennel.toml"))
    listing = source.open(count=100)
    try:
        named = sum(_read_pages(listing, pages))
    finally:
        listing.close()
    return f"{kind[8:20]} {named > 0} {listing.complete}"


def _filled_spec(paginator: str) -> str:
    return _SPEC.format(paginator=paginator, more=_POST if "body_path" in paginator else "")


def _levels(data: bytes) -> str:
    """A page whose images are two levels below its items."""
    spec = _SPEC.format(paginator='type = "single_page"', more=_LEVELS)
    text = spec.replace("message[].{url: url, id: id, width: width, sha1: sha1, title: title, labels: labels}", "data")
    listing = source_of(read_spec(text.encode(), "kennel.toml")).open()
    page = listing.read(data, {})
    assert all(item.url for item in page.items)
    assert left_out_of(listing.position()).total == listing.left_out.total
    return f"{len(page.items) > 0} {listing.left_out.total > 0}"


def _refusal(data: bytes) -> str:
    """The body of an error: its words are told, safe and short, without the key."""
    failure = HttpError("https://api.example: the server answered 401")
    failure.details.update(status=401, answer=data.decode("utf-8", "replace"))
    PageRequest("https://api.example", secrets=("hush-hush",), advice="set KEY").explain(failure)
    assert "hush-hush" not in failure.message
    assert len(failure.message) < 400
    assert not UNSAFE.search(failure.message)
    return str("API says" in failure.message)


def _read_pages(listing: Listing, pages: list[bytes]) -> Iterator[int]:
    for page in pages:
        if listing.complete:
            return
        request = listing.request()
        assert request is not None
        header, _, body = page.partition(b"\t")
        link = header.decode("latin-1")
        try:
            yield len(listing.read(body, {"link": link, "x-next": link}).items)
        except (SourceError, RetryAfter, TooManyRequests) as failure:
            if listing.skip(failure) is None:
                raise
        json.loads(listing.position())


def _pages() -> list[bytes]:
    first = b'<https://api.example/list?page=2>; rel="next"\t{"message":[{"url":"https://a.example/1.jpg","id":1}],'
    middle = b'"next":"https://api.example/list?page=2","total":3,"continue":{"a":"b"}}'
    last = b'\t{"message":[{"url":"https://a.example/2.jpg","id":"2","width":"10"}],"next":null,"total":"3"}'
    return [b"\n".join((bytes((number,)), first + middle, last)) for number in range(len(_PAGINATORS))]


_NESTED = (
    b'{"data":[{"author":"a","media":{"sizes":[{"url":"https://a.example/1.jpg"},null,7]}},{"media":[]},{"media":null}]}',
    b'{"data":[{"media":[{"sizes":["/1.jpg"]},{"sizes":[]}]}]}',
)
_REFUSALS = (
    b'{"error":{"message":"key hush-hush is unknown","code":401},"errors":[{"message":"a"},"b"]}',
    b"<html><title>401</title><body>hush-hush &amp; no</body></html>",
    b"no such key: hush-hush",
)
_OF_PAGES = (
    *(b'"message"', b'"next":', b'"total":', b"null", b"[null]", b"{}", b"[]", b'""', b"1.5", b"120.0", b"-1", b"true"),
    *(b'"continue":', b"\t", b"\n", b'rel="next"', b"<", b">", b"\\ud800", b"1e999", b'"url":', b"http://", b"9" * 400),
)


def _spec(data: bytes) -> str:
    found = read_spec(data, "kennel.toml")
    listing = source_of(found).open()
    listing.request()
    return found.paginator.type


def _specs() -> list[bytes]:
    found = [text.encode() for name in presets() if (text := spec_text(name)) is not None]
    levels = _SPEC.format(paginator='type = "single_page"', more=_LEVELS).encode()
    return [*found, levels, *(_filled_spec(kind).encode() for kind in _PAGINATORS.values())]


_OF_SPECS = (
    b"[auth]\n",
    b"kind = ",
    b'"',
    b"'",
    b"=",
    b"\n",
    b"[",
    b"]",
    b"env:HOME",
    b"{",
    b"}",
    b"limits.rps = 1",
    b"-1",
    b"1e999",
)

_ERRORS: Any = (PuplineError,)
SOURCES: Final = (
    Target("list-txt", _list("dogs.txt"), lambda: _TXT, _ERRORS, _OF_LISTS),
    Target("list-csv", _list("dogs.csv"), lambda: _CSV, _ERRORS, _OF_LISTS),
    Target("list-tsv", _list("dogs.tsv"), lambda: _CSV, _ERRORS, _OF_LISTS),
    Target("list-jsonl", _list("dogs.jsonl"), lambda: _JSON_LINES, _ERRORS, _OF_LISTS),
    Target("list-json", _list("dogs.json"), lambda: _JSON_LINES, _ERRORS, _OF_LISTS),
    Target("list-packed", _list("dogs.txt.gz"), _packed, _ERRORS, _OF_LISTS),
    Target("list-parquet", _list("dogs.parquet"), _parquet, _ERRORS, _OF_LISTS),
    Target("api-pages", _api, _pages, _ERRORS, _OF_PAGES),
    Target("api-levels", _levels, lambda: _NESTED, _ERRORS, _OF_PAGES),
    Target("api-error", _refusal, lambda: _REFUSALS, _ERRORS, _OF_PAGES),
    Target("spec", _spec, _specs, _ERRORS, _OF_SPECS, 20_000),
)
