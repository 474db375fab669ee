"""Splits: each image belongs to train, validation or test by a hash of its content, whatever else is in the dataset.

Equal bytes are in one split, in every run and every export; so are the members of a group of near-duplicates. An image
stays where it is when the dataset grows, unless it joins another group.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256

from pupline.errors import ConfigurationError
from pupline.text import printable

TRAIN, VALIDATION, TEST = "train", "validation", "test"
"""The names that Hugging Face `datasets` looks for."""

_NAMES: dict[int, Sequence[str]] = {2: (TRAIN, TEST), 3: (TRAIN, VALIDATION, TEST)}
_WHOLE = 2**64
_PERCENT = re.compile(r"\d{1,3}(?:\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Split:
    """Shares of the splits by name. bounds: the sums of the shares up to each split, in parts of 2**64."""

    names: Sequence[str]
    bounds: Sequence[int]

    @classmethod
    def parse(cls, text: str) -> "Split":
        """From `90/5/5`, train, validation and test in percent, or `80/20`, train and test.

        Raises: ConfigurationError.
        """
        parts = [part.strip() for part in text.split("/")]
        if len(parts) not in _NAMES or not all(map(_PERCENT.fullmatch, parts)):
            raise ConfigurationError(
                f"--split '{printable(text, 40)}' is not valid; write the percentages of train, validation and test, "
                "such as 90/5/5, or of train and test, such as 80/20"
            )
        shares = [Fraction(part) for part in parts]
        if sum(shares) != 100:
            raise ConfigurationError(f"--split {text}: the percentages add up to {float(sum(shares)):g}, not to 100")
        return cls(_NAMES[len(parts)], [int(sum(shares[: at + 1]) * _WHOLE / 100) for at in range(len(shares))])

    def name_of(self, group: str) -> str:
        """The split of all images of a group. group: the SHA-256 in hex of the image, or of its group's keeper."""
        place = int.from_bytes(sha256(f"split {group}".encode()).digest()[:8])
        return next(name for name, bound in zip(self.names, self.bounds, strict=True) if place < bound)


WHOLE = Split((TRAIN,), (_WHOLE,))
"""One split with everything."""
