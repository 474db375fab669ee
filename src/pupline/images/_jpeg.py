"""JPEG: the markers from SOI over SOF and SOS to EOI.

Source: ITU-T T.81, Annex B. Entropy-coded data is skipped by a search for the next marker in C: inside it, 0xFF is
followed by 0x00 (stuffing), RST0 to RST7, or more fill bytes. Sequential, progressive, lossless and arithmetic files
have the same skeleton. What decoders (libjpeg above all) pass over with a warning is passed over here with a remark.
"""

import re
import struct
from dataclasses import dataclass, field

from pupline.images._jpeg_scan import (
    DHT,
    DQT,
    DRI,
    SUPPORTED,
    Component,
    Frame,
    Tables,
    check_data,
    check_frame,
    start_of_scan,
)
from pupline.images._structure import Damage, OtherType, Picture, need, unpack

_TEM, _JPG, _DAC, _SOI, _EOI, _SOS, _DNL = 0x01, 0xC8, 0xCC, 0xD8, 0xD9, 0xDA, 0xDC
_SOF55_OF_JPEG_LS, _LSE_OF_JPEG_LS = 0xF7, 0xF8
_FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, _JPG, _DAC}
_ALONE = frozenset({_TEM, *range(0xD0, 0xD8)})  # without a length
_APPLICATION = frozenset({*range(0xE0, 0xF0), 0xFE})  # APP0 to APP15, COM
# Nothing in these is looked at but their length until a scan needs the tables: most segments of most files.
_TABLES = frozenset({DHT, DQT, DRI})
_PLAIN = _APPLICATION | _TABLES
_KNOWN = _PLAIN | _FRAMES | {_SOS, _DAC, _DNL, _LSE_OF_JPEG_LS}
_SEGMENT = struct.Struct(">BBH")
_COMPONENT = struct.Struct(">BBB")

_MARKER = re.compile(rb"\xff[^\x00\xff]")
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# A real file has tens of segments, a progressive one with much metadata some hundreds. Without a bound, 20 MB of the
# smallest possible segments would keep this loop busy for seconds.
_MAX_SEGMENTS = 20_000


@dataclass(slots=True)
class _Walk:
    """What has gone by. stray: where bytes that belong to nothing follow the last scan."""

    picture: Picture
    frame: Frame = field(default_factory=Frame)
    tables: Tables = field(default_factory=Tables)
    stray: int | None = None


def walk_jpeg(body: bytes, picture: Picture) -> None:
    """Measure a JPEG, from SOI to EOI. Raises: Damage, OtherType for JPEG-LS."""
    walk, offset, size, segment = _Walk(picture), 2, len(body), _SEGMENT.unpack_from
    for _ in range(_MAX_SEGMENTS):
        if offset + _SEGMENT.size <= size:
            fill, plain, length = segment(body, offset)
            if fill == 0xFF and plain in _PLAIN and 2 <= length <= size - offset - 2:
                if plain in _TABLES:
                    walk.tables.pending.append((plain, offset + 4, offset + 2 + length))
                offset += 2 + length
                continue  # else it is another one, or there is something wrong: look more closely
        marker, start = _next_marker(body, offset, walk)
        if marker == _EOI:
            _check_complete(walk, start)
            picture.end_at(start, body)
            return
        offset = start if marker in _ALONE else _segment(body, marker, start, walk)
    raise Damage(f"more than {_MAX_SEGMENTS} segments", offset)


def _next_marker(body: bytes, offset: int, walk: _Walk) -> tuple[int, int]:
    """The next marker from `offset` on, and where its content begins.

    Fill bytes (T.81 B.1.1.2) before it are skipped, and so are bytes that belong to nothing, with a remark.
    """
    need(body, offset, 2, "a marker (no EOI was found)")
    found = _MARKER.search(body, offset)
    if found is None:
        raise Damage("no marker (no EOI was found)", offset)
    marker = body[found.start() + 1]
    if marker in _ALONE or body[offset : found.start()].strip(b"\xff"):
        walk.picture.remark(f"stray bytes at byte {offset}")
        if walk.frame.scanned and walk.stray is None:
            walk.stray = offset
    return marker, found.end()


