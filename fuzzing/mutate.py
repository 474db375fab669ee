"""Inputs made from other inputs: bits, bytes, numbers, words of the format, moved pieces, two inputs spliced."""

import random
import struct
from collections.abc import Sequence

_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_LAYOUTS = ("B", ">H", "<H", ">I", "<I", ">Q", "<Q")
_REPEATS = (2, 3, 10, 100, 1000, 20_000)


def mutated(chance: random.Random, corpus: Sequence[bytes], words: Sequence[bytes], most: int) -> bytes:
    """An input of at most `most` bytes. words: tokens of the format."""
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 10))):
        chance.choice(_CHANGES)(data, chance, corpus, words)
    return bytes(data[:most])


def _at(data: bytearray, chance: random.Random) -> int:
    return chance.randint(0, len(data))


def _flip_a_bit(data: bytearray, chance: random.Random, *_: object) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set_a_byte(data: bytearray, chance: random.Random, *_: object) -> None:
    if data:
        data[chance.randrange(len(data))] = chance.randrange(256)


def _set_a_number(data: bytearray, chance: random.Random, *_: object) -> None:
    layout = chance.choice(_LAYOUTS)
    number = chance.choice(_NUMBERS) & ((1 << 8 * struct.calcsize(layout)) - 1)
    at = _at(data, chance)
    data[at : at + struct.calcsize(layout)] = struct.pack(layout, number)


def _remove(data: bytearray, chance: random.Random, *_: object) -> None:
    at = _at(data, chance)
    del data[at : at + chance.choice((1, 1, 2, 4, 16, 256))]


def _cut(data: bytearray, chance: random.Random, *_: object) -> None:
    del data[_at(data, chance) :]


def _insert_a_word(data: bytearray, chance: random.Random, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _at(data, chance)
    data[at:at] = chance.choice(words) if words else bytes((chance.randrange(256),))


def _replace_by_a_word(data: bytearray, chance: random.Random, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _at(data, chance)
    word = chance.choice(words) if words else b"\x00\x00"
    data[at : at + len(word)] = word


def _repeat(data: bytearray, chance: random.Random, *_: object) -> None:
    at = _at(data, chance)
    piece = bytes(data[at : at + chance.choice((1, 2, 4, 8, 32))])
    data[at:at] = piece * chance.choice(_REPEATS)


def _repeat_a_word(data: bytearray, chance: random.Random, _: Sequence[bytes], words: Sequence[bytes]) -> None:
    at = _at(data, chance)
    data[at:at] = (chance.choice(words) if words else b" ") * chance.choice(_REPEATS)


def _move(data: bytearray, chance: random.Random, *_: object) -> None:
    start, size = _at(data, chance), chance.choice((1, 4, 16, 64, 1024))
    piece = bytes(data[start : start + size])
    del data[start : start + size]
    at = _at(data, chance)
    data[at:at] = piece


def _splice(data: bytearray, chance: random.Random, corpus: Sequence[bytes], _: Sequence[bytes]) -> None:
    other = chance.choice(corpus)
    data[_at(data, chance) :] = other[chance.randint(0, len(other)) :]


_CHANGES = (
    _flip_a_bit,
    _set_a_byte,
    _set_a_number,
    _remove,
    _cut,
    _insert_a_word,
    _insert_a_word,
    _replace_by_a_word,
    _repeat,
    _repeat_a_word,
    _move,
    _splice,
)
