"""Lists of URLs: every line once, from any position on; nothing that stands in a list is lost; memory stays flat."""

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pupline.errors import ConfigurationError
from pupline.sources import resolve
from pupline.tasks.items import SourceItem
from tests.sources.list_files import items_of, listed, urls_of
from tests.sources.recorded_apis import numbered


def test_txt_is_a_url_a_line(tmp_path: Path) -> None:
    """Blank lines and comments are passed over; a byte order mark, CRLF and spaces around are no part of a URL."""
    file = tmp_path / "My Dogs.txt"
    file.write_bytes(
        b"\xef\xbb\xbf# dogs\r\nhttps://a.org/1.jpg\r\n\r\n  https://a.org/2.jpg \n#x\nhttps://a.org/3#f.jpg"
    )
    assert urls_of(file) == ["https://a.org/1.jpg", "https://a.org/2.jpg", "https://a.org/3#f.jpg"]
    assert (resolve(str(file)).dataset, resolve(str(file)).name) == ("my-dogs", "My Dogs.txt")


def _as_parquet(urls: list[str]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"url": urls}), sink)
    return bytes(sink.getvalue())


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        (".txt", lambda urls: "\n".join(urls).encode()),
        (".csv", lambda urls: "\n".join(["url", *urls]).encode()),
        (".csv", lambda urls: "\n".join(["url,title", *(f"{url},x" for url in urls)]).encode()),
        (".jsonl", lambda urls: "\n".join(json.dumps(url) for url in urls).encode()),
        (".jsonl", lambda urls: "\n".join(json.dumps({"url": url}) for url in urls).encode()),
        (".jsonl", lambda urls: "\n".join(urls).encode()),
        (".parquet", _as_parquet),
    ],
)
def test_long_urls_that_begin_alike_are_different_items(
    tmp_path: Path, suffix: str, write: Callable[[list[str]], bytes]
) -> None:
    """A URL that is too long to be fetched is kept short, and is still told from every other one."""
    beginning = f"https://a.org/{'x' * 6000}"
    urls = [f"{beginning}{end}" for end in ("1", "2", "11", "é", "")]
    file = tmp_path / f"long{suffix}"
    file.write_bytes(write(urls))
    kept = urls_of(file)
    assert len(set(kept)) == len(urls)
    assert all(4096 < len(url) <= 5000 for url in kept)


def test_lines_that_are_no_url_are_items_all_the_same(tmp_path: Path) -> None:
    """They end in the audit as invalid, also what is not UTF-8, or longer than any URL."""
    file = tmp_path / "list.txt"
    file.write_bytes(b"not a url\n\xff\xfe.jpg x\n" + b"https://a.org/" + b"x" * 3_000_000 + b"\nhttps://a.org/1.jpg")
    urls = urls_of(file)
    assert urls[:2] == [
        "line 1: a blank in the URL; write it as %20: not a url",
        "line 2: it is not UTF-8; save the list as UTF-8: \\xff\\xfe.jpg x",
    ]
    assert urls[2].startswith("line 3: longer than 1 MiB, which no row is: https://a.org/xxx")
    assert urls[3:] == ["https://a.org/1.jpg"]


@pytest.mark.parametrize("count", [0, 1, 999, 1000, 1001, 2500])
@pytest.mark.parametrize("kind", ["txt", "txt.gz", "csv", "jsonl.gz", "parquet"])
def test_lists_of_any_length(tmp_path: Path, count: int, kind: str) -> None:
    """Parts of a thousand, the last one shorter, or none; and each position leads to what is left."""
    urls = numbered(1, count)
    file = tmp_path / f"list.{kind}"
    if kind == "parquet":
        pq.write_table(pa.table({"url": pa.array(urls, pa.string())}), file, row_group_size=300)
    else:
        head = "url\n" if kind == "csv" else ""
        lines = [json.dumps(url) if "jsonl" in kind else url for url in urls]
        data = (head + "".join(f"{line}\n" for line in lines)).encode()
        file.write_bytes(gzip.compress(data) if kind.endswith("gz") else data)
    assert urls_of(file) == urls


