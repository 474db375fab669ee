"""What a list's file is, its bytes say: packed or not, in any encoding of Unicode, with any line ends, or no list."""

import bz2
import gzip
import io
import json
import lzma
import sys
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, InvalidUrl, SourceError
from pupline.http import Url
from pupline.sources import resolve
from tests.sources.list_files import items_of, listed, urls_of
from tests.sources.recorded_apis import numbered

A, B = "https://a.org/1.jpg", "https://a.org/2.jpg"
TXT = f"{A}\n{B}\n"
ENCODINGS = ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
COCO = {
    "info": {"url": "https://cocodataset.org"},
    "licenses": [{"url": "https://a.org/by", "id": 1}],
    "images": [{"id": n, "coco_url": f"https://a.org/{n}.jpg"} for n in range(3)],
    "annotations": [{"image_id": 1, "caption": "A dog"}],
}
AROUND = "\ufeff\u00a0\u200b\u200d\u200e\u202a\u2060\u2028\u3000\u00ad \t\x00"


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


@pytest.mark.parametrize("name", ["dogs.txt", "dogs.txt.gz", "dogs.txt.zst", "dogs.csv", "dogs.jsonl"])
@pytest.mark.parametrize(
    "packed",
    [
        bytes,
        gzip.compress,
        lambda data: gzip.compress(data[:10]) + gzip.compress(data[10:]),
        lambda data: gzip.compress(gzip.compress(data)),
        lambda data: gzip.compress(data) + bytes(512),
        bz2.compress,
        lzma.compress,
        lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
        lambda data: pa.compress(data, "zstd", asbytes=True),
        lambda data: zipped({"list/dogs": data, "__MACOSX/._dogs": b"x"}),
    ],
)
def test_packed_lists_are_unpacked_whatever_they_are_called(
    tmp_path: Path, name: str, packed: Callable[[bytes], bytes]
) -> None:
    """By what is in them; one that is called packed and is not is read as it is."""
    text = f"url\n{TXT}" if ".csv" in name else f'"{A}"\n"{B}"\n' if ".jsonl" in name else TXT
    file = tmp_path / name
    file.write_bytes(packed(text.encode()))
    assert urls_of(file) == [A, B]


