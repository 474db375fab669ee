"""Items from Parquet files, manifests and listings, as the ItemReader of a Distributed Map finds them."""

import datetime
import gzip
import io
import json
import zlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import ItemReaderError, ReadItems, StateMachine, execute, parse_items, read_items
from pupline.asl.driver import _item_formats, _item_reader
from tests.asl.test_distributed import mapped

GET = "arn:aws:states:::s3:getObject"
LIST = "arn:aws:states:::s3:listObjectsV2"

TWO_MEMBERS = gzip.compress(b'{"n": 2}\n', mtime=0) + gzip.compress(b'{"n": 3}\n', mtime=0)
"""A gzip file of two members, the same at every call: test ids hold it."""


def parquet(rows: list[dict[str, Any]], **options: Any) -> bytes:
    """A Parquet file of these rows."""
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file, **options)
    return file.getvalue()


def found(resource: str, config: dict[str, Any], objects: dict[tuple[str, str], Any], key: str = "first") -> list[Any]:
    """The items that a reader with this ReaderConfig finds in these objects."""
    command = ReadItems("All@1#0/items", "All", resource, {"Bucket": "b", "Key": key}, config)
    return read_items(command, lambda _, arguments: objects[arguments["Bucket"], arguments["Key"]])


def inventory(keys: list[str], **more: Any) -> bytes:
    """The manifest.json of an S3 Inventory."""
    files = [{"key": key, "size": 1, "MD5checksum": "0" * 32} for key in keys]
    manifest = {
        "sourceBucket": "images",
        "destinationBucket": "arn:aws:s3:::lists",
        "version": "2016-11-30",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size",
        "files": files,
    }
    return json.dumps(manifest | more).encode()


def test_rows_of_parquet_are_objects() -> None:
    """Numbers, texts, nested values as they are; what JSON cannot hold as a text, or null."""
    row = {
        "n": 1,
        "x": 0.5,
        "t": "ü",
        "none": None,
        "yes": True,
        "list": [1, 2],
        "inner": {"a": [{"b": "c"}]},
        "at": datetime.datetime(2026, 11, 30, 12, 0, tzinfo=datetime.UTC),
        "local": datetime.datetime(2026, 11, 30, 12, 0),  # noqa: DTZ001 - a Parquet time without a zone
        "day": datetime.date(2026, 11, 30),
        "price": Decimal("12.50"),
        "count": Decimal(3),
        "text": b"abc",
        "bytes": b"\xff\x00",
        "nan": float("nan"),
    }
    assert parse_items(parquet([row, {**row, "n": 2}]), {"InputType": "PARQUET", "MaxItems": 1}) == [
        {
            "n": 1,
            "x": 0.5,
            "t": "ü",
            "none": None,
            "yes": True,
            "list": [1, 2],
            "inner": {"a": [{"b": "c"}]},
            "at": "2026-11-30T12:00:00Z",
            "local": "2026-11-30T12:00:00",
            "day": "2026-11-30",
            "price": 12.5,
            "count": 3,
            "text": "abc",
            "bytes": "/wA=",
            "nan": None,
        }
    ]


def test_all_row_groups_are_read() -> None:
    """In the order of the file."""
    body = parquet([{"n": number} for number in range(2_500)], row_group_size=700)
    assert parse_items(body, {"InputType": "PARQUET"}) == [{"n": number} for number in range(2_500)]


@pytest.mark.parametrize("packed", [False, True])
def test_an_inventory_names_the_files_whose_rows_are_the_items(packed: bool) -> None:
    """Fields come from its fileSchema; its files are in the destination bucket, in gzip or not."""
    pack = gzip.compress if packed else bytes
    objects = {
        ("b", "first"): inventory(["1.csv.gz", "2.csv.gz"]),
        ("lists", "1.csv.gz"): pack(b'"images","a%20b.jpg","10"\n"images","c.jpg","20"\n'),
        ("lists", "2.csv.gz"): pack(b'"images","d.jpg","30"\n'),
    }
    items = found(GET, {"InputType": "MANIFEST"}, objects)
    assert items == [
        {"Bucket": "images", "Key": "a%20b.jpg", "Size": "10"},
        {"Bucket": "images", "Key": "c.jpg", "Size": "20"},
        {"Bucket": "images", "Key": "d.jpg", "Size": "30"},
    ]
    assert found(GET, {"ManifestType": "S3_INVENTORY", "MaxItems": 2}, objects) == items[:2]


def test_a_parquet_inventory_is_read_too() -> None:
    """Its columns have their own names."""
    body = parquet([{"bucket": "images", "key": "a.jpg"}])
    objects = {("b", "first"): inventory(["x"], fileFormat="Parquet", fileSchema="message s3"), ("lists", "x"): body}
    assert found(GET, {"InputType": "MANIFEST"}, objects) == [{"bucket": "images", "key": "a.jpg"}]


