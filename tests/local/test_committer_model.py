"""Whatever arrives in whatever order: the committer stores what a model of a few lines says."""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.local import LocalBackend
from pupline.local.bucket._paths import folded
from pupline.local.ingests import _committer
from tests.local.committer_fakes import Source
from tests.shared.item_rows import stored_rows

NAMES = ["rex.jpg", "Rex.jpg", "r\u00e9x.jpg", "re\u0301x.jpg", "bella.jpg", "rex"]
RUNS = itertools.count()

arrivals = st.tuples(
    st.integers(0, 9),  # the item's index: some arrive twice
    st.sampled_from(NAMES),
    st.integers(0, 3),  # which bytes
    st.sampled_from([None, None, None, "not_an_image"]),
)


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBackend]:
    """One data directory for all examples, each of which has a dataset, and bytes, of its own."""
    with LocalBackend.open(tmp_path_factory.mktemp("data"), exclusive=True) as opened:
        yield opened


@settings(max_examples=60)
@given(batches=st.lists(st.lists(arrivals, max_size=8), max_size=4), group=st.integers(1, 5))
def test_the_committer_stores_what_the_model_says(
    backend: LocalBackend, batches: list[list[tuple[int, str, int, str | None]]], group: int
) -> None:
    """The first arrival of an item counts; equal bytes are one object; every record names an object with its bytes."""
    number = next(RUNS)
    source = Source(backend, f"run-{number}", f"dogs-{number}")
    source.list_urls(*(f"http://127.0.0.1/{index}" for index in range(10)))
    expected: dict[int, tuple[str, bytes]] = {}
    held: set[tuple[bytes, bool]] = set()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(_committer, "MAX_GROUP", group)
        patched.setattr(_committer, "_MIN_GROUP", group)
        for batch in batches:
            with source.committer() as committer:
                for index, name, which, problem in batch:
                    body = b"%d of %d" % (which, number)
                    url = f"http://127.0.0.1/{name}"
                    committer.take([source.fetched(index, url, body, problem=problem)])  # type: ignore[arg-type]
                    if index not in expected:
                        outcome = "quarantined" if problem else "stored" if (body, True) not in held else "duplicate"
                        expected[index] = (outcome, body)
                        held.add((body, problem is None))
    rows = stored_rows(backend, source.run.run_id)
    bucket = backend.bucket()
    assert {row.index: (row.record.outcome, bucket.read(row.key or "")) for row in rows} == expected
    assert all(row.record.image_name == (row.key or "").partition("/")[2] for row in rows)
    owned = [one for one in bucket.objects() if one.owner.rpartition("-")[0] == source.run.run_id]
    assert len(owned) == len(held) == len({one.owner for one in owned})
    paths = [folded(str(one.path)) for one in owned]
    assert len(set(paths)) == len(paths)
    assert list((backend.data_dir / "tmp").glob("*")) == []
    assert backend.database.rows("SELECT 1 FROM objects WHERE state = 'writing'") == []
