"""ItemReader: the items of a Distributed Map, of one object, of the objects of a manifest, or of a listing.

Source: Step Functions developer guide, "ItemReader (Map)"; S3 user guide, "Amazon S3 Inventory"; Athena user guide,
"UNLOAD".
"""

import csv
import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias

from pupline.asl._commands import ReadItems
from pupline.asl._facts import ItemsRead, TaskFailed
from pupline.asl._values import type_name
from pupline.asl.driver._item_formats import ItemReaderError, parse_items
from pupline.json_values import AnyJSON, loads

GET_OBJECT = "arn:aws:states:::s3:getObject"
LIST_OBJECTS = "arn:aws:states:::s3:listObjectsV2"

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
"""Bytes that a gzip file of a manifest may unpack to here. AWS reads files of up to 10 GB; here they are in memory."""

Call: TypeAlias = Callable[[str, AnyJSON], Any]
"""(resource, arguments) -> an object's bytes or text, or the items themselves, in a list or an iterator."""


_ITEMS = (list, tuple, Iterator)


def items_fact(command: ReadItems, call: Call) -> ItemsRead | TaskFailed:
    """The fact for the command: its items, or why they cannot be read. Raises: what `call` raises."""
    try:
        return ItemsRead(command.id, read_items(command, call))
    except ItemReaderError as error:
        return TaskFailed(command.id, "States.ItemReaderFailed", str(error))


def read_items(command: ReadItems, call: Call) -> list[AnyJSON]:
    """The items that the command asks for. `call` is asked for each object, with the arguments of GetObject.

    With a manifest (InputType MANIFEST, or a ManifestType), and with Transformation LOAD_AND_FLATTEN, the items are
    those in all objects named, in their order. Raises: ItemReaderError; what `call` raises.
    """
    config = command.reader_config
    found = call(command.resource, command.arguments)
    limit = int(config.get("MaxItems") or 0) or None
    if isinstance(found, _ITEMS):
        if config.get("Transformation") != "LOAD_AND_FLATTEN" or command.resource != LIST_OBJECTS:
            return list(islice(found, limit))
        bucket = command.arguments.get("Bucket")
        return _joined(((bucket, _key_of(each)) for each in found), _without(config, "Transformation"), call)
    body = _bytes_of(found)
    if config.get("ManifestType") == "ATHENA_DATA":
        return _joined(_athena_objects(body), _without(config, "ManifestType"), call)
    if config.get("ManifestType") == "S3_INVENTORY" or config.get("InputType") == "MANIFEST":
        return _inventory_items(body, limit, call)
    return parse_items(body, config)


def _joined(objects: Iterable[tuple[str, str]], config: dict[str, AnyJSON], call: Call) -> list[AnyJSON]:
    """The items in all objects, at most MaxItems."""
    limit = int(config.get("MaxItems") or 0)
    items: list[AnyJSON] = []
    for bucket, key in objects:
        left = {"MaxItems": limit - len(items)} if limit else {}
        found = call(GET_OBJECT, {"Bucket": bucket, "Key": key})
        if isinstance(found, _ITEMS):
            items += islice(found, left.get("MaxItems"))
        else:
            items += parse_items(_unpacked(_bytes_of(found), key), {**config, **left})
        if limit and len(items) >= limit:
            break
    return items


def _athena_objects(body: bytes) -> list[tuple[str, str]]:
    """(bucket, key) of each data file of an Athena manifest: a CSV file of s3:// addresses."""
    return [_address(row[0]) for row in _rows(body) if row and row[0].strip()]


def _rows(body: bytes) -> Iterator[list[str]]:
    try:
        yield from csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""))
    except (ValueError, csv.Error) as err:
        raise ItemReaderError(f"Error parsing the manifest file: {err}") from err


def _address(text: str) -> tuple[str, str]:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(text.strip(), allow_fragments=False)
    except ValueError:
        parts = urlsplit("")
    key = parts.path.removeprefix("/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc or not key:
        raise ItemReaderError(f"the manifest names {text[:200]!r}, which is not an address such as s3://bucket/key")
    return parts.netloc, key


def _inventory_items(body: bytes, limit: int | None, call: Call) -> list[AnyJSON]:
    """A row of the inventory as an object by the names of its fileSchema; keys stay as S3 writes them, URL-encoded."""
    try:
        manifest = loads(body.decode("utf-8-sig"))
        kind, files, schema = manifest["fileFormat"], manifest["files"], manifest["fileSchema"]
        bucket = str(manifest["destinationBucket"]).rpartition(":")[2]
        objects = [(bucket, str(each["key"])) for each in files]
        headers = [name.strip() for name in schema.split(",")]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as err:
        raise ItemReaderError(
            "the manifest is not one of an S3 Inventory: it needs fileFormat, fileSchema, destinationBucket and files"
        ) from err
    config: dict[str, AnyJSON] = {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": headers}
    if kind == "Parquet":
        config = {"InputType": "PARQUET"}
    elif kind != "CSV":
        raise ItemReaderError(f"an inventory in the format {str(kind)[:20]} is not supported; use CSV or Parquet")
    return _joined(objects, {**config, "MaxItems": limit or 0}, call)


def _unpacked(body: bytes, key: str) -> bytes:
    """The bytes of a data file: inventories and Athena write gzip by default."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    found = bytearray()
    rest = body
    try:
        while rest.startswith(b"\x1f\x8b"):  # a file may hold several members
            unpacker = zlib.decompressobj(wbits=31)
            found += unpacker.decompress(rest, MAX_UNPACKED_BYTES + 1 - len(found))
            if len(found) > MAX_UNPACKED_BYTES:
                raise ItemReaderError(f"{key} unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
            if not unpacker.eof:
                raise ItemReaderError(f"{key} is a gzip file that ends too early")
            rest = unpacker.unused_data
    except zlib.error as err:
        raise ItemReaderError(f"{key} is a damaged gzip file: {err}") from err
    return bytes(found)


def _key_of(listed: AnyJSON) -> str:
    key = listed.get("Key") if isinstance(listed, dict) else None
    if not isinstance(key, str):
        raise ItemReaderError("an object in the listing has no Key")
    return key


def _bytes_of(found: Any) -> bytes:
    if isinstance(found, str):
        return found.encode("utf-8", "surrogatepass")
    if isinstance(found, (bytes, bytearray)):
        return bytes(found)
    kind = type_name(found)
    given = type(found).__name__ if kind == "unknown" else kind
    raise ItemReaderError(f"Attempting to map over non-iterable node: expected bytes, text or an array, not {given}")


def _without(config: dict[str, AnyJSON], name: str) -> dict[str, AnyJSON]:
    return {key: value for key, value in config.items() if key != name}