@pytest.mark.parametrize(
    ("config", "first", "second"),
    [
        ({"InputType": "JSONL"}, b'{"n": 1}\n', TWO_MEMBERS),
        ({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["n"]}, b"1\n", b"2\n3\n"),
    ],
)
def test_an_athena_manifest_names_the_files(config: dict[str, Any], first: bytes, second: bytes) -> None:
    """A CSV file of s3:// addresses, as UNLOAD writes it."""
    objects = {
        ("b", "first"): b's3://data/out/one\n"s3://data/out/two, and more"\n\n',
        ("data", "out/one"): first,
        ("data", "out/two, and more"): second,
    }
    items = found(GET, {"ManifestType": "ATHENA_DATA", **config}, objects)
    assert [str(item["n"]) for item in items] == ["1", "2", "3"]
    assert found(GET, {"ManifestType": "ATHENA_DATA", "MaxItems": 2, **config}, objects) == items[:2]


def test_load_and_flatten_reads_every_object_listed() -> None:
    """Without it, the items are the listing itself."""
    listing = [{"Key": "1.json", "Size": 5}, {"Key": "2.json", "Size": 3}]
    objects = {("b", "first"): iter(listing), ("b", "1.json"): b"[1, 2]", ("b", "2.json"): b"[3]"}
    assert found(LIST, {"Transformation": "LOAD_AND_FLATTEN", "InputType": "JSON"}, objects) == [1, 2, 3]
    assert found(LIST, {"MaxItems": 1}, {("b", "first"): iter(listing)}) == listing[:1]


@pytest.mark.parametrize(
    ("config", "manifest", "message"),
    [
        ({"ManifestType": "ATHENA_DATA", "InputType": "CSV"}, b"https://x/y\n", "not an address such as s3://"),
        ({"ManifestType": "ATHENA_DATA", "InputType": "CSV"}, b"s3://[/y\n", "not an address such as s3://"),
        ({"ManifestType": "ATHENA_DATA", "InputType": "CSV"}, b"\xff\n", "Error parsing the manifest"),
        ({"InputType": "MANIFEST"}, b"[]", "not one of an S3 Inventory"),
        ({"InputType": "MANIFEST"}, b"{", "not one of an S3 Inventory"),
        ({"InputType": "MANIFEST"}, inventory([], fileFormat="ORC"), "format ORC is not supported"),
        ({"InputType": "MANIFEST"}, inventory(["cut"]), "cut is a gzip file that ends too early"),
        ({"InputType": "MANIFEST"}, inventory(["bad"]), "bad is a damaged gzip file"),
        ({"InputType": "JSON"}, None, "expected bytes, text or an array, not null"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(config: dict[str, Any], manifest: Any, message: str) -> None:
    """The text becomes the Cause of States.ItemReaderFailed."""
    packed = gzip.compress(b"a,b,c\n", mtime=0)
    objects = {("b", "first"): manifest, ("lists", "cut"): packed[:-6], ("lists", "bad"): packed[:-8] + bytes(8)}
    with pytest.raises(ItemReaderError, match=message):
        found(GET, config, objects)


def test_a_bomb_is_not_unpacked_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks to more than the limit is refused; so are many members that do together."""
    monkeypatch.setattr(_item_reader, "MAX_UNPACKED_BYTES", 1_000)
    for body in (gzip.compress(bytes(2_000)), gzip.compress(bytes(600)) * 2):
        with pytest.raises(ItemReaderError, match="unpacks to more than 1,000 bytes"):
            found(GET, {"InputType": "MANIFEST"}, {("b", "first"): inventory(["x"]), ("lists", "x"): body})


def test_a_file_may_unpack_to_as_much_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit itself is allowed."""
    body = b"a,b,c\n"
    monkeypatch.setattr(_item_reader, "MAX_UNPACKED_BYTES", len(body))
    objects = {("b", "first"): inventory(["x"]), ("lists", "x"): gzip.compress(body)}
    assert len(found(GET, {"InputType": "MANIFEST"}, objects)) == 1


def test_few_bytes_of_parquet_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that stands for many rows costs nothing in the file."""
    monkeypatch.setattr(_item_formats, "MAX_PARQUET_CHARACTERS", 1_000)
    with pytest.raises(ItemReaderError, match="more than 1,000 characters"):
        parse_items(parquet([{"x": "same"}] * 10_000), {"InputType": "PARQUET"})


@given(st.binary(max_size=200), st.sampled_from(["JSON", "JSONL", "CSV", "MANIFEST", "ATHENA_DATA"]))
def test_any_bytes_are_items_or_an_error_of_ours(body: bytes, kind: str) -> None:
    """Nothing else escapes, whatever an object holds."""
    config = {"ManifestType": kind, "InputType": "CSV"} if kind == "ATHENA_DATA" else {"InputType": kind}
    try:
        found(GET, config, {("b", "first"): body})
    except (ItemReaderError, KeyError):  # KeyError: of these objects, for one that the manifest names
        pass
    except zlib.error:
        raise AssertionError from None


def test_execute_reads_a_manifest_through_its_tasks() -> None:
    """The callable of the reader is called for the manifest and for each object that it names."""
    objects = {"first": inventory(["1.csv"]), "1.csv": b"images,a.jpg,10\n"}
    reader = {
        "Resource": GET,
        "ReaderConfig": {"InputType": "MANIFEST"},
        "Parameters": {"Bucket": "b", "Key": "first"},
    }
    machine: StateMachine = mapped(ItemReader=reader)
    tasks = {GET: lambda arguments: objects[arguments["Key"]], "f": lambda event: event["Key"]}
    result = execute(machine, {}, tasks=tasks)
    assert (result.status, result.output) == ("SUCCEEDED", ["a.jpg"])
