"""Pictures for the tests of `pupline.quality`, made from numbers: each seed gives another picture."""

import io
import random
from typing import Any

from PIL import Image, ImageDraw, ImageFilter


def picture(seed: int, width: int = 320, height: int = 240) -> Image.Image:
    """A picture of coloured shapes with soft edges; the same seed gives the same picture at any size."""
    chance = random.Random(seed)

    def colour() -> tuple[int, int, int]:
        return chance.randrange(30, 226), chance.randrange(30, 226), chance.randrange(30, 226)

    image = Image.new("RGB", (320, 240), colour())
    draw = ImageDraw.Draw(image)
    for place in range(10):
        left, top = chance.randrange(-40, 300), chance.randrange(-40, 220)
        box = (left, top, left + chance.randrange(20, 150), top + chance.randrange(20, 120))
        (draw.ellipse if place % 2 else draw.rectangle)(box, fill=colour())
    soft = image.filter(ImageFilter.GaussianBlur(1))
    return soft if (width, height) == soft.size else soft.resize((width, height), Image.Resampling.LANCZOS)


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """The picture in a file's bytes."""
    target = io.BytesIO()
    image.save(target, kind, **({"quality": 85} if kind == "JPEG" else {}) | options)
    return target.getvalue()
