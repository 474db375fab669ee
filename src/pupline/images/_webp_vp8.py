"""VP8: the header and the partitions of a key frame. Source: RFC 6386, sections 9 and 19.2."""

from pupline.images._structure import Damage
from pupline.images._webp_bools import Bools
from pupline.images._webp_vp8_tokens import Effort, Frame, follow

_HEADER_BYTES = 10
_SHORT = 2**14  # bytes: a bool takes half a microsecond, and a byte has about twenty


def check_lossy(body: bytes, start: int, length: int, size: tuple[int, int], effort: Effort) -> None:
    """Check that the partitions of the frame at `start` fit its `length`, and those of a short one are whole.

    size: width and height, in pixels. Raises: Damage.
    """
    first = int.from_bytes(body[start : start + 3], "little") >> 5
    begin = start + _HEADER_BYTES
    end = start + length + (length & 1)  # libwebp counts the padding of the chunk among its data
    if first >= end - begin:
        raise Damage(f"a VP8 partition of {first} bytes in {end - begin}", start)
    modes = Bools(body[begin : begin + first], begin)
    modes.take(2)  # colour space, clamping
    segments = _segments(modes)
    modes.take(10)  # the loop filter
    if modes.take(1) and modes.take(1):
        modes.skip_optional(8, 7)
    places = _places(body, begin + first, end, 1 << modes.take(2))
    if length <= _SHORT:
        partitions = [(body[at:end], at) for at, end in places]
        frame = Frame(length, modes, segments, partitions, *((side + 15) // 16 for side in size))
        follow(frame, effort)


def _segments(modes: Bools) -> list[int]:
    """The probabilities of the tree that numbers a macroblock's segment; none where the number is not stored."""
    if not modes.take(1):
        return []
    new_map, new_data = modes.take(1), modes.take(1)
    if new_data:
        modes.take(1)
        modes.skip_optional(4, 8)  # quantisers and their signs
        modes.skip_optional(4, 7)  # strengths of the loop filter, likewise
    return [modes.take(8) if modes.take(1) else 255 for _ in range(3)] if new_map else []


def _places(body: bytes, sizes: int, end: int, number: int) -> list[tuple[int, int]]:
    """Where each of the partitions with the coefficients begins and ends. Raises: Damage where they do not fit."""
    offset = sizes + 3 * (number - 1)
    places = []
    for at in range(sizes, min(offset, end - 3), 3):
        places.append((offset, offset + int.from_bytes(body[at : at + 3], "little")))
        offset = places[-1][1]
    if offset >= end:
        raise Damage(f"{number} VP8 partitions that end {offset - end} bytes after their chunk", sizes)
    return [*places, (offset, end)]
