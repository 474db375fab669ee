"""Training rows: one schema for all rows of a dataset, whatever the source's columns hold."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.datasets import SchemaScan, TrainingSchema, csv_header, csv_line, json_line
from pupline.tasks.metadata import columns_of, lines_of
from tests.shared.item_rows import DATASET, hostile_rows, row, texts

Row = dict[str, Any]


def rows_of(*extras: dict[str, Any] | None, **facts: Any) -> list[Row]:
    """Rows as metadata lines have them, one for each `extra`."""
    items = [row(index, item={"extra": extra or {}} | facts) for index, extra in enumerate(extras)]
    return [json.loads(line) for line in lines_of(columns_of(items, DATASET))]


def schema_of(rows: Sequence[Row], **options: Any) -> TrainingSchema:
    """The schema of these rows."""
    scan = SchemaScan(**options)
    for one in rows:
        scan.add(one)
    return scan.schema()


def extra_kinds(*extras: dict[str, Any] | None) -> dict[str, str]:
    """The kind of each column that the source added; with `?` where some rows have no value."""
    columns = schema_of(rows_of(*extras)).columns
    return {column.name: column.kind + "?" * column.has_gaps for column in columns if column.extra_name is not None}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([True, False], "flag"),
        ([1, -(2**63)], "integer"),
        ([1, 2.5], "number"),
        ([1, 2**63], "text"),
        ([2**53 + 1, 2.5], "text"),
        ([True, 1], "text"),
        (["3", 3], "text"),
        ([["a"], {"b": 1}], "text"),
        ([1, None], "integer?"),
        ([1, ""], "integer?"),
        ([None, None], "text?"),
    ],
)
def test_a_column_has_the_kind_that_holds_every_value(values: list[Any], kind: str) -> None:
    """Booleans, integers of 64 bits and numbers stay what they are; what is mixed, nested or too large is text."""
    assert extra_kinds(*({"x": value} for value in values)) == {"x": kind}


def test_a_column_that_begins_late_is_in_every_row() -> None:
    """A number that only row 101 has is a column of all rows: text in JSON, so that no gap is taken for a number."""
    rows = rows_of(*[{}] * 100, {"stars": 4.5})
    schema = schema_of(rows)
    assert [schema.json_object(one)["stars"] for one in (rows[0], rows[100])] == ["", "4.5"]
    assert [schema.values(one)[schema.names.index("stars")] for one in (rows[0], rows[100])] == [None, 4.5]


def test_a_number_is_a_number_in_every_row() -> None:
    """An integer among numbers has a fraction, or the first rows would make the column one of integers."""
    rows = rows_of({"score": 3}, {"score": 2.5})
    schema = schema_of(rows)
    assert '"score":3.0' in json_line(schema, rows[0])


@pytest.mark.slow
@given(st.lists(st.integers(0, 9).flatmap(hostile_rows), min_size=1, max_size=5))
def test_rows_of_a_dataset_have_the_same_names_and_types(items: list[Any]) -> None:
    """Whatever the values: each name has one JSON type in all rows, and it is text, a number or a boolean."""
    rows = [json.loads(line) for line in lines_of(columns_of(items, DATASET))]
    schema = schema_of(rows)
    shapes = {tuple((name, type(value)) for name, value in json.loads(json_line(schema, one)).items()) for one in rows}
    assert len(shapes) == 1
    assert {kind for _, kind in shapes.pop()} <= {str, int, float, bool}
    lowered = [name.lower() for name in schema.names]
    assert len(set(lowered)) == len(lowered)


@pytest.mark.parametrize(
    ("extra", "names"),
    [
        ({"width": 1, "Title": 2, "own": 3}, {"width": "extra_width", "Title": "extra_Title", "own": "own"}),
        ({"label": 1, "extra_label": 2}, {"label": "extra_extra_label", "extra_label": "extra_label"}),
        ({"Stars": 1, "stars": 2}, {"Stars": "Stars", "stars": "extra_stars"}),
        ({"image": 1, "split": "x", "run": "y"}, {"image": "extra_image", "split": "extra_split", "run": "extra_run"}),
        ({"": 1, " ": 2, "a\x00b\u202e": 3}, {"": "extra_", " ": "extra_extra_", "a\x00b\u202e": "a_b_"}),
        ({"original_file_name": "a.jpg", "x_File_Names": []}, {"original_file_name": "original_filename"}),
        ({"file_name": "a.jpg", "filename": "b.jpg"}, {"file_name": "filename", "filename": "extra_filename"}),
    ],
)
def test_a_clashing_name_is_changed(extra: dict[str, Any], names: dict[str, str]) -> None:
    """A name of ours, or one that differs in case only, gets `extra_` in front; none makes a library open files."""
    found = {
        column.extra_name: column.name for column in schema_of(rows_of(extra)).columns if column.extra_name is not None
    }
    assert found.items() >= names.items()
    assert not any(name.lower().endswith(("_file_name", "_file_names")) for name in found.values())


def test_columns_of_ours_come_before_the_sources() -> None:
    """A column of the quality pass keeps its name, and one of the source with that name gives way."""
    rows = [one | {"blur": 0.5, "file_name": "a.jpg"} for one in rows_of({"blur": "much"})]
    schema = schema_of(rows)
    assert (schema.names[0], schema.names[-2:]) == ("file_name", ("blur", "extra_blur"))
    assert [schema.json_object(rows[0])[name] for name in ("blur", "extra_blur")] == [0.5, "much"]


def test_labels_are_one_text() -> None:
    """The list, from the general to the specific, joined as the breed is."""
    rows = rows_of({}, labels=("hound", "afghan")) + rows_of({})
    schema = schema_of(rows)
    assert [schema.json_object(one)["label"] for one in rows] == ["hound/afghan", ""]
    assert "labels" not in schema.names


def test_columns_beyond_the_bound_stay_together() -> None:
    """A list that names a new column in every line does not make a million columns; nothing is lost."""
    rows = rows_of(*({f"c{number:04}": number} for number in range(502)))
    schema = schema_of(rows)
    assert len([column for column in schema.columns if column.extra_name is not None]) == 500
    assert [schema.json_object(one)["extra"] for one in (rows[0], rows[501])] == ["", '{"c0501":501}']


def test_columns_can_be_left_out() -> None:
    """What is about this machine has no place in a dataset that is published."""
    assert "image_url" not in schema_of(rows_of({}), leave_out=["image_url"]).names


@given(st.lists(texts, min_size=1, max_size=4))
def test_csv_has_every_value_and_no_formula(titles: list[str]) -> None:
    """Reading the table gives the texts back; those that a spreadsheet would run have an apostrophe in front."""
    rows = [rows_of({}, title=title)[0] for title in titles]
    schema = schema_of(rows)
    table = csv_header(schema) + "".join(csv_line(schema, one) for one in rows)
    found = [line["title"] for line in csv.DictReader(io.StringIO(table, newline=""))]
    assert found == [f"'{title}" if title.startswith(tuple("=+-@\t\r")) else title for title in titles]


@pytest.mark.parametrize(
    ("values", "is_ambiguous"),
    [
        (["2026-01-31", "2026-01-31T10:00:00+01:00"], False),
        (["2026-01-31", ""], True),
        (["2026-01-31 10:00", "spring"], True),
        (["2026-01-31", None], True),
        (["2026-01-31T10:00:00.5Z", ""], False),
        (["2026-1-31", "10-31"], False),
    ],
)
def test_times_in_some_rows_are_noticed(values: list[Any], is_ambiguous: bool) -> None:
    """PyArrow takes texts for times where all of a part of a file look so: that has to be so in all parts or none."""
    rows = rows_of(*({"taken": value} for value in values))
    assert schema_of(rows).ambiguous == (("taken",) if is_ambiguous else ())
    rows = [rows_of({}, title=value)[0] for value in values]
    assert schema_of(rows).ambiguous == (("title",) if is_ambiguous else ())
