"""What an ingest removes of its temporary files when it ends, in whatever way."""

from pathlib import Path

from pupline.bulk._run_ingest import _remove_left_over


def test_files_that_have_their_names_keep_the_temporary_ones(tmp_path: Path) -> None:
    """After an error they belong to a group without its commit, which the next start recognises by them."""
    named, unnamed, other = (tmp_path / name for name in ("ingest-7-0", "ingest-7-1", "outputs-7-0"))
    for path in (named, unnamed, other):
        path.write_bytes(b"dog")
    (tmp_path / "rex.jpg").hardlink_to(named)
    _remove_left_over(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ingest-7-0", "outputs-7-0", "rex.jpg"]
