"""DuckDB, and the tables of docs/datasets.md for Athena, on the metadata of several runs."""

import re
from pathlib import Path

import duckdb
import pyarrow.parquet
import pytest

from tests.shared.athena_types import ATHENA
from tests.shared.mixed_dataset import BARE_RUN, LATER_COLUMNS, write_mixed_dataset

PAGE = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text()
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the metadata of the mixed dataset."""
    return write_mixed_dataset(tmp_path_factory.mktemp("mixed") / "data") / "datasets" / "dogs" / "metadata"


def test_the_files_have_the_types_of_the_athena_table(metadata: Path) -> None:
    """Column by column in every run, also in one whose values are all null; one of an earlier version lacks some."""
    table = PAGE.split("<!-- athena parquet -->")[1].split("PARTITIONED BY")[0]
    declared = [(name, ATHENA[kind]) for name, kind in re.findall(r"^  `(\w+)` ([\w<>]+),?$", table, re.MULTILINE)]
    parts = sorted(metadata.glob("parquet/*/*.parquet"))
    assert len(parts) == 2
    for part in parts:
        columns = [(field.name, str(field.type)) for field in pyarrow.parquet.read_schema(part)]
        later = LATER_COLUMNS if BARE_RUN in str(part) else ()
        assert columns == [(name, kind) for name, kind in declared if name not in later]


@pytest.mark.parametrize("newest_first", [False, True])
def test_duckdb_reads_several_runs(metadata: Path, newest_first: bool) -> None:
    """Whichever file comes first, even one with nulls alone, no value of another is lost, and a run's name is text."""
    files = [str(part) for part in sorted(metadata.glob("parquet/*/*.parquet"), reverse=newest_first)]
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT run, count(*), count(caption), max(extra->>'stars'), any_value(labels[-1] ORDER BY index DESC)"
            " FROM read_parquet(?, union_by_name = true, hive_partitioning = true, hive_types = {'run': VARCHAR})"
            " GROUP BY run ORDER BY run",
            [files],
        ).fetchall()
    assert found == [("2026-01-01", 3, 0, None, None), ("monday", 110, 90, "4.5", "afghan")]


def test_duckdb_reads_json_lines_of_several_runs(metadata: Path) -> None:
    """A source's columns keep their types in `extra`."""
    with duckdb.connect() as database:
        (found,) = database.execute(
            "SELECT count(*), sum(extra.stars), sum(extra.likes)::INT, bool_and(extra.good)"
            " FROM read_json(?, format = 'newline_delimited')",
            [f"{metadata}/jsonl/*/*.jsonl"],
        ).fetchall()
    assert found == (113, 45.0, 30, True)
