"""Parquet lists: any type and any value of Parquet keeps its row; what Python cannot hold is left out and told."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, SourceError
from pupline.sources import resolve
from pupline.tasks.items import SourceItem
from tests.sources.list_files import items_of, listed, urls_of

A, B = "https://a.org/1.jpg", "https://a.org/2.jpg"


def written(tmp_path: Path, columns: dict[str, Any] | list[tuple[str, Any]], **options: Any) -> Path:
    """A Parquet file with these columns; names may come twice."""
    pairs = list(columns.items()) if isinstance(columns, dict) else columns
    arrays = [pa.array(column) if isinstance(column, list) else column for _, column in pairs]
    file = tmp_path / "dogs.parquet"
    pq.write_table(pa.table(arrays, names=[name for name, _ in pairs]), file, **options)
    return file


def _text(*values: bytes) -> Any:
    """Text whose bytes need not be UTF-8."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(list(values)).buffers())


@pytest.mark.parametrize(
    "column",
    [
        _text(b"caf\xe9", b"ok"),
        pa.array([1, 2], pa.timestamp("ns")),
        pa.array([10**15, 2], pa.timestamp("ms")),
        pa.array([10**15, 2], pa.timestamp("ms", "UTC")),
        pa.array([1, 2], pa.timestamp("s", "Nowhere/Land")),
        pa.array([4_000_000, 2], pa.int32()).cast(pa.date32()),
        pa.array([1, 2], pa.duration("ns")),
        pa.array([1, 2], pa.time64("ns")),
        pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())),
        pa.array([{"a": 1}, None]),
        pa.array([b"\xff", b"x"]),
        pa.array([float("nan"), float("inf")]),
        pa.array([Decimal("1e30"), None], pa.decimal256(60, 2)),
        pa.array([True, None]),
        pa.array([["a", "b"], None]),
        pa.nulls(2),
        pa.array(["x", "x"]).dictionary_encode(),
        pa.array([2**64 - 1, 0], pa.uint64()),
    ],
    ids=lambda column: str(column.type),
)
@pytest.mark.parametrize("name", ["title", "width", "labels", "sha256", "other"])
def test_a_value_of_any_type_keeps_its_row(tmp_path: Path, column: Any, name: str) -> None:
    """On the first reading and on going on; a value that is none of its field's is left out."""
    file = written(tmp_path, {"url": [A, B], name: column})
    assert urls_of(file) == [A, B]


def test_values_that_python_cannot_hold_are_told(tmp_path: Path) -> None:
    """Once for each kind."""
    file = written(
        tmp_path,
        {
            "url": [A, B],
            "title": _text(b"caf\xe9", b"ok"),
            "creator": pa.array([1, 2], pa.timestamp("ns")),
            "alt": ["x", "y"],
        },
    )
    page = resolve(str(file)).open().read(None, {})
    assert [item.as_dict() for item in page.items] == [{"url": A, "alt": "x"}, {"url": B, "title": "ok", "alt": "y"}]
    assert any("title: values that are not UTF-8 are left out" in note for note in page.notes)
    assert any(note.startswith(("creator: ", "a value of type timestamp[ns]")) for note in page.notes)


def test_sizes_as_decimals_and_floats(tmp_path: Path) -> None:
    """Where they are whole numbers; others are kept as they are."""
    sizes = {
        "width": pa.array([Decimal("640.00"), Decimal("0.5")], pa.decimal128(9, 2)),
        "height": [480.0, float("nan")],
        "bytes": pa.array([2**40, None], pa.uint64()),
    }
    first, second = items_of(resolve(str(written(tmp_path, {"url": [A, B], **sizes}))))
    assert (first, second) == (
        SourceItem(url=A, width=640, height=480, bytes=2**40),
        SourceItem(url=B, extra={"width": 0.5}),
    )


@pytest.mark.parametrize("kind", ["string", "large_string", "binary", "large_binary", "string_view", "dictionary"])
def test_urls_are_texts_or_bytes(tmp_path: Path, kind: str) -> None:
    """Of any type that holds them."""
    texts = pa.array([A, None, B], pa.string())
    column = texts.dictionary_encode() if kind == "dictionary" else texts.cast(getattr(pa, kind)())
    assert urls_of(written(tmp_path, {"id": [1, 2, 3], "url": column})) == [A, "row 2: no URL", B]


def test_a_url_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """Alone."""
    bad = _text(b"https://a.org/caf\xe9", B.encode())
    refused, url = urls_of(written(tmp_path, {"url": bad}))
    assert refused.startswith("row 1: it is not UTF-8; save the list as UTF-8: https://a.org/caf\\xe9")
    assert url == B


