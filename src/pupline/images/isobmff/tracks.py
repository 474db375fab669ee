"""Image sequences: the tracks of a `moov` box. Source: ISO/IEC 14496-12, sections 8.3 to 8.7."""

from collections.abc import Iterator
from itertools import accumulate

from pupline.images._structure import Damage, Picture, require, unpack
from pupline.images.isobmff.boxes import Range, boxes, first_boxes

_PICTURES = frozenset({b"pict", b"vide"})  # handler types; a track without a handler counts as one
_WIDTH_IN_ENTRY = 8 + 8 + 24  # `stsd` header, sample entry header, fields before the width


def walk_tracks(body: bytes, moov: Range, picture: Picture) -> None:
    """Measure the picture tracks of a sequence, and check that their frames are in the file. Raises: Damage.

    A primary item, which readers of stills show, has set the size before.
    """
    for kind, start, end in boxes(body, *moov, picture):
        if kind != b"trak":
            continue
        track = first_boxes(body, start, end, picture)
        media = first_boxes(body, *track.get(b"mdia", (0, 0)), picture)
        handler, handler_end = media.get(b"hdlr", (0, 0))
        if handler_end - handler >= 12 and body[handler + 8 : handler + 12] not in _PICTURES:
            continue
        information = first_boxes(body, *media.get(b"minf", (0, 0)), picture)
        table = first_boxes(body, *information.get(b"stbl", (0, 0)), picture)
        frames = _check_frames(body, table, picture)
        entry = _entry_size(body, table)
        width, height = _track_size(body, track, start)
        if not width or not height:
            width, height = entry
        if not width or not height:
            continue
        if picture.width is None:
            picture.measure(width, height, start)
        picture.add_frame_size(width, height)
        picture.add_frame_size(*entry)
        picture.animated |= frames > 1


def track_sizes(body: bytes, moov: Range, picture: Picture) -> Iterator[tuple[int, int]]:
    """The coded size of each track that has one, in order. Raises: Damage."""
    for kind, start, end in boxes(body, *moov, picture):
        inside = first_boxes(body, start, end, picture) if kind == b"trak" else {}
        for outer in (b"mdia", b"minf", b"stbl"):
            inside = first_boxes(body, *inside.get(outer, (0, 0)), picture)
        width, height = _entry_size(body, inside)
        if width and height:
            yield width, height


def _track_size(body: bytes, track: dict[bytes, Range], offset: int) -> tuple[int, int]:
    """The size in the track header: 16.16 fixed point, at its end."""
    if b"tkhd" not in track:
        raise Damage("no header in the track that begins", offset)
    start, end = track[b"tkhd"]
    at = start + (88 if end > start and body[start] == 1 else 76)
    if at + 8 > end:
        raise Damage("a track header that is too short", start)
    width, height = unpack(">II", body, at, "a track header")
    return width >> 16, height >> 16


def _entry_size(body: bytes, table: dict[bytes, Range]) -> tuple[int, int]:
    """The coded size, in the first sample entry."""
    start, end = table.get(b"stsd", (0, 0))
    if end - start < _WIDTH_IN_ENTRY + 4:
        return 0, 0
    width, height = unpack(">HH", body, start + _WIDTH_IN_ENTRY, "a sample entry")
    return width, height


def _check_frames(body: bytes, table: dict[bytes, Range], picture: Picture) -> int:
    """The number of frames of a track, all of which are in the file. Raises: Damage."""
    sizes = _sample_sizes(body, table.get(b"stsz", (0, 0)), picture)
    chunks = _chunk_offsets(body, table, picture)
    ends = [0, *accumulate(sizes)]
    first = 0
    for chunk, count in zip(chunks, _samples_per_chunk(body, table, len(chunks), picture), strict=True):
        last = min(first + count, len(sizes))
        require(body, chunk, max(ends[last] - ends[first], 1), "a chunk of frames")
        first = last
    return len(sizes)


def _sample_sizes(body: bytes, where: Range, picture: Picture) -> list[int]:
    """The size of each frame in bytes."""
    start, end = where
    if end - start < 12:
        return []
    each, count = unpack(">II", body, start + 4, "sample sizes")
    picture.spend(count, start)
    if each:
        return [each] * count
    if start + 12 + count * 4 > end:
        raise Damage(f"a table of {count} sample sizes that overruns its box", start)
    return list(unpack(f">{count}I", body, start + 12, "sample sizes"))


def _chunk_offsets(body: bytes, table: dict[bytes, Range], picture: Picture) -> tuple[int, ...]:
    """The offset of each chunk of frames."""
    kind, letter, width = (b"co64", "Q", 8) if b"co64" in table else (b"stco", "I", 4)
    start, end = table.get(kind, (0, 0))
    if end - start < 8:
        return ()
    (count,) = unpack(">I", body, start + 4, "chunk offsets")
    picture.spend(count, start)
    if start + 8 + count * width > end:
        raise Damage(f"a table of {count} chunk offsets that overruns its box", start)
    return unpack(f">{count}{letter}", body, start + 8, "chunk offsets")


def _samples_per_chunk(body: bytes, table: dict[bytes, Range], chunks: int, picture: Picture) -> list[int]:
    """The number of frames in each chunk. An entry applies from its chunk up to that of the next entry."""
    start, end = table.get(b"stsc", (0, 0))
    if end - start < 8:
        return [0] * chunks
    (count,) = unpack(">I", body, start + 4, "chunks")
    picture.spend(count, start)
    if start + 8 + count * 12 > end:
        raise Damage(f"a table of {count} entries on chunks that overruns its box", start)
    values = unpack(f">{count * 3}I", body, start + 8, "chunks")
    held: list[int] = []
    for first, samples in zip(values[::3], values[1::3], strict=True):
        if not len(held) <= first - 1 <= chunks:
            raise Damage("a table of chunks out of order", start)
        held += [held[-1] if held else 0] * (first - 1 - len(held))
        if len(held) < chunks:
            held.append(samples)
    return held + [held[-1] if held else 0] * (chunks - len(held))
