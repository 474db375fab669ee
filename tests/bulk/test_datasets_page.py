"""docs/datasets.md says of the files what they are: its columns, its tables, its queries."""

import re
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from pupline.tasks.metadata import METADATA_COLUMNS, ColumnType
from tests.shared.run_world import LOST, World

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()

IN_THE_TABLE: dict[ColumnType, str] = {
    "text": "text",
    "texts": "list of text",
    "flag": "flag",
    "int32": "int32",
    "int64": "int64",
    "moment": "time",
    "stamp": "time",
    "json": "object",
}
IN_PARQUET: dict[ColumnType, str] = {
    "text": "string",
    "texts": "array<string>",
    "flag": "boolean",
    "int32": "int",
    "int64": "bigint",
    "moment": "timestamp",
    "stamp": "timestamp",
    "json": "string",
}
IN_JSON: dict[ColumnType, str] = IN_PARQUET | {"moment": "string", "stamp": "string"}


def sql(label: str) -> list[str]:
    """The statements under a comment of that label."""
    return re.findall(rf"<!-- {label} -->\n```sql\n(.*?)```", PAGE, re.DOTALL)


def test_the_table_names_every_column() -> None:
    """In the order of the files, with its type."""
    _, _, section = PAGE.partition("\n## Columns\n")
    rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \|", section.partition("\n## ")[0], re.MULTILINE)
    assert rows == [(column.name, IN_THE_TABLE[column.kind]) for column in METADATA_COLUMNS]


@pytest.mark.parametrize(("label", "types"), [("athena parquet", IN_PARQUET), ("athena jsonl", IN_JSON)])
def test_athena_tables_have_the_columns_of_the_files(label: str, types: dict[ColumnType, str]) -> None:
    """Exactly these columns with these types, and the run as the only partition."""
    (statement,) = sql(label)
    columns, _, rest = statement.partition("\n)\n")
    assert re.findall(r"^  `(\w+)` ([\w<>]+),?$", columns, re.MULTILINE) == [
        (column.name, types[column.kind]) for column in METADATA_COLUMNS
    ]
    assert rest.startswith("PARTITIONED BY (`run` string)\n")
    assert f"LOCATION 's3://BUCKET/datasets/dogs/metadata/{label.removeprefix('athena ')}/'" in rest


def test_duckdb_answers_what_the_page_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each query runs as written on what a run leaves, and its answer is right."""
    import duckdb

    with LocalBackend.open(tmp_path / "data", exclusive=True) as backend:
        world = World(backend)
        world.list_items(6)
        world.finish({0: b"same", 1: b"same", 2: b"other", 3: LOST, 4: b"same", 5: b"more"})
        world.write(finished=6)
        monkeypatch.chdir(backend.bucket().root)
    counts, shared, times = sql("duckdb")
    with duckdb.connect() as database:
        assert [row[1:] for row in database.execute(counts).fetchall()] == [
            ("duplicate", "same_content", 2, 8),
            ("failed", "not_found", 1, None),
            ("stored", "accepted", 3, 13),
        ]
        assert [row[1:] for row in database.execute(shared).fetchall()] == [(3, "dogs/0.jpg")]
        assert database.execute(times).fetchall() == [([1000.0, 1000.0],)]
