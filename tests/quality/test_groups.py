"""Groups of near-duplicates: by representative, stable, found as a comparison with every image would find them."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.decoding import distance
from pupline.quality._groups import MAX_DISTANCE, Grouping, HashedImage, Membership, count_distinct
from pupline.quality._hash_index import HashIndex

_MOST = st.integers(0, MAX_DISTANCE)


@st.composite
def _hashes(draw: st.DrawFn) -> list[int]:
    """Hashes in heaps: each is one of a few, with some bits flipped."""
    centres = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    flips = st.lists(st.integers(0, 63), max_size=14)
    found = draw(st.lists(st.tuples(st.sampled_from(centres), flips), max_size=40))
    hashes = []
    for phash, bits in found:
        for bit in bits:
            phash ^= 1 << bit
        hashes.append(phash)
    return hashes


def _images(hashes: list[int]) -> list[HashedImage]:
    return [HashedImage(f"{at:064x}", phash) for at, phash in enumerate(hashes)]


def _grouped(images: list[HashedImage], most: int) -> list[Membership]:
    grouping = Grouping(most, len(images))
    return [grouping.place(image) for image in images]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(_hashes(), _MOST, st.sampled_from([10, 10_000, 1_000_000]))
def test_the_index_finds_what_comparing_finds(hashes: list[int], most: int, expected: int) -> None:
    """The nearest hash, the earliest of several, for every distance and every number of bands."""
    index = HashIndex(most, expected)
    for at, phash in enumerate(hashes):
        near = [(distance(phash, other), number) for number, other in enumerate(hashes[:at])]
        best = min(near, default=(65, 0))
        assert index.nearest(phash) == ((best[1], best[0]) if best[0] <= most else None)
        index.add(phash)
    assert len(index) == len(hashes)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(_hashes(), _MOST)
def test_every_member_is_near_its_representative(hashes: list[int], most: int) -> None:
    """Nobody is in a group whose representative is far away, and representatives are far from each other."""
    images = _images(hashes)
    by_name = {image.sha256: image.phash for image in images}
    found = _grouped(images, most)
    for one in found:
        assert distance(by_name[one.sha256], by_name[one.representative]) == one.distance <= most
    heads = [by_name[one.sha256] for one in found if one.sha256 == one.representative]
    assert count_distinct(heads, most) == len(heads)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(_hashes(), _MOST, st.integers(0, 40))
def test_growing_equals_grouping_all(hashes: list[int], most: int, cut: int) -> None:
    """Images that come later, in a pass of their own, move nothing and end up where one pass would put them."""
    images = _images(hashes)
    first = _grouped(images[:cut], most)
    heads = {one.representative for one in first}
    later = Grouping(most, len(images))
    later.restore(image for image in images[:cut] if image.sha256 in heads)
    assert [*first, *(later.place(image) for image in images[cut:])] == _grouped(images, most)


def test_there_are_no_chains() -> None:
    """Images each near the next do not make one group: its ends would be different pictures."""
    hashes = [(1 << (4 * step)) - 1 for step in range(17)]
    found = _grouped(_images(hashes), 8)
    assert [int(one.representative, 16) for one in found] == [0, 0, 0, *[3] * 3, *[6] * 3, *[9] * 3, *[12] * 3, 15, 15]


def test_images_that_say_little_stay_alone() -> None:
    """Equal hashes make no group where they say little; nor does such an image represent others."""
    flat = [HashedImage(f"{at:064x}", 1 << 63, low_information=True) for at in range(3)]
    other = HashedImage(f"{9:064x}", 1 << 63)
    assert [one.representative for one in _grouped([*flat, other], 8)] == [image.sha256 for image in (*flat, other)]


@pytest.mark.parametrize("most", [6, 8])
def test_a_hundred_thousand_hashes_do_not_take_all_comparisons(most: int) -> None:
    """Tables lead to few candidates: a search looks at hundreds of values, not at all of the hashes."""
    chance = random.Random(5)
    index = HashIndex(most, 100_000)
    lookups = sum(len(band.flips) for band in index._bands)
    candidates = sum(100_000 * len(band.flips) / (band.mask + 1) for band in index._bands)
    assert lookups < 1_000
    assert candidates < 1_000
    hashes = [chance.getrandbits(64) for _ in range(2_000)]
    for phash in hashes:
        index.add(phash)
    assert index.nearest(hashes[777] ^ 0b1011) == (777, 3)