def test_csv_columns(tmp_path: Path) -> None:
    """`url` in any case, or the one that is named; columns that are fields of an item are taken, with quotes read."""
    file = tmp_path / "dogs.csv"
    rows = [["id", "URL", "title", "labels", "other"], ["1", "https://a.org/1.jpg", 'A "big",\ndog', "pug", "x"]]
    with file.open("w", newline="") as out:
        csv.writer(out).writerows([*rows, [], ["2", "", "No url"], ["3"]])
    assert items_of(resolve(str(file))) == [
        SourceItem(url="https://a.org/1.jpg", id="1", title='A "big", dog', labels=("pug",), extra={"other": "x"}),
        SourceItem(url="line 5: no URL", id="2", title="No url"),
        SourceItem(url="line 6: 1 cell where the header has 5, and none for the URL: 3"),
    ]
    assert urls_of(file, "#other")[0] == "x"


def test_a_csv_without_header_or_with_one_column(tmp_path: Path) -> None:
    """One column needs no name; where the first line is a URL it is no header."""
    file = tmp_path / "dogs.csv"
    file.write_text("https://a.org/1.jpg\nhttps://a.org/2.jpg\n")
    assert urls_of(file) == ["https://a.org/1.jpg", "https://a.org/2.jpg"]
    file.write_text("\ufefflink\nhttps://a.org/1.jpg\n")
    assert urls_of(file) == ["https://a.org/1.jpg"]
    tabs = tmp_path / "dogs.tsv"
    tabs.write_text("x\turl\n1,2\thttps://a.org/1.jpg\n")
    assert urls_of(tabs) == ["https://a.org/1.jpg"]


def test_a_column_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    """And with the nearest."""
    file = tmp_path / "dogs.csv"
    file.write_text("id,image_of_it\n1,https://a.org/1.jpg\n")
    with pytest.raises(ConfigurationError, match=r"no column 'url'; it has id, image_of_it.*FILE#COLUMN"):
        resolve(str(file)).open()
    with pytest.raises(ConfigurationError, match="did you mean image_of_it"):
        resolve(f"{file}#image_fo_it").open()
    assert urls_of(file, "#image_of_it") == ["https://a.org/1.jpg"]


def test_jsonl_takes_texts_and_objects(tmp_path: Path) -> None:
    """What is neither is an item whose url is the line."""
    file = tmp_path / "dogs.jsonl"
    lines = ['"https://a.org/1.jpg"', '{"index": 3, "url": "https://a.org/2.jpg", "labels": ["a", "b"], "width": "9"}']
    file.write_text("\n".join([*lines, "{oops", "7", '{"link": "x"}', "[" * 50_000]) + "\n")
    items = items_of(resolve(str(file)))
    assert items[:2] == [
        SourceItem(url="https://a.org/1.jpg"),
        SourceItem(url="https://a.org/2.jpg", labels=("a", "b"), width=9),
    ]
    assert [item.url for item in items[2:5]] == [
        "line 3: it is not JSON: {oops",
        "line 4: neither a URL nor an object with one: 7",
        "x",
    ]
    assert items[5].url.startswith("line 6: it is not JSON: [[[")