def _segment(body: bytes, marker: int, start: int, walk: _Walk) -> int:
    """Check one segment with a length; where the next marker is due."""
    if marker == _SOF55_OF_JPEG_LS and not walk.frame.components:
        raise OtherType("jls")
    if marker not in _KNOWN:
        raise Damage(f"marker 0x{marker:02x} out of place", start - 1)
    (length,) = unpack(">H", body, start, "a segment")
    if length < 2:
        if marker not in _APPLICATION:
            raise Damage(f"a segment length of {length}", start)
        walk.picture.remark(f"a segment length of {length} at byte {start}")
        return start + 2
    need(body, start, length, f"a segment of {length} bytes")
    end = start + length
    if marker in _TABLES:
        walk.tables.pending.append((marker, start + 2, end))
    elif marker in _FRAMES:
        _start_of_frame(body, marker, start, length, walk)
    elif marker == _SOS:
        return _scan(body, start, length, walk)
    elif marker == _DNL:
        _define_number_of_lines(body, start, length, walk.picture)
    return end


def _start_of_frame(body: bytes, marker: int, start: int, length: int, walk: _Walk) -> None:
    if walk.frame.components:
        raise Damage("a second frame", start)
    if length < 8:
        raise Damage(f"a frame header of {length} bytes", start)
    precision, height, width, components = unpack(">BHHB", body, start + 2, "the frame header")
    if components < 1 or length != 8 + 3 * components:
        raise Damage(f"a frame header of {length} bytes for {components} components", start)
    if width < 1:
        raise Damage(f"a size of {width} x {height} pixels", start + 3)
    walk.picture.width = width
    if height:  # 0 means: told by DNL after the first scan
        walk.picture.measure(width, height, start + 3)
    if marker not in SUPPORTED:
        raise Damage(
            f"a frame of kind 0x{marker:02x} (hierarchical, or lossless arithmetic), which nothing shows,", start
        )
    described = body[start + 8 : start + length]
    parts = _COMPONENT.iter_unpack(described)
    walk.frame.kind, walk.frame.precision = marker, precision
    walk.frame.components = tuple(Component(name, both >> 4, both & 15, table) for name, both, table in parts)
    walk.frame.widest = max(part.horizontal for part in walk.frame.components)
    walk.frame.highest = max(part.vertical for part in walk.frame.components)
    check_frame(walk.frame, start)


def _scan(body: bytes, start: int, length: int, walk: _Walk) -> int:
    """Check a scan with its data; where the data ends."""
    scan = start_of_scan(body, start, length, walk.frame, walk.tables)
    begin, picture = start + length, walk.picture
    found = _AFTER_SCAN.search(body, begin)
    if found is None:
        raise Damage(f"the file ends at byte {len(body)} without EOI, inside a scan that begins", begin)
    if picture.width and picture.height and not picture.too_large:
        check_data(body, begin, found.start(), scan, walk.frame, walk.tables, (picture.width, picture.height))
    walk.stray = None
    return found.start()


def _define_number_of_lines(body: bytes, start: int, length: int, picture: Picture) -> None:
    """Take the height from a DNL segment, if it is due: elsewhere it says nothing new."""
    if length == 4 and picture.width is not None and picture.height is None:
        (height,) = unpack(">H", body, start + 2, "DNL")
        picture.measure(picture.width, height, start)


def _check_complete(walk: _Walk, offset: int) -> None:
    components = walk.frame.components
    if not components:
        raise Damage("the end of the image, but no frame", offset)
    missing = len(components) - len(walk.frame.scanned)
    if missing:
        raise Damage(f"the end of the image, but {missing} of {len(components)} components have no scan", offset)
    if walk.picture.height is None:
        raise Damage("the end of the image, but its height was never told", offset)
    if walk.stray is not None:
        raise Damage("a segment inside a scan, whose data goes on", walk.stray)
