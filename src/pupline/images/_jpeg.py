"""JPEG: the markers from SOI over SOF and SOS to EOI.

Source: ITU-T T.81, Annex B. Entropy-coded data is skipped by a search for the next marker in C: inside it, 0xFF is
followed by 0x00 (stuffing), RST0 to RST7, or more fill bytes. Sequential, progressive, lossless and arithmetic files
have the same skeleton. Hierarchical files (a second frame) are reported damaged: no viewer shows them.
"""

import re
import struct
from dataclasses import dataclass, field

from pupline.images._structure import Damage, Picture, need, unpack

_TEM, _DHT, _JPG, _DAC, _EOI, _SOI, _SOS, _DNL = 0x01, 0xC4, 0xC8, 0xCC, 0xD9, 0xD8, 0xDA, 0xDC
_FRAMES = frozenset(range(0xC0, 0xD0)) - {_DHT, _JPG, _DAC}
_RESTARTS = range(0xD0, 0xD8)

# Nothing in these is looked at but their length: most segments of most files. DHT, DQT, DRI, APP0 to APP15, COM.
_PLAIN = frozenset({_DHT, 0xDB, 0xDD, *range(0xE0, 0xF0), 0xFE})
_SEGMENT = struct.Struct(">BBH")

_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_NOT_FILL = re.compile(rb"[^\xff]")

# A real file has tens of segments, a progressive one with much metadata some hundreds. Without a bound, 20 MB of the
# smallest possible segments would keep this loop busy for seconds.
_MAX_SEGMENTS = 20_000


@dataclass(slots=True)
class _Frame:
    """The components that the frame announces, and those that some scan has held."""

    announced: frozenset[int] = frozenset()
    scanned: set[int] = field(default_factory=set)


def walk_jpeg(body: bytes, picture: Picture) -> None:
    """Measure a JPEG, from SOI to EOI. Raises: Damage."""
    frame, offset, size, segment = _Frame(), 2, len(body), _SEGMENT.unpack_from
    for _ in range(_MAX_SEGMENTS):
        if offset + _SEGMENT.size <= size:
            fill, plain, length = segment(body, offset)
            if fill == 0xFF and plain in _PLAIN and 2 <= length <= size - offset - 2:
                offset += 2 + length
                continue  # else it is another one, or there is something wrong: look more closely
        marker, start = _next_marker(body, offset)
        if marker == _EOI:
            _check_complete(frame, picture, start)
            picture.end_at(start, body)
            return
        offset = start if marker == _TEM else _segment(body, marker, start, frame, picture)
    raise Damage(f"more than {_MAX_SEGMENTS} segments", offset)


def _next_marker(body: bytes, offset: int) -> tuple[int, int]:
    """The marker at `offset`, and where its content begins. Fill bytes (T.81 B.1.1.2) before it are skipped."""
    need(body, offset, 2, "a marker (no EOI was found)")
    found = _NOT_FILL.search(body, offset)
    if body[offset] != 0xFF:
        raise Damage(f"0x{body[offset]:02x} where a marker is due", offset)
    if found is None:
        raise Damage("nothing but fill bytes (no EOI was found)", offset)
    marker = body[found.start()]
    if marker in (0x00, _SOI) or marker in _RESTARTS:
        raise Damage(f"marker 0x{marker:02x} out of place", found.start())
    return marker, found.end()


def _segment(body: bytes, marker: int, start: int, frame: _Frame, picture: Picture) -> int:
    """Check one segment with a length; where the next marker is due."""
    (length,) = unpack(">H", body, start, "a segment")
    if length < 2:
        raise Damage(f"a segment length of {length}", start)
    need(body, start, length, f"a segment of {length} bytes")
    end = start + length
    if marker in _FRAMES:
        _start_of_frame(body, start, length, frame, picture)
    elif marker == _SOS:
        _start_of_scan(body, start, length, frame)
        return _end_of_scan(body, end)
    elif marker == _DNL:
        _define_number_of_lines(body, start, length, picture)
    return end


def _start_of_frame(body: bytes, start: int, length: int, frame: _Frame, picture: Picture) -> None:
    if frame.announced:
        raise Damage("a second frame", start)
    if length < 8:
        raise Damage(f"a frame header of {length} bytes", start)
    height, width, components = unpack(">HHB", body, start + 3, "the frame header")
    if components < 1 or length != 8 + 3 * components:
        raise Damage(f"a frame header of {length} bytes for {components} components", start)
    if width < 1:
        raise Damage(f"a size of {width} x {height} pixels", start + 3)
    frame.announced = frozenset(body[start + 8 : start + length : 3])
    picture.width = width
    if height:  # 0 means: told by DNL after the first scan
        picture.measure(width, height, start + 3)


def _start_of_scan(body: bytes, start: int, length: int, frame: _Frame) -> None:
    if not frame.announced:
        raise Damage("a scan before any frame", start)
    components = body[start + 2] if length > 2 else 0
    if not 1 <= components <= 4 or length != 6 + 2 * components:
        raise Damage(f"a scan header of {length} bytes for {components} components", start)
    chosen = set(body[start + 3 : start + 3 + 2 * components : 2])
    if not chosen <= frame.announced:
        raise Damage("a scan of a component that the frame does not have", start)
    frame.scanned |= chosen


def _end_of_scan(body: bytes, start: int) -> int:
    found = _AFTER_SCAN.search(body, start)
    if found is None:
        raise Damage(f"the file ends at byte {len(body)} without EOI, inside a scan that begins", start)
    if found.start() == start:
        raise Damage("a scan without data", start)
    return found.start()


def _define_number_of_lines(body: bytes, start: int, length: int, picture: Picture) -> None:
    if length != 4 or picture.width is None:
        raise Damage("a misplaced DNL segment", start)
    (height,) = unpack(">H", body, start + 2, "DNL")
    if picture.height is None:
        picture.measure(picture.width, height, start)


def _check_complete(frame: _Frame, picture: Picture, offset: int) -> None:
    if not frame.announced:
        raise Damage("the end of the image, but no frame", offset)
    missing = len(frame.announced - frame.scanned)
    if missing:
        raise Damage(f"the end of the image, but {missing} of {len(frame.announced)} components have no scan", offset)
    if picture.height is None:
        raise Damage("the end of the image, but its height was never told", offset)
