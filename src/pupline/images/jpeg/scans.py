"""JPEG: whether a frame, its tables and the data of its scans are consistent.

Source: ITU-T T.81, Annexes B (headers), F and G (how blocks are coded), H (lossless). Nothing is decoded: the
tables give the fewest bits for a picture of this size, and the meaning of a run of zero bytes.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from pupline.images._structure import Damage, unpack

DQT, DHT, DRI = 0xDB, 0xC4, 0xDD

_PROGRESSIVE, _ARITHMETIC, LOSSLESS = frozenset({0xC2, 0xCA}), frozenset({0xC9, 0xCA}), 0xC3
SUPPORTED = frozenset({0xC0, 0xC1, 0xC2, LOSSLESS}) | _ARITHMETIC
"""Kinds of frames that readers support. The others are hierarchical, or lossless with arithmetic coding."""

MAX_COMPONENTS = 10  # the limit of libjpeg
_MAX_BLOCKS_IN_MCU = 10  # T.81 B.2.3

# No writer pads a scan by 256 bytes, which are ten blocks even where blocks are longest.
_ZEROS = bytes(256)
_SEGMENT = struct.Struct(">BBH")
_NOT_ZERO = re.compile(rb"[^\0]")
_RESTARTS = [bytes((0xFF, marker)) for marker in range(0xD0, 0xD8)]

# A progressive file has at most four tables a scan, and tens of scans. Without the limit, 20 MB of tables take seconds.
_MAX_TABLES = 20_000


class Component(NamedTuple):
    """One component in a frame header."""

    identifier: int
    horizontal: int
    vertical: int
    quantisation: int


class HuffmanTable(NamedTuple):
    """A Huffman table, as far as it says how many bits a block takes.

    shortest: the bits of its shortest code, which is all zeros. first: the symbol of that code. block: the fewest bits
    for the AC coefficients of a block: "end of block", or four codes, because one skips at most 16.
    """

    shortest: int
    first: int
    block: int


# T.81 Annex K.3. Frames of motion JPEG have no tables; readers use these.
_STANDARD = {
    0x00: HuffmanTable(2, 0, 0),
    0x01: HuffmanTable(2, 0, 0),
    0x10: HuffmanTable(2, 1, 4),
    0x11: HuffmanTable(2, 0, 2),
}


@dataclass(slots=True)
class JpegFrame:
    """A frame: its marker, bits a sample, components and their largest sampling factors.

    size: width and height in pixels, once they are known. scanned: the components that a scan has had, by their
    position in the header.
    """

    kind: int = 0
    precision: int = 8
    components: tuple[Component, ...] = ()
    widest: int = 1
    highest: int = 1
    size: tuple[int, int] = (0, 0)
    scanned: set[int] = field(default_factory=set)


@dataclass(slots=True)
class DecodingTables:
    """The tables in force. Segments are only queued; `read` reads them when a scan needs them.

    quantisation, huffman: replaced rather than changed, so that pictures share them.
    """

    pending: list[tuple[int, int, int]] = field(default_factory=list)
    quantisation: frozenset[int] = frozenset()
    huffman: Mapping[int, HuffmanTable | None] = field(default_factory=dict)
    restart_interval: int = 0
    left: int = _MAX_TABLES

    def read(self, body: bytes) -> None:
        """Read the segments since the last scan. Raises: Damage."""
        for marker, start, end in self.pending:
            if marker == DHT:
                self._huffman(body, start, end)
            elif marker == DQT:
                self._quantisation(body, start, end)
            else:
                (self.restart_interval,) = unpack(">H", body, start, "DRI")
        self.pending.clear()

    def _huffman(self, body: bytes, start: int, end: int) -> None:
        segment = body[start:end]
        found = _cached_tables_in(segment) if len(segment) <= _CACHED_BYTES else _tables_in(segment)
        if found is None:
            raise Damage("a Huffman table that does not fit its segment", start)
        self.left -= len(found)
        if self.left < 0:
            raise Damage(f"more than {_MAX_TABLES} Huffman tables", start)
        self.huffman = {**self.huffman, **dict(found)}

    def _quantisation(self, body: bytes, start: int, end: int) -> None:
        found = set(self.quantisation)
        while start < end:
            found.add(body[start] & 0x0F)
            start += 129 if body[start] > 0x0F else 65
        self.quantisation = frozenset(found)
        if start != end:
            raise Damage("a quantisation table that does not fit its segment", end)


def _tables_in(segment: bytes) -> list[tuple[int, HuffmanTable | None]] | None:
    """The tables of a DHT segment by slot, None for invalid ones; None where one does not fit the segment."""
    found: list[tuple[int, HuffmanTable | None]] = []
    start = 0
    while start < len(segment):
        total, shortest, lengths = _code_lengths(segment[start + 1 : start + 17])
        slot, symbols = segment[start], start + 17
        start = symbols + total
        if slot & 0xEF > 3 or start > len(segment):
            return None
        if lengths:
            at = segment.find(b"\0", symbols, start)
            block = 4 * shortest if at < 0 else min(lengths[at - symbols], 4 * shortest)
            found.append((slot, HuffmanTable(shortest, segment[symbols], block)))
        else:
            found.append((slot, None))
    return found


# Most encoders write the tables of Annex K, in one segment of 418 bytes or in four.
_CACHED_BYTES = 512
_cached_tables_in = lru_cache(maxsize=64)(_tables_in)


@lru_cache(maxsize=64)
def _code_lengths(counts: bytes) -> tuple[int, int, bytes]:
    """The number of codes, the bits of the shortest, and the bits of each; empty where no such code exists."""
    lengths = b"".join(bytes((bits,)) * count for bits, count in enumerate(counts, 1))
    room = 1
    for count in counts:
        room = 2 * room - count
        if room < 0:
            return len(lengths), 0, b""
    return len(lengths), lengths[0] if lengths else 0, lengths


@dataclass(slots=True)
class Scan:
    """A scan header: components with their DC and AC tables, spectral selection, successive approximation.

    fewest_bits: of a block of each component.
    """

    components: list[tuple[Component, HuffmanTable, HuffmanTable]]
    first: int
    last: int
    high: int
    low: int
    fewest_bits: tuple[int, ...] = ()


def start_of_scan(body: bytes, start: int, length: int, frame: JpegFrame, tables: DecodingTables) -> Scan:
    """The scan whose header begins at `start`, checked against frame and tables. Raises: Damage.

    Programs write the same tables and the same scan header into most of their pictures: the first scan of those that
    were met before is known.
    """
    if frame.scanned or len(tables.pending) > _MAX_KNOWN_SEGMENTS:
        return _checked_scan(body, start, length, frame, tables)
    segments = b"".join([body[at - 4 : end] for _, at, end in tables.pending])
    if len(segments) > _MAX_KNOWN_BYTES:
        return _checked_scan(body, start, length, frame, tables)
    known = _known_scan(segments, body[start : start + length], frame.kind, frame.components)
    if known is None:
        return _checked_scan(body, start, length, frame, tables)
    scan, scanned, in_force = known
    frame.scanned.update(scanned)
    tables.pending.clear()
    tables.quantisation, tables.huffman = in_force.quantisation, in_force.huffman
    tables.restart_interval, tables.left = in_force.restart_interval, in_force.left
    return scan


_MAX_KNOWN_SEGMENTS = 16
_MAX_KNOWN_BYTES = 2048


@lru_cache(maxsize=64)
def _known_scan(
    segments: bytes, header: bytes, kind: int, components: tuple[Component, ...]
) -> tuple[Scan, frozenset[int], DecodingTables] | None:
    """A first scan, the components that it has, and the tables after it; None for a damaged one.

    segments: those with tables before it. header: the scan's. kind, components: the frame's.
    """
    frame, tables, at = JpegFrame(kind=kind, components=components), DecodingTables(), 0
    while at < len(segments):
        _, marker, length = _SEGMENT.unpack_from(segments, at)
        tables.pending.append((marker, at + 4, at + 2 + length))
        at += 2 + length
    try:
        scan = _checked_scan(segments + header, at, len(header), frame, tables)
    except Damage:
        return None
    return scan, frozenset(frame.scanned), tables


def _checked_scan(body: bytes, start: int, length: int, frame: JpegFrame, tables: DecodingTables) -> Scan:
    if not frame.components:
        raise Damage("a scan before any frame", start)
    count = body[start + 2] if length > 2 else 0
    if not 1 <= count <= 4 or length != 6 + 2 * count:
        raise Damage(f"a scan header of {length} bytes for {count} components", start)
    tables.read(body)
    first, last, approximation = body[start + length - 3 : start + length]
    scan = Scan([], first, last, approximation >> 4, approximation & 15)
    if frame.kind in _PROGRESSIVE:
        _check_progression(scan, count, start)
    chosen: list[int] = []
    for at in range(start + 3, start + 3 + 2 * count, 2):
        # An identifier may be used twice: it means the first component that is not chosen yet.
        places = (place for place, part in enumerate(frame.components) if part.identifier == body[at])
        place = next((place for place in places if place not in chosen), None)
        if place is None:
            raise Damage("a scan of a component that the frame does not have", start)
        chosen.append(place)
        component = frame.components[place]
        if frame.kind != LOSSLESS and component.quantisation not in tables.quantisation:
            raise Damage(f"a scan with quantisation table {component.quantisation}, which is not defined,", start)
        scan.components.append((component, *_tables_of(body[at + 1], frame, scan, tables, start)))
    if count > 1 and sum(part.horizontal * part.vertical for part, _, _ in scan.components) > _MAX_BLOCKS_IN_MCU:
        raise Damage(f"a scan of more than {_MAX_BLOCKS_IN_MCU} blocks at a time", start)
    frame.scanned.update(chosen)
    scan.fewest_bits = tuple(_fewest_bits(frame, scan, dc, ac) for _, dc, ac in scan.components)
    return scan


def _check_progression(scan: Scan, count: int, start: int) -> None:
    """Raises: Damage for a scan that is not valid in a progressive picture (T.81 G.1.1.1)."""
    first, last = scan.first, scan.last
    band = last == 0 if first == 0 else first <= last <= 63 and count == 1
    if not band or scan.low > 13 or (scan.high and scan.high != scan.low + 1):
        raise Damage(f"a progressive scan of coefficients {first} to {last}, bits {scan.high} to {scan.low},", start)


def _tables_of(
    slots: int, frame: JpegFrame, scan: Scan, tables: DecodingTables, start: int
) -> tuple[HuffmanTable, HuffmanTable]:
    """The DC and AC tables of one component; standard ones where the scan uses none."""
    found = [_STANDARD[0x00], _STANDARD[0x10]]
    if frame.kind in _ARITHMETIC:
        return found[0], found[1]
    progressive = frame.kind in _PROGRESSIVE
    if not progressive or (scan.first == 0 and scan.high == 0):
        found[0] = _table(slots >> 4, tables, start)
    if (scan.first > 0) if progressive else frame.kind != LOSSLESS:
        found[1] = _table(slots & 15 | 0x10, tables, start)
    return found[0], found[1]


def _table(slot: int, tables: DecodingTables, start: int) -> HuffmanTable:
    table = tables.huffman[slot] if slot in tables.huffman else _STANDARD.get(slot)
    if table is None:
        raise Damage(f"a scan with Huffman table 0x{slot:02x}, which is not defined or not valid,", start)
    return table


def check_data(body: bytes, start: int, end: int, scan: Scan, frame: JpegFrame, tables: DecodingTables) -> None:
    """Check that the data of a scan can be that of a picture of the frame's size. Raises: Damage."""
    mcus, blocks = _blocks(scan, frame)
    if tables.restart_interval and frame.kind != LOSSLESS:
        expected = (mcus - 1) // tables.restart_interval
        found = sum(body.count(marker, start, end) for marker in _RESTARTS)
        if found < expected:
            raise Damage(f"a scan with {found} of {expected} restart markers", start)
    if frame.kind in _ARITHMETIC:
        return
    if start == end:  # allowed with arithmetic coding only, which drops zero bytes at the end (T.81 D.1.8)
        raise Damage("a scan without data", start)
    bits = sum(map(mul, blocks, scan.fewest_bits))
    if (end - start) * 8 < bits:
        pixels = "{} x {} pixels".format(*frame.size)
        raise Damage(f"a scan of {end - start} bytes, where {pixels} take {bits // 8} or more,", start)
    if body.find(_ZEROS, start, end) >= 0:
        _check_zeros(body, start, end, scan, frame, blocks)


