"""One turn is committed while the next is computed; what follows from a turn waits for its commit."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pupline.local import Invocation, LambdaRuntime, StartRequest
from tests.local.driver_bench import DOUBLE, Bench, double


def test_a_function_is_called_after_the_facts_that_led_to_it_are_on_disk(tmp_path: Path) -> None:
    """With many executions at once, each call finds its execution, and the answers before it, in the journal."""
    bench, missing = Bench(tmp_path), []
    count = "SELECT count(e.name), count(f.seq) FROM executions AS e LEFT JOIN facts AS f USING (execution_id)"

    def called(event: Any, invocation: Invocation) -> Any:
        with closing(sqlite3.connect(tmp_path / "pupline.sqlite")) as other:
            rows, facts = other.execute(f"{count} WHERE e.name = ?", (invocation.execution,)).fetchone()
        if not rows or (facts > 0) != invocation.command_id.startswith("Again"):
            missing.append(invocation)
        return double(event, invocation)

    runtime = LambdaRuntime({"Double": called}, concurrency=4)
    starts = (StartRequest(f"e{number}", {"n": number}) for number in range(60))
    finished = bench.driver(DOUBLE, runtime, concurrency=20).drive(starts).finished
    runtime.close()
    assert (dict(finished), missing) == ({"SUCCEEDED": 60}, [])


def test_the_next_turn_is_computed_during_a_commit(tmp_path: Path) -> None:
    """The commit of the first 600 starts, a turn, waits for another writer here, until more are read."""
    bench = Bench(tmp_path)

    def starts() -> Iterator[StartRequest]:
        for number in range(610):
            if number == 600:
                other.rollback()
            yield StartRequest(f"e{number}", {"n": number})

    runtime = LambdaRuntime({"Double": double}, concurrency=2)
    with closing(sqlite3.connect(tmp_path / "pupline.sqlite")) as other:
        other.execute("BEGIN IMMEDIATE")
        finished = bench.driver(DOUBLE, runtime, concurrency=1_000).drive(starts()).finished
    runtime.close()
    assert dict(finished) == {"SUCCEEDED": 610}