def test_parquet_takes_the_fields_of_an_item_by_name(tmp_path: Path) -> None:
    """With their types, and nulls as what is absent; from the middle of a row group too."""
    file = tmp_path / "dogs.parquet"
    table = {
        "URL": [f"https://a.org/{n}.jpg" if n != 5 else None for n in range(2100)],
        "width": [None if n % 2 else n + 1 for n in range(2100)],
        "labels": [["pug"]] * 2100,
        "caption": ["x"] * 2100,
    }
    pq.write_table(pa.table(table), file, row_group_size=700)
    items = items_of(resolve(str(file)))
    assert items[2] == SourceItem(url="https://a.org/2.jpg", width=3, labels=("pug",), caption="x")
    assert (items[5].url, len(items)) == ("row 6: no URL", 2100)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.parquet", b"PAR1", "not a Parquet"),
        ("a.parquet", b"url\n", "not a Parquet"),
        ("a.parquet", b"PAR1" + b"x" * 50 + b"PAR1", "not a Parquet"),
    ],
)
def test_files_that_cannot_be_read_are_refused_at_once(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    """In one line that names the file."""
    file = tmp_path / name
    file.write_bytes(data)
    with pytest.raises(ConfigurationError, match=words) as caught:
        resolve(str(file)).open()
    assert name in str(caught.value)


def test_a_table_that_breaks_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    """In its first rows it is no list at all. Later, what cannot be read ends in the audit."""
    file, breaking = tmp_path / "dogs.parquet", tmp_path / "breaking.parquet"
    pq.write_table(pa.table({"url": numbered(0, 2000)}), file, row_group_size=1000, compression="none")
    data = file.read_bytes()
    second = pq.ParquetFile(file).metadata.row_group(1).column(0).dictionary_page_offset
    file.write_bytes(b"PAR1" + b"\xff" * 500 + data[504:])
    with pytest.raises(ConfigurationError, match="row 0 cannot be read"):
        resolve(str(file)).open().read(None, {})
    breaking.write_bytes(data[:second] + b"\xff" * 500 + data[second + 500 :])
    listing = resolve(str(breaking)).open()
    assert len(listing.read(None, {}).items) == 1000
    refused, last = [item.url for item in listed(listing)]
    assert refused.startswith("row 1001: it and all to row 2,000 cannot be read: ")
    assert last == numbered(2000, 2000)[0]


@pytest.mark.parametrize("name", ["none.txt", "none.csv#url", "none.parquet", "directory.txt"])
def test_files_that_are_not_there(tmp_path: Path, name: str) -> None:
    """When the source is named, not when it is listed."""
    (tmp_path / "directory.txt").mkdir()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        resolve(str(tmp_path / name))


def test_a_list_that_changed_is_not_gone_on_with(tmp_path: Path) -> None:
    """Its byte positions mean other lines now."""
    file = tmp_path / "list.txt"
    file.write_text("".join(f"{url}\n" for url in numbered(1, 1500)))
    listing = resolve(str(file)).open()
    listing.read(None, {})
    position = listing.position()
    assert len(listed(resolve(str(file)).open(position=position))) == 500
    os.utime(file, (1, 1))
    with pytest.raises(ConfigurationError, match=r"has changed.*--run-id"):
        resolve(str(file)).open(position=position)


@pytest.mark.parametrize("position", ["", "{}", "[]", '{"file": 1}', '{"asks": "x", "at": {}}'])
def test_positions_of_something_else_are_refused(tmp_path: Path, position: str) -> None:
    """In one line."""
    file = tmp_path / "list.txt"
    file.write_text("https://a.org/1.jpg\n")
    with pytest.raises(ConfigurationError, match="not a position in a list"):
        resolve(str(file)).open(position=position)


# ---- in a bucket


@pytest.mark.parametrize("kind", ["txt", "csv", "jsonl", "parquet", "txt.gz"])
def test_lists_in_a_bucket(kind: str, tmp_path: Path) -> None:
    """They are read through the caller, whole; a changed object is found by its digest."""
    urls = numbered(1, 1200)
    if kind == "parquet":
        pq.write_table(pa.table({"url": urls}), tmp_path / "x")
        data = (tmp_path / "x").read_bytes()
    else:
        text = "".join(f"{json.dumps(url) if kind == 'jsonl' else url}\n" for url in urls).encode()
        data = gzip.compress(text) if kind.endswith("gz") else text
    source = resolve(f"s3://kennel/lists/dogs.{kind}")
    assert (source.name, source.dataset) == (f"s3://kennel/lists/dogs.{kind}", "dogs")
    asked: list[str] = []

    def read(url: str) -> bytes:
        asked.append(url)
        return data

    listing = source.open(read=read)
    first = listing.read(None, {}).items
    rest = listed(source.open(read=read, position=listing.position()))
    assert [item.url for item in [*first, *rest]] == urls
    assert set(asked) == {f"s3://kennel/lists/dogs.{kind}"}
    held = json.loads(listing.position())
    held["file"]["sha256"] = "0" * 32
    with pytest.raises(ConfigurationError, match="has changed"):
        source.open(read=read, position=json.dumps(held))


@pytest.mark.parametrize("value", ["s3://bucket", "s3://bucket/key", "s3:///key.txt", "s3://b/a.parquet.gz"])
def test_names_in_a_bucket_that_say_too_little(value: str) -> None:
    """The format is told by the name's end."""
    with pytest.raises(ConfigurationError, match=r"\.txt|unpack"):
        resolve(value)


def test_a_list_in_a_bucket_needs_a_reader() -> None:
    """Only ingestion has one; who only looks is told so."""
    with pytest.raises(ConfigurationError, match=r"by pupline ingest without --dry-run, .* name a local file"):
        resolve("s3://kennel/dogs.txt").open()


@pytest.mark.slow
def test_reading_a_long_list_needs_little_memory(tmp_path: Path) -> None:
    """What is held does not grow with the list: one part of it at a time."""
    import tracemalloc

    def peak(count: int) -> int:
        file = tmp_path / f"{count}.txt"
        file.write_text("".join(f"https://images.example.org/{n:07}.jpg\n" for n in range(count)))
        listing: Any = resolve(str(file)).open()
        tracemalloc.start()
        while not listing.complete:
            listing.read(None, {})
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(30_000) < 1.5 * peak(3_000)
