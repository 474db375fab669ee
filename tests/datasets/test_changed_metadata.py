"""Metadata that somebody changed in the bucket: what is not a row as we write it is told, and breaks no export."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.datasets import SchemaScan, json_line
from pupline.tasks.metadata import METADATA_COLUMNS, columns_of, is_row, lines_of
from tests.datasets.export_world import dog_memory
from tests.shared.item_rows import DATASET, hostile_rows

FORMATS = ("folders", "webdataset", "jsonl", "csv", "parquet")
WRONG: list[dict[str, Any]] = [
    {"extra": ["a"]},
    {"extra": "x"},
    {"width": "abc"},
    {"width": 2.5},
    {"height": True},
    {"size_bytes": 10**30},
    {"labels": "pug"},
    {"labels": [1, None]},
    {"alert_triggered": "yes"},
    {"upload_timestamp": "never"},
    {"upload_timestamp": "2026-99-99T00:00:00.000Z"},
    {"title": [1]},
    {"caption": 3},
    {"license": "half a pair \ud800"},
]


@pytest.mark.parametrize("form", FORMATS)
def test_lines_with_wrong_values_are_told_and_left_out(form: Any, tmp_path: Path) -> None:
    """A value of another kind than its column's, as only a foreign hand writes it, does not stop the other images."""
    bucket = dog_memory()
    rows = [bucket.add_image(f"{at}.jpg", b"%d" % at, **wrong) for at, wrong in enumerate(WRONG)]
    bucket.add_run("r", bucket.add_image("good.jpg", b"good"), *rows)
    report = bucket.export(tmp_path / form, format=form)
    assert (report.images, report.findings.broken_lines) == (1, len(WRONG))
    assert not report.is_whole


@pytest.mark.parametrize("form", FORMATS)
def test_any_json_value_in_extra_is_exported(form: Any, tmp_path: Path) -> None:
    """The columns of a source hold what they hold: nested, huge, half a surrogate pair, clashing names."""
    extra = {"a": {"b": [None, 1e300]}, "B": 10**400, "b": "\ud800", "width": "\udfffé", "\ud83d": [], "": -0.0}
    bucket = dog_memory()
    bucket.add_run("r", bucket.add_image("1.jpg", b"1", extra=extra), bucket.add_image("2.jpg", b"2"))
    assert bucket.export(tmp_path / form, format=form).images == 2


def test_findings_that_were_changed_do_not_change_ours(tmp_path: Path) -> None:
    """A line of quality results adds columns of its own; it gives no column of the metadata another type."""
    bucket = dog_memory()
    bucket.add_images("r", "1.jpg", "2.jpg", width=None)
    bucket.add_quality({"1.jpg": {"width": "wide", "blur": 0.5, "Blur": 1, "x_file_name": "a", "run": 7}})
    bucket.export(tmp_path / "out", format="parquet")
    table = pyarrow.parquet.read_table(io.BytesIO((tmp_path / "out" / "train.parquet").read_bytes()))
    assert str(table.schema.field("blur").type) == "double"
    assert not {"Blur", "x_file_name", "run"} & set(table.column_names)
    assert "width" not in table.column_names


@pytest.mark.slow
@given(st.integers(0, 9).flatmap(hostile_rows))
def test_what_we_write_is_a_row(item: Any) -> None:
    """Whatever the texts: a line that we wrote is read back, also without the columns of later versions."""
    (line,) = lines_of(columns_of([item], DATASET))
    found = json.loads(line)
    assert is_row(found)
    assert is_row({name: found[name] for name in ("url", "index")})


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.slow
@given(st.lists(st.dictionaries(st.sampled_from([one.name for one in METADATA_COLUMNS]), _VALUES), max_size=3))
def test_what_passes_as_a_row_can_be_written(rows: list[dict[str, Any]]) -> None:
    """Values of the right kinds always make training rows."""
    rows = [row for row in rows if is_row(row)]
    scan = SchemaScan()
    for row in rows:
        scan.add(row)
    schema = scan.schema()
    for row in rows:
        json_line(schema, row).encode()
