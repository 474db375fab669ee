"""JPEG: the markers from SOI over SOF and SOS to EOI.

Source: ITU-T T.81, Annex B. A search for the next marker, in C, skips entropy-coded data: in it, 0xFF is followed by
0x00 (stuffing), RST0 to RST7, or more fill bytes. Sequential, progressive, lossless and arithmetic files have the same
structure. Where decoders (libjpeg above all) print a warning and go on, this adds a note and goes on.
"""

import re
import struct
from dataclasses import dataclass, field
from functools import lru_cache

from pupline.images._structure import Damage, OtherType, Picture, require, unpack
from pupline.images.jpeg.scans import (
    DHT,
    DQT,
    DRI,
    LOSSLESS,
    MAX_COMPONENTS,
    SUPPORTED,
    Component,
    DecodingTables,
    JpegFrame,
    check_data,
    start_of_scan,
)

_TEM, _JPG, _DAC, _SOI, _EOI, _SOS, _DNL = 0x01, 0xC8, 0xCC, 0xD8, 0xD9, 0xDA, 0xDC
_SOF55_OF_JPEG_LS, _LSE_OF_JPEG_LS = 0xF7, 0xF8
_FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, _JPG, _DAC}
_ALONE = frozenset({_TEM, *range(0xD0, 0xD8)})  # without a length
_APPLICATION = frozenset({*range(0xE0, 0xF0), 0xFE})  # APP0 to APP15, COM
# Only the length of these is read until a scan needs the tables. Most segments of most files are of this kind.
_TABLES = frozenset({DHT, DQT, DRI})
_PLAIN = frozenset(0xFF00 | marker for marker in _APPLICATION | _TABLES)
_PLAIN_TABLES = frozenset(0xFF00 | marker for marker in _TABLES)
_SPECIAL = frozenset(0xFF00 | marker for marker in _FRAMES | {_SOS})
_KNOWN = _APPLICATION | _TABLES | _FRAMES | {_SOS, _DAC, _DNL, _LSE_OF_JPEG_LS}
_SEGMENT = struct.Struct(">HH")
_COMPONENT = struct.Struct(">BBB")

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# A real file has tens of segments, a progressive one with much metadata some hundreds. Without the limit, 20 MB of the
# smallest segments would take seconds.
_MAX_SEGMENTS = 20_000


@dataclass(slots=True)
class _JpegState:
    """The state of the walk. stray: the offset of stray bytes after the last scan."""

    picture: Picture
    frame: JpegFrame = field(default_factory=JpegFrame)
    tables: DecodingTables = field(default_factory=DecodingTables)
    stray: int | None = None


def walk_jpeg(body: bytes, picture: Picture) -> None:
    """Measure a JPEG, from SOI to EOI. Raises: Damage, OtherType for JPEG-LS."""
    state, offset, size, segment = _JpegState(picture), 2, len(body), _SEGMENT.unpack_from
    pending, last = state.tables.pending, size - _SEGMENT.size
    for _ in range(_MAX_SEGMENTS):
        if offset <= last:
            plain, length = segment(body, offset)
            end = offset + 2 + length
            if length >= 2 and end <= size:
                if plain in _PLAIN:
                    if plain in _PLAIN_TABLES:
                        pending.append((plain & 0xFF, offset + 4, end))
                    offset = end
                    continue
                if plain in _SPECIAL:
                    offset = _special_segment(body, plain & 0xFF, offset + 2, length, state)
                    continue  # all others, and damage: see below
        marker, start = _next_marker(body, offset, state)
        if marker == _EOI:
            _check_complete(state, start)
            picture.note_trailing_bytes(start, body)
            return
        offset = start if marker in _ALONE else _segment(body, marker, start, state)
    raise Damage(f"more than {_MAX_SEGMENTS} segments", offset)


def _next_marker(body: bytes, offset: int, state: _JpegState) -> tuple[int, int]:
    """The next marker from `offset` on, and the offset of its content.

    Fill bytes (T.81 B.1.1.2) before it are skipped, and so are stray bytes, with a note.
    """
    require(body, offset, 2, "a marker (no EOI was found)")
    found = _MARKER.search(body, offset)
    if found is None:
        raise Damage("no marker (no EOI was found)", offset)
    marker = body[found.start() + 1]
    if marker in _ALONE or body[offset : found.start()].strip(b"\xff"):
        state.picture.add_note(f"stray bytes at byte {offset}")
        if state.frame.scanned and state.stray is None:
            state.stray = offset
    return marker, found.end()


