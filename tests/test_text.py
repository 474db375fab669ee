"""Outside text never reaches a terminal raw."""

from hypothesis import given
from hypothesis import strategies as st

from pupline.text import UNSAFE, printable


def test_unsafe_characters_are_shown_as_escapes() -> None:
    """Line breaks, ANSI escapes, bidirectional controls and lone surrogates are written out."""
    assert printable("a\nb\x1b[31mc\u202ed\ud800\u2028\x9b") == r"a\nb\x1b[31mc\u202ed\ud800\u2028\x9b"


def test_other_text_is_left_alone() -> None:
    """Words of any language, and emoji, come through."""
    assert printable("Bärenhund 犬 🐕\u200d🦺") == "Bärenhund 犬 🐕\u200d🦺"


def test_long_text_is_cut() -> None:
    """What is longer than the limit ends in an ellipsis, at the limit; escapes count."""
    assert printable("x" * 10, 10) == "x" * 10
    assert printable("x" * 11, 10) == "x" * 9 + "…"
    assert printable("\n" * 6, 10) == r"\n\n\n\n\…"


@given(st.text(), st.integers(0, 40))
def test_printable_text_is_printable(text: str, limit: int) -> None:
    """The result is within the limit, on one line, encodable, and printing it again changes nothing."""
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert not UNSAFE.search(shown)
    assert shown.encode().decode() == shown
    assert printable(shown, limit) == shown
