"""The functions that both query languages have: hashes, UUIDs, random numbers, JSON texts."""

import hashlib
import json
import random
import uuid

from pupline.asl._expression import Scope
from pupline.json_values import AnyJSON, dumps, loads

MAX_TEXT = 10_000
"""Characters that Base64Encode, Base64Decode and Hash take. Source: AWS, "Intrinsic functions"."""


class FunctionFailure(Exception):
    """A function cannot be applied to its arguments; the text says why."""


def shown(value: AnyJSON) -> str:
    text = dumps(value)
    return text if len(text) <= 200 else text[:200] + "..."


def limited(name: str, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise FunctionFailure(f"Invalid arguments in {name}: {len(text)} characters; at most {MAX_TEXT} are allowed")
    return text


_ALGORITHMS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def digest(value: AnyJSON, algorithm: AnyJSON) -> str:
    """The hex digest of a string, or of another value's JSON text. Raises FunctionFailure."""
    name = _ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if name is None:
        raise FunctionFailure(f"Invalid hash algorithm {shown(algorithm)}; use one of {', '.join(_ALGORITHMS)}")
    text = limited("States.Hash", value if isinstance(value, str) else dumps(value))
    return hashlib.new(name, text.encode(errors="replace"), usedforsecurity=False).hexdigest()


def parse_json(text: str) -> AnyJSON:
    """The value of a JSON text, "" and blanks giving null as on AWS. Raises FunctionFailure."""
    if not text.strip():
        return None
    try:
        return loads(text)
    except (ValueError, RecursionError) as err:
        raise FunctionFailure(f"the text is not valid JSON{_place(err)}") from err


def _place(error: Exception) -> str:
    return f": line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""


def generator(scope: Scope) -> random.Random:
    """The random number generator of an evaluation: the engine's seeded one, or a new one."""
    if scope.random is None:
        scope.random = random.Random()  # noqa: S311 - not a secret
    return scope.random


def new_uuid(scope: Scope) -> str:
    """A version 4 UUID drawn from the scope's randomness."""
    return str(uuid.UUID(int=generator(scope).getrandbits(128), version=4))


class JavaRandom:
    """java.util.Random: the numbers that AWS draws from a seed. Source: its documentation, which fixes the formula."""

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ 0x5DEECE66D) & ((1 << 48) - 1)

    def _bits(self, count: int) -> int:
        self._state = (self._state * 0x5DEECE66D + 0xB) & ((1 << 48) - 1)
        return self._state >> (48 - count)

    def random(self) -> float:
        """nextDouble(): from 0 to below 1."""
        return ((self._bits(26) << 27) + self._bits(27)) * 2.0**-53

    def below(self, bound: int) -> int:
        """nextInt(bound) for a bound of 1 to 2**31 - 1: from 0 to below `bound`."""
        drawn = self._bits(31)
        if bound & (bound - 1) == 0:
            return (bound * drawn) >> 31
        while drawn - drawn % bound + bound - 1 >= 1 << 31:
            drawn = self._bits(31)
        return drawn % bound