def _blocks(scan: Scan, frame: JpegFrame) -> tuple[int, list[int]]:
    """The number of MCUs of a scan, and of blocks (samples, if lossless) of each component (T.81 A.2)."""
    unit = 1 if frame.kind == LOSSLESS else 8
    (width, height), widest, highest = frame.size, frame.widest, frame.highest
    if len(scan.components) == 1:
        part = scan.components[0][0]
        across = _ceil(_ceil(width * part.horizontal, widest), unit)
        down = _ceil(_ceil(height * part.vertical, highest), unit)
        return across * down, [across * down]
    mcus = _ceil(width, unit * widest) * _ceil(height, unit * highest)
    return mcus, [mcus * part.horizontal * part.vertical for part, _, _ in scan.components]


def _ceil(dividend: int, divisor: int) -> int:
    """The quotient, rounded up."""
    return (dividend + divisor - 1) // divisor


def _fewest_bits(frame: JpegFrame, scan: Scan, dc: HuffmanTable, ac: HuffmanTable) -> int:
    """The fewest bits of a block. In a progressive AC scan next to none: blocks share an end-of-band code."""
    if frame.kind == LOSSLESS:
        return dc.shortest
    if frame.kind not in _PROGRESSIVE:
        return dc.shortest + ac.block
    if scan.first:
        return 0
    return 1 if scan.high else dc.shortest


