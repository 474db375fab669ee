"""The stack's tables for Athena, read as Athena would by DuckDB, with the queries of docs/queries.md on real files."""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet
import pytest

from pupline.aws._dynamodb import DAY, to_attributes
from pupline.tasks.layout import partition
from pupline.tasks.metadata import METADATA_COLUMNS
from pupline.tasks.records import AuditRecord
from tests.aws.aws_template import MISSING, of_type
from tests.contract.port_contracts import a_record
from tests.shared.athena_types import ATHENA
from tests.shared.mixed_dataset import BARE_RUN, LATER_COLUMNS, write_mixed_dataset
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.slow, needs(MISSING)]

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
EXPORT = "01693685827463-2d8752fd"
RECORDS = [
    a_record("rex.jpg", "monday-00001"),
    replace(a_record("dogs/a b.jpg", "dogs-1-00000042"), alert_triggered=False, alert_sent=None, alert_reasons=()),
    replace(
        a_record("unknown", "monday-00002"), outcome="failed", reason="timeout", breed=None, cause='a "cause"\n\u2028'
    ),
]


def sql(kind: str) -> list[str]:
    """The page's queries of one kind."""
    return re.findall(rf"<!-- athena {kind} -->\n```sql\n(.*?)```", PAGE, re.DOTALL)


def table(name: str) -> Any:
    """The TableInput of the table of that name."""
    (found,) = (one["TableInput"] for one in of_type("AWS::Glue::Table").values() if one["TableInput"]["Name"] == name)
    return found


def folder(name: str, root: Path, value: str) -> Path:
    """Where Athena looks for a partition, with the bucket at `root`. Only equality on the partition key finds it."""
    given = table(name)
    (key,) = (one["Name"] for one in given["PartitionKeys"])
    assert given["Parameters"].items() >= {"projection.enabled": "true", f"projection.{key}.type": "injected"}.items()
    template: str = given["Parameters"]["storage.location.template"]
    assert template.startswith(given["StorageDescriptor"]["Location"])
    return root / template.removeprefix("s3://ImageBucket/").replace(f"${{{key}}}", value)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a bucket: a dataset with two runs, and an export of some records."""
    root = write_mixed_dataset(tmp_path_factory.mktemp("athena") / "data")
    data = root / "audit" / "AWSDynamoDB" / EXPORT / "data"
    data.mkdir(parents=True)
    (data.parent / "manifest-summary.json").write_text('{"itemCount": 3}')
    items = [to_attributes({**record.as_item(), DAY: record.upload_timestamp[:10]}) for record in RECORDS]
    lines = "".join(f"{json.dumps({'Item': item}, ensure_ascii=False)}\n" for item in items)
    (data / "a.json.gz").write_bytes(gzip.compress(lines.encode()))
    return root


@pytest.fixture(scope="module")
def athena(bucket: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both tables in DuckDB, with the two functions of Athena's that it has under other names."""
    columns = ", ".join(f'"{one["Name"]}"' for one in table("images")["StorageDescriptor"]["Columns"])
    (line,) = (one["Name"] for one in table("records")["StorageDescriptor"]["Columns"])
    with duckdb.connect() as database:
        database.execute("CREATE MACRO json_extract_scalar(text, path) AS json_extract_string(text, path)")
        database.execute("CREATE MACRO json_format(value) AS CAST(value AS VARCHAR)")
        database.execute(
            f"CREATE VIEW images AS SELECT {columns}, 'dogs' AS dataset, filename AS \"$path\""  # noqa: S608
            f" FROM read_parquet('{folder('images', bucket, 'dogs')}/**', union_by_name = true, filename = true)"
        )
        database.execute(
            f"CREATE VIEW records AS SELECT {line}, '{EXPORT}' AS export"  # noqa: S608
            f" FROM read_csv('{folder('records', bucket, EXPORT)}/**', delim = '\x01', quote = '', escape = '',"
            f" header = false, columns = {{'{line}': 'VARCHAR'}})"
        )
        yield database


def test_the_table_has_the_columns_of_the_parquet_files(bucket: Path) -> None:
    """Column by column in every file, and no column besides; the dataset is the partition, so it is not a column."""
    declared = [(one["Name"], ATHENA[one["Type"]]) for one in table("images")["StorageDescriptor"]["Columns"]]
    assert [name for name, _ in declared] == [one.name for one in METADATA_COLUMNS if one.name != "dataset"]
    parts = sorted(folder("images", bucket, "dogs").rglob("*.*"))
    assert parts == sorted(bucket.rglob("metadata/**/*.parquet"))
    assert len(parts) == 2
    for part in parts:
        columns = [(field.name, str(field.type)) for field in pyarrow.parquet.read_schema(part)]
        later = LATER_COLUMNS if BARE_RUN in str(part) else ()
        expected = [(name, kind) for name, kind in declared if name not in later]
        assert [(name, kind) for name, kind in columns if name != "dataset"] == expected


def test_the_table_of_images_is_where_the_stack_writes() -> None:
    """The folder of a run is below that of its dataset."""
    assert Path("b", partition("metadata/parquet", "dogs", "monday")).parent == folder("images", Path("b"), "dogs")


def test_the_queries_of_images_answer(athena: duckdb.DuckDBPyConnection) -> None:
    """By outcome, by breed in one run, by alert."""
    outcomes, breeds, alerts = (athena.execute(query).fetchall() for query in sql("images"))
    assert outcomes[0][:3] == ("stored", "accepted", 110)
    assert sum(count for _, _, count, _ in outcomes) == 113
    assert sum(count for _, count in breeds) == 108
    assert len(breeds) == 1
    assert {run for run, *_ in alerts} == {"monday"}
    assert len(alerts) == athena.execute("SELECT count(*) FROM images WHERE alert_triggered").fetchall()[0][0] > 0


def test_the_queries_of_records_answer(athena: duckdb.DuckDBPyConnection) -> None:
    """By outcome from the lines; by alert, breed and execution from the view; single images and bulk alike."""
    (view,) = sql("view")
    athena.execute(view)
    by_outcome, by_alert, by_breed, by_execution = (athena.execute(query).fetchall() for query in sql("records"))
    assert by_outcome == [("stored", 2), ("failed", 1)]
    assert [row[1] for row in by_alert] == ["rex.jpg", "unknown"]
    assert by_breed == [("hound/afghan", "stored", 2, 140_000)]
    assert [row[1] for row in by_execution] == ["dogs/a b.jpg"]


def test_the_view_has_every_field_of_a_record(athena: duckdb.DuckDBPyConnection) -> None:
    """With its value, whatever characters it has; absent facts as null."""
    (view,) = sql("view")
    athena.execute(view)
    found = athena.execute("SELECT * EXCLUDE export FROM audit")
    names = [column[0] for column in found.description or ()]
    assert names == [field.name for field in fields(AuditRecord)]
    for row, record in zip(found.fetchall(), RECORDS, strict=True):
        item = dict(zip(names, row, strict=True))
        reasons = json.loads(item.pop("alert_reasons"))
        assert [reason["S"] for reason in reasons] == list(record.alert_reasons)
        assert item == {name: value for name, value in record.as_dict().items() if name != "alert_reasons"}
