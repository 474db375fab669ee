"""Words for messages: outside text made safe, numbers, and what was probably meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.text import UNSAFE, duration, harmless_cell, nearest, original_cell, plain_number, plural, printable


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


@pytest.mark.parametrize(
    ("count", "nouns", "shown"),
    [(0, None, "0 images"), (1, None, "1 image"), (2, None, "2 images"), (1_000_000, None, "1,000,000 images")],
)
def test_a_count_agrees_with_its_noun(count: int, nouns: str | None, shown: str) -> None:
    """One is singular, all else plural."""
    assert plural(count, "image", nouns) == shown


def test_a_noun_may_have_a_plural_of_its_own() -> None:
    """Not every plural is formed by an s."""
    assert plural(1, "delivery", "deliveries") == "1 delivery"
    assert plural(2, "delivery", "deliveries") == "2 deliveries"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(30, "30"), (30.0, "30"), (0.5, "0.5"), (1e6, "1,000,000"), (1234567.25, "1,234,567.25"), (-2.0, "-2")],
)
def test_numbers_have_no_exponent(value: float, shown: str) -> None:
    """ "at most 1e+06" is for programs."""
    assert plain_number(value) == shown


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("--souce", "--source"),
        ("--concurency", "--concurrency"),
        ("--conc", "--concurrency"),
        ("--cuont", "--count"),
        ("--output", None),
        ("--x", None),
        ("", None),
    ],
)
def test_only_what_is_near_is_suggested(asked: str, meant: str | None) -> None:
    """A beginning, or few edits for the length."""
    assert nearest(asked, ["--count", "--source", "--concurrency", "--allow-origin"]) == meant


@given(st.text(max_size=200), st.lists(st.text(max_size=20), max_size=5))
def test_a_suggestion_is_one_of_the_names(asked: str, names: list[str]) -> None:
    """Whatever is typed."""
    assert nearest(asked, names) in {None, *names}


@given(st.text(max_size=20) | st.text("'=+-@\t\ra", max_size=6))
def test_cells_of_csv_are_harmless_and_read_back(text: str) -> None:
    """No cell begins a formula, and its text comes back exactly, with any number of apostrophes."""
    cell = harmless_cell(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert original_cell(cell) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 ms"), (0.0123, "12 ms"), (1.5, "1.5 s"), (125, "2 min 5 s"), (7200, "2 h"), (90_000, "1 d 1 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """A duration has its two largest units, and no more digits than people read."""
    assert duration(seconds) == text