@pytest.mark.parametrize(
    ("columns", "suffix", "found"),
    [
        ([("url", [B]), ("url", [A])], "#2", [A]),
        ([("URL", [A]), ("page", [B])], "", [A]),
        ([("image_url", [A]), ("id", [1])], "", [A]),
        ([("image", [{"url": A, "w": 1}]), ("url", [B])], "#image.url", [A]),
        ([("image", [{"bytes": b"", "path": {"src": A}}])], "#image.path.src", [A]),
        ([("image.url", [A]), ("url", [B])], "#image.url", [A]),
        ([("url", [A]), ("title", ["x"]), ("title", ["y"])], "", [A]),
    ],
    ids=str,
)
def test_where_the_urls_are(tmp_path: Path, columns: Any, suffix: str, found: list[str]) -> None:
    """By name, by a path into a struct, by number where two have one name."""
    file = written(tmp_path, columns)
    assert urls_of(file, suffix) == found
    assert items_of(resolve(f"{file}{suffix}"))[0].title is None


@pytest.mark.parametrize(
    ("columns", "suffix", "words"),
    [
        ([("url", [A]), ("url", [B])], "", "several columns are called 'url'.*FILE#1 or FILE#2"),
        ([("image", [{"url": A}])], "", "holds struct.*FILE#image.url"),
        ([("url", [[A, B]])], "", "holds list<.*unnest it first"),
        ([("url", [7])], "", "'url' holds int64 where a text"),
        ([("image", [{"url": A}])], "#image.src", "no column 'src'; it has url"),
        ([("id", [A]), ("other", [B])], "", "no column 'url'; it has id, other"),
    ],
    ids=str,
)
def test_columns_that_hold_no_urls(tmp_path: Path, columns: Any, suffix: str, words: str) -> None:
    """The user is told what there is."""
    with pytest.raises(ConfigurationError, match=f"dogs.parquet: .*{words}"):
        resolve(f"{written(tmp_path, columns)}{suffix}").open()


def test_structs_that_are_null(tmp_path: Path) -> None:
    """Hold no URL."""
    file = written(tmp_path, {"image": pa.array([None, {"url": A}, {"url": None}])})
    assert urls_of(file, "#image.url") == ["row 1: no URL", A, "row 3: no URL"]


@pytest.mark.parametrize("size", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_is_refused(tmp_path: Path, size: float) -> None:
    """Its end says what it is."""
    file = written(tmp_path, {"url": [f"{A}?{number}" for number in range(3000)]})
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * size)])
    with pytest.raises(ConfigurationError, match="not a Parquet file that can be read"):
        resolve(str(file)).open()


@pytest.mark.slow
def test_a_large_row_group_is_read_in_little_memory(tmp_path: Path) -> None:
    """Not the whole group at once."""
    file = written(
        tmp_path,
        {"url": [f"https://a.org/{number:040}.jpg" for number in range(120_000)], "title": ["x" * 300] * 120_000},
        row_group_size=10**9,
        use_dictionary=False,
        compression="none",
    )
    assert file.stat().st_size > 35_000_000
    before = pa.total_allocated_bytes()
    listing = resolve(str(file)).open()
    most = 0
    for _ in range(20):
        listing.read(None, {})
        most = max(most, pa.total_allocated_bytes() - before)
    listing.close()
    assert most < 12_000_000


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_give_items_or_one_of_our_errors(tmp_path: Path, data: st.DataObject) -> None:
    """Whichever bytes are changed."""
    sink = io.BytesIO()
    table = pa.table({"url": [f"{A}?{n}" for n in range(60)], "width": list(range(60)), "labels": [["a", "b"]] * 60})
    pq.write_table(table, sink, row_group_size=25, compression="none")
    body = bytearray(sink.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(4, len(body) - 9))] = data.draw(st.integers(0, 255))
    file = tmp_path / "any.parquet"
    file.write_bytes(body)
    try:
        items = listed(resolve(str(file)).open())
    except (ConfigurationError, SourceError):
        return
    for item in items:
        item.url.encode()


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ({"bytes": None, "path": A}, "FILE#image.path"),
        ({"bytes": b"a", "path": A}, "FILE#image.path"),
        ({"height": 3, "src": A}, "FILE#image.src"),
        ({"height": 3}, "FILE#image.height"),
    ],
)
def test_the_field_of_a_struct_that_is_advised_is_a_text_where_there_is_one(
    tmp_path: Path, value: dict[str, Any], advice: str
) -> None:
    """Image columns of Hugging Face hold the bytes first, then the path."""
    with pytest.raises(ConfigurationError, match=f"{advice}$"):
        urls_of(written(tmp_path, {"image": [value]}))