def _segment(body: bytes, marker: int, start: int, state: _JpegState) -> int:
    """Check one segment with a length; the offset of the next marker."""
    if marker == _SOF55_OF_JPEG_LS and not state.frame.components:
        raise OtherType("jls")
    if marker not in _KNOWN:
        raise Damage(f"marker 0x{marker:02x} out of place", start - 1)
    (length,) = unpack(">H", body, start, "a segment")
    if length < 2:
        if marker not in _APPLICATION:
            raise Damage(f"a segment length of {length}", start)
        state.picture.add_note(f"a segment length of {length} at byte {start}")
        return start + 2
    require(body, start, length, f"a segment of {length} bytes")
    if marker in _TABLES:
        state.tables.pending.append((marker, start + 2, start + length))
    return _special_segment(body, marker, start, length, state)


def _special_segment(body: bytes, marker: int, start: int, length: int, state: _JpegState) -> int:
    """Check the content of a segment, if it matters; the offset of the next marker."""
    if marker in _FRAMES:
        _start_of_frame(body, marker, start, length, state)
    elif marker == _SOS:
        return _scan(body, start, length, state)
    elif marker == _DNL:
        _define_number_of_lines(body, start, length, state.picture)
    return start + length


def _start_of_frame(body: bytes, marker: int, start: int, length: int, state: _JpegState) -> None:
    if state.frame.components:
        raise Damage("a second frame", start)
    if length < 8:
        raise Damage(f"a frame header of {length} bytes", start)
    precision, height, width, components = unpack(">BHHB", body, start + 2, "the frame header")
    if components < 1 or length != 8 + 3 * components:
        raise Damage(f"a frame header of {length} bytes for {components} components", start)
    if width < 1:
        raise Damage(f"a size of {width} x {height} pixels", start + 3)
    state.picture.width = width
    if height:  # 0 means that DNL after the first scan has it
        state.picture.measure(width, height, start + 3)
    if marker not in SUPPORTED:
        raise Damage(
            f"a frame of kind 0x{marker:02x} (hierarchical, or lossless arithmetic), which no reader supports,", start
        )
    frame = state.frame
    frame.kind, frame.precision = marker, precision
    frame.components, frame.widest, frame.highest, odd = _components_in(body[start + 8 : start + length])
    if precision not in (range(2, 17) if marker == LOSSLESS else (8, 12)) or components > MAX_COMPONENTS:
        raise Damage(f"a frame of {precision} bits and {components} components", start)
    if odd is not None:
        raise Damage(f"a sampling factor of {odd.horizontal} x {odd.vertical}", start)


@lru_cache(maxsize=64)  # hardly ever others than those of grey pictures, and of colours in full or half resolution
def _components_in(header: bytes) -> tuple[tuple[Component, ...], int, int, Component | None]:
    """The components, their largest sampling factors, and the first with an impossible one."""
    parts = tuple(Component(name, both >> 4, both & 15, table) for name, both, table in _COMPONENT.iter_unpack(header))
    odd = next((part for part in parts if not (1 <= part.horizontal <= 4 and 1 <= part.vertical <= 4)), None)
    return parts, max(part.horizontal for part in parts), max(part.vertical for part in parts), odd


def _scan(body: bytes, start: int, length: int, state: _JpegState) -> int:
    """Check a scan with its data; the end of the data."""
    scan = start_of_scan(body, start, length, state.frame, state.tables)
    begin, picture = start + length, state.picture
    found = _AFTER_SCAN.search(body, begin)
    if found is None:
        raise Damage(f"the file ends at byte {len(body)} without EOI, inside a scan that begins", begin)
    if picture.width and picture.height and not picture.too_large:
        state.frame.size = (picture.width, picture.height)
        check_data(body, begin, found.start(), scan, state.frame, state.tables)
    state.stray = None
    return found.start()


def _define_number_of_lines(body: bytes, start: int, length: int, picture: Picture) -> None:
    """Take the height from a DNL segment, where it is still unknown."""
    if length == 4 and picture.width is not None and picture.height is None:
        (height,) = unpack(">H", body, start + 2, "DNL")
        picture.measure(picture.width, height, start)


def _check_complete(state: _JpegState, offset: int) -> None:
    components = state.frame.components
    if not components:
        raise Damage("the end of the image, but no frame", offset)
    missing = len(components) - len(state.frame.scanned)
    if missing:
        raise Damage(f"the end of the image, but {missing} of {len(components)} components have no scan", offset)
    if state.picture.height is None:
        raise Damage("the end of the image, but no height", offset)
    if state.stray is not None:
        raise Damage("a segment inside the data of a scan", state.stray)