def _check_zeros(body: bytes, start: int, end: int, scan: Scan, frame: JpegFrame, blocks: list[int]) -> None:
    """Raises: Damage for a long run of zero bytes without a plausible meaning.

    Zeros that mean blocks like those before them are a plain area, if the picture has room for it. Zeros that mean
    blocks with every coefficient set, or darker and darker ones, are a hole in the file: data was overwritten.
    """
    if frame.kind in _PROGRESSIVE and scan.first and scan.high:
        return  # a refinement: zeros leave coefficients as they are
    meanings = [_zero_block(frame, scan, dc, ac) for _, dc, ac in scan.components]
    range_of_dc = 1 << frame.precision + 4
    at = body.find(_ZEROS, start, end)
    while at >= 0:
        found = _NOT_ZERO.search(body, at, end)
        stop = found.start() if found else end
        coded = (stop - at) * 8 // max(bits for bits, _, _ in meanings) * min(cover for _, cover, _ in meanings)
        drift = max(step * count for count, (_, _, step) in zip(blocks, meanings, strict=True)) * coded // sum(blocks)
        if not coded or coded > sum(blocks) or drift > range_of_dc:
            raise Damage(f"{stop - at} bytes of a scan overwritten by zeros", at)
        at = body.find(_ZEROS, stop, end)


def _zero_block(frame: JpegFrame, scan: Scan, dc: HuffmanTable, ac: HuffmanTable) -> tuple[int, int, int]:
    """The meaning of zero bits: a number of bits, the blocks that they are, and the change of DC value per block.

    No blocks where they set all the AC coefficients: one such block is rare, and ten in a row are not a picture.
    """
    category = dc.first & 15
    if frame.kind == LOSSLESS:
        return dc.shortest + category, 1, 0
    step = (1 << category) - 1
    if frame.kind not in _PROGRESSIVE:
        return dc.shortest + category + ac.shortest, 0 if ac.first else 1, step
    if scan.first == 0:
        return (1, 1, 0) if scan.high else (dc.shortest + category, 1, step << scan.low)
    run, value = divmod(ac.first, 16)
    return ac.shortest + run, 0 if value or run == 15 else 1 << run, 0