@pytest.mark.slow
@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\r\n"])
@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "json", "txt.gz"])
def test_text_is_read_in_any_encoding_of_unicode(tmp_path: Path, encoding: str, ends: str, kind: str) -> None:
    """With a byte order mark or without, and with any line ends."""
    urls = [*numbered(1, 1050), "https://a.org/犬.jpg", A]
    lines = [f'{{"url": "{url}", "id": "é"}}' for url in urls] if kind == "jsonl" else urls
    lines = [f"é;{url}" for url in urls] if kind == "csv" else lines
    text = json.dumps(urls, ensure_ascii=False) if kind == "json" else ends.join(lines) + ends
    data = (("id;url" + ends if kind == "csv" else "") + text).encode(encoding)
    file = tmp_path / f"dogs.{kind}"
    file.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    listing = resolve(str(file)).open()
    first = listing.read(None, {}).items
    rest = listed(resolve(str(file)).open(position=listing.position()))
    assert [item.url for item in [*first, *rest]] == urls
    assert {item.id for item in first} == ({"é"} if kind in ("csv", "jsonl") else {None})


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("dogs.xlsx", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "workbook.*save its sheet as CSV"),
        ("dogs.csv", zipped({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "workbook.*save its sheet as CSV"),
        ("dogs.ods", zipped({"mimetype": b"application/vnd.oasis", "content.xml": b""}), "save its sheet as CSV"),
        ("dogs.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "old Office.*as CSV"),
        ("dogs.sqlite", b"SQLite format 3\x00" + bytes(80), "SQLite database; export"),
        ("dogs.html", b"<!DOCTYPE html><img src=x>", "HTML page"),
        ("dogs.txt", b"\xef\xbb\xbf\r\n<html><img src=x>", "HTML page"),
        ("sitemap.xml", b"<?xml version='1.0'?><urlset/>", "XML"),
        ("dogs.pdf", b"%PDF-1.7\n", "a PDF"),
        ("dogs.txt", b"\x89PNG\r\n\x1a\n" + bytes(20), "an image, not a list"),
        ("dogs.csv.zip", zipped({"a.csv": b"url", "b.csv": b"url"}), "zip archive of 2 files"),
        ("dogs.zip.txt", b"PK\x03\x04 and nothing", "zip archive that cannot be read"),
        ("dogs.tar", b"\x00" * 257 + b"ustar" + bytes(250), "tar archive"),
        ("dogs.7z", b"7z\xbc\xaf\x27\x1c" + bytes(20), "7z archive"),
        ("dogs.feather", b"ARROW1\x00\x00", "Arrow or Feather"),
        ("dogs.txt", bytes(range(8)) * 100 + bytes(400), "not text"),
        ("dogs.csv.gz", gzip.compress(b"PAR1" + bytes(40)), "packed Parquet"),
        ("dogs.json", b'{\n "images": [\n  "https://a.org/1.jpg"\n ]\n}\n', "JSON object over several lines.*jq"),
        ("coco.json", json.dumps(COCO).encode(), r"one JSON object;.*jq -c '\.images\[\]' FILE"),
        ("large.json", json.dumps(COCO).encode()[:-90].ljust(2**21, b" "), r"jq -c '\.images\[\]' FILE"),
        ("deep.json", b'{"data": ["https://a.org/1.jpg", "' + b"x" * 100 + b'"]}', r"jq -c '\.data\[\]' FILE"),
        ("dogs.list", b"one\ntwo\n", "not clear what its lines are"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "data",
)
def test_what_is_no_list_is_told_with_what_to_do(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    """In one line that begins with the file's name."""
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(ConfigurationError, match=rf"^{name}: .*{words}"):
        resolve(str(file)).open()


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("dogs.jsonl", {"faces": [{"x": 1}], "url": A}),
        ("dogs.jsonl#shot.url", {"faces": [{"x": 1}], "shot": {"url": A}}),
        ("dogs.jsonl", {"faces": [1, 2], "image": A}),
        ("dogs", {"long": "x" * 100_000, "url": A}),
    ],
)
def test_one_object_with_a_url_is_a_list_of_one(tmp_path: Path, name: str, row: dict[str, object]) -> None:
    """Whatever lists it has; only where the URLs are in such a list is it taken for a wrapper."""
    (tmp_path / name.partition("#")[0]).write_text(json.dumps(row))
    page = resolve(str(tmp_path / name)).open().read(None, {})
    assert [item.url for item in page.items] == [A]


@pytest.mark.slow
@pytest.mark.parametrize("packed", [gzip.compress, bz2.compress, lzma.compress])
def test_what_comes_before_the_break_of_a_packed_list_is_taken(
    tmp_path: Path, packed: Callable[[bytes], bytes]
) -> None:
    """Not the line in which it breaks off, which would be another URL; and the break itself is an item."""
    urls = numbered(1, 30_000)
    file = tmp_path / "dogs.txt.gz"
    data = packed("".join(f"{url}?{hash(url)}\n" for url in urls).encode())
    file.write_bytes(data[: len(data) * 2 // 3])
    found = [item.url for item in listed(resolve(str(file)).open())]
    assert found[-1].partition(": ")[2].startswith("the list breaks off here: ")
    whole = [url for url in found if url.startswith("https://")]
    assert whole == [f"{url}?{hash(url)}" for url in urls][: len(whole)]
    assert len(found) - len(whole) <= 2


@pytest.mark.parametrize(
    ("data", "cut"),
    [
        (gzip.compress(f"{A}\n{B}\n".encode()), 8),  # the checksum and the size
        (gzip.compress(f"{A}\n{B}\n".encode()), 9),
        (gzip.compress(f"{A}\n".encode()) + gzip.compress(f"{B}\n".encode()), 8),
        (gzip.compress(f"{A}\n".encode()) + gzip.compress(f"{B}\n".encode() * 50), 30),
        (bz2.compress(f"{A}\n".encode()) + bz2.compress(f"{B}\n".encode()), 10),
    ],
    ids=["trailer", "end", "second file", "long second file", "bzip2"],
)
def test_of_a_short_packed_list_too_what_comes_before_the_break_is_taken(tmp_path: Path, data: bytes, cut: int) -> None:
    """However little it is: a file of a few lines is no other than one of many."""
    file = tmp_path / "dogs.txt"
    file.write_bytes(data[:-cut])
    found = [item.url for item in listed(resolve(str(file)).open())]
    assert found[0] == A
    assert found[-1].partition(": ")[2].startswith("the list breaks off here: ")


def test_what_cannot_be_unpacked_at_all_is_refused(tmp_path: Path) -> None:
    """Before anything is fetched."""
    file = tmp_path / "dogs.txt"
    file.write_bytes(gzip.compress(TXT.encode())[:11])
    with pytest.raises(ConfigurationError, match=r"dogs\.txt: it cannot be read: "):
        resolve(str(file)).open()


@pytest.mark.slow
def test_a_bomb_is_not_unpacked_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor held in memory."""
    monkeypatch.setattr("pupline.sources.lists._stream._FREE_BYTES", 10**6)
    file = tmp_path / "dogs.txt.bz2"
    file.write_bytes(bz2.compress(f"{A}\n".encode() + b"x" * 40_000_000))
    tracemalloc.start()
    found = [item.url for item in listed(resolve(str(file)).open())]
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0] == A
    assert "it unpacks to more than" in found[-1]
    assert most < 12_000_000


@pytest.mark.parametrize("name", ["dogs.txt", "dogs.jsonl"])
@pytest.mark.parametrize("blank", [b"\n", b"\r\n", b" \t\n\n\x0b\n"])
def test_many_blank_lines_take_few_steps(tmp_path: Path, name: str, blank: bytes) -> None:
    """A packed list of 300 kB may have 70 million; the numbers of the lines after them are right."""
    first = b'{"url": "https://x.org/1.jpg"}\n' if name.endswith("l") else b"https://x.org/1.jpg\n"
    blanks = blank * 30_000
    lines = blanks.count(b"\n")
    (tmp_path / f"{name}.gz").write_bytes(gzip.compress(first + blanks + b" \t\xff\n" + blanks + b"\xff"))
    steps = Counter[str]()

    def count(_frame: object, event: str, called: Any) -> None:
        if event == "c_call":
            steps[called.__name__] += 1

    sys.setprofile(count)
    try:
        urls = urls_of(tmp_path / f"{name}.gz")
    finally:
        sys.setprofile(None)
    assert urls[0] == "https://x.org/1.jpg"
    assert [url.partition(": ")[0] for url in urls[1:]] == [f"line {lines + 2}", f"line {2 * lines + 3}"]
    assert 0 < steps["readline"] < 1000


@pytest.mark.parametrize("name", ["dogs.txt", "dogs.csv", "dogs.jsonl", "dogs.json", "dogs.list", "dogs.txt.gz"])
@pytest.mark.parametrize("data", [b"", b"\n\r\n ", b"\xef\xbb\xbf", b"# no dogs today\n", b"\xff\xfe", b"url\n", b"[]"])
def test_an_empty_list_is_one_and_is_told(tmp_path: Path, name: str, data: bytes) -> None:
    """It names no image, and a word says why."""
    wrong = (b"url" in data and "json" in name) or (data == b"[]" and "json" not in name and name != "dogs.list")
    file = tmp_path / name
    file.write_bytes(data)
    if wrong or (b"#" in data and "json" in name):
        return
    listing = resolve(str(file)).open()
    page = listing.read(None, {})
    assert (page.items, listing.complete, listing.total) == ([], True, 0)
    assert page.notes == (f"{name} names no image: it is empty, or has no rows below its header",)


def test_a_text_file_with_a_header_is_a_table(tmp_path: Path) -> None:
    """As Excel saves "Text (Tab delimited)"."""
    file = tmp_path / "dogs.txt"
    file.write_bytes(f"Title\tImage URL\r\nrex\t{A}\r\nbo\t{B}\r\n".encode("utf-16"))
    assert urls_of(file) == [A, B]


# ---- around and inside a URL


@pytest.mark.parametrize("character", list(AROUND), ids=ascii)
@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "json", "parquet"])
def test_what_surrounds_a_url_is_taken_away_and_what_is_inside_it_is_not(
    tmp_path: Path, character: str, kind: str
) -> None:
    """In every format: blanks, byte order marks, direction marks. Inside, the URL is refused."""
    texts = [f"{character}{A}{character}", f"https://a{character}.org/1.jpg", f"https://a.org/{character}1.jpg"]
    file = tmp_path / f"dogs.{kind}"
    if kind == "parquet":
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"url": texts}), file)
    elif kind == "json":
        file.write_text(json.dumps(texts))
    else:
        lines = [json.dumps(text) if kind == "jsonl" else text for text in texts]
        file.write_bytes("\n".join(["url", *lines] if kind == "csv" else lines).encode())
    url, *others = urls_of(file)
    assert url == A
    assert len(others) == 2
    for other in others:
        with pytest.raises(InvalidUrl):
            Url.parse(other)


@pytest.mark.parametrize("quoted", [f'"{A}"', f"'{A}'", f"<{A}>", f" “{A}” ", f"`{A}`", f"«{A}»"])
def test_one_pair_of_quotes_around_a_url_is_taken_away(tmp_path: Path, quoted: str) -> None:
    """No URL begins with one."""
    file = tmp_path / "dogs.txt"
    file.write_text(f"{quoted}\n")
    assert urls_of(file) == [A]


# ---- any bytes


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(st.binary(max_size=200), st.text(max_size=80).map(lambda text: text.encode("utf-8", "replace"))),
    before=st.sampled_from([b"", b"url\n", b"a,url\n", b"[", b'["', b'{"url": "', b"PAR1", b"\x1f\x8b", b"\xff\xfe"]),
    kind=st.sampled_from(["txt", "csv", "tsv", "jsonl", "json", "parquet", "list", "txt.gz"]),
)
def test_any_bytes_give_items_or_one_of_our_errors(tmp_path: Path, data: bytes, before: bytes, kind: str) -> None:
    """The same on every reading, from every position; each item's text can be stored."""
    file = tmp_path / f"any.{kind}"
    file.write_bytes(before + data)
    try:
        items = items_of(resolve(str(file)))
    except (ConfigurationError, SourceError):
        return
    for item in items:
        item.url.encode()
