"""How many items a manifest has, wherever its pieces end."""

from hypothesis import given
from hypothesis import strategies as st

from pupline.tasks.manifest_lines import count_lines


@given(st.lists(st.sampled_from([b"a", b"{}", b"\n", b"\r\n", b" ", b""]), max_size=30), st.integers(1, 5))
def test_lines_are_counted_across_pieces(parts: list[bytes], size: int) -> None:
    """Blank lines are no items, and the last line may lack its end."""
    body = b"".join(parts)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    assert count_lines(pieces) == sum(1 for line in body.split(b"\n") if line.strip())
