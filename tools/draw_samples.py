"""Draw the dogs of the sample source again: python -m tools.draw_samples [DIRECTORY] [--sheet SHEET.png]

The pictures in src/pupline/samples/pictures were made with this; the same Pillow gives the same bytes again. Needs
Pillow, which is a development dependency. Every dog is a portrait in a square of 100 x 100 units, except the walking
dachshund. The names of two files contradict their content on purpose: see `save_portrait`.
"""

import argparse
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from PIL import Image, ImageDraw

PICTURES = Path(__file__).parents[1] / "src" / "pupline" / "samples" / "pictures"
SMOOTH = 3  # drawn this much larger, then reduced: that is what rounds the edges

Colour: TypeAlias = str
Point: TypeAlias = tuple[float, float]

INK, TONGUE, WHITE, CREAM = "#2b2422", "#ef7d8c", "#fffdf8", "#f7ead3"


class Canvas:
    """Paper measured in units: 100 from top to bottom, the middle of the dog at x = 50."""

    def __init__(self, width: int, height: int, colour: Colour) -> None:
        self.size = (width, height)
        self.unit = height * SMOOTH / 100
        self.left = (100 - 100 * width / height) / 2
        self.right = 100 - self.left
        self.image = Image.new("RGB", (width * SMOOTH, height * SMOOTH), colour)
        self.draw = ImageDraw.Draw(self.image)

    def at(self, x: float, y: float) -> Point:
        """The pixel of a place."""
        return ((x - self.left) * self.unit, y * self.unit)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour, turned: float = 0) -> None:
        """An ellipse around a place, turned clockwise by degrees."""
        turn = math.radians(turned)
        angles = [step * math.tau / 72 for step in range(72)]
        self.shape(
            [
                (
                    x + rx * math.cos(a) * math.cos(turn) - ry * math.sin(a) * math.sin(turn),
                    y + rx * math.cos(a) * math.sin(turn) + ry * math.sin(a) * math.cos(turn),
                )
                for a in angles
            ],
            colour,
        )

    def pair(self, x: float, y: float, rx: float, ry: float, colour: Colour, turned: float = 0) -> None:
        """Two mirrored ellipses, `x` units left and right of the middle."""
        self.ellipse(50 - x, y, rx, ry, colour, turned)
        self.ellipse(50 + x, y, rx, ry, colour, -turned)

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled outline."""
        self.draw.polygon([self.at(*point) for point in points], fill=colour)

    def shapes(self, points: Sequence[Point], colour: Colour) -> None:
        """An outline left of the middle, and its mirror image."""
        self.shape(points, colour)
        self.shape([(100 - x, y) for x, y in points], colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """A line with round ends."""
        self.draw.line([self.at(*p) for p in points], fill=colour, width=round(width * self.unit), joint="curve")
        for x, y in (points[0], points[-1]):
            self.ellipse(x, y, width / 2, width / 2, colour)

    def arc(self, x: float, y: float, radius: float, start: float, end: float, colour: Colour, width: float) -> None:
        """A part of a circle, in degrees clockwise from three o'clock."""
        steps = [math.radians(start + (end - start) * step / 16) for step in range(17)]
        self.line([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in steps], colour, width)

    def fur(self, x: float, y: float, rx: float, ry: float, colour: Colour, tufts: int, depth: float) -> None:
        """An ellipse with tufts around its edge."""
        points = []
        for step in range(tufts * 2):
            angle = step * math.pi / tufts
            reach = 1 + depth if step % 2 else 1 - depth / 2
            points.append((x + rx * reach * math.cos(angle + 0.04), y + ry * reach * math.sin(angle + 0.04)))
        self.shape(points, colour)

    def curls(self, x: float, y: float, rx: float, ry: float, colours: list[Colour], seed: int) -> None:
        """A cloud of curls."""
        chance = random.Random(seed)  # noqa: S311 - the same curls each time
        self.ellipse(x, y, rx, ry, colours[0])
        for step in range(70):
            angle, reach = step * 2.4, math.sqrt((70 - step) / 70)
            size = min(rx, ry) * chance.uniform(0.17, 0.27)
            place = (x + rx * reach * math.cos(angle), y + ry * reach * math.sin(angle))
            self.ellipse(*place, size, size, colours[step % len(colours)])

    def finished(self) -> Image.Image:
        """The picture in its final size."""
        return self.image.resize(self.size, Image.Resampling.LANCZOS)


def meadow(c: Canvas) -> None:
    """Green hills under a sun."""
    c.ellipse(84, 17, 9, 9, "#fff3b8")
    c.ellipse(15, 100, 65, 38, "#9ccc7b")
    c.ellipse(95, 105, 70, 36, "#86bd68")


def clouds(c: Canvas) -> None:
    """Summer clouds."""
    for x, y, size in ((5, 20, 7), (92, 12, 6), (100, 55, 8), (-4, 62, 6)):
        for step in (-1, 0, 1):
            c.ellipse(x + step * size, y + abs(step) * size * 0.3, size, size * 0.75, "#ffffff")


def snow(c: Canvas) -> None:
    """A snowy evening."""
    chance = random.Random(4)  # noqa: S311 - the same snow each time
    for _ in range(70):
        size = chance.uniform(0.5, 1.4)
        c.ellipse(chance.uniform(c.left, c.right), chance.uniform(0, 90), size, size, "#eef6fd")
    c.ellipse(50, 112, 110, 30, "#eef6fd")


def mountains(c: Canvas) -> None:
    """Two peaks with snow on top."""
    for x, top, wide, colour in ((8, 18, 46, "#7e93b5"), (92, 8, 52, "#6c82a6")):
        c.shape([(x - wide, 100), (x, top), (x + wide, 100)], colour)
        c.shape([(x - wide * 0.2, top + 17), (x, top), (x + wide * 0.2, top + 17), (x, top + 12)], "#f4f8fc")


def dots(colour: Colour) -> Callable[[Canvas], None]:
    """Wallpaper."""

    def paper(c: Canvas) -> None:
        for row in range(9):
            for column in range(-4, 14):
                c.ellipse(column * 14 + row % 2 * 7, row * 13, 1.8, 1.8, colour)

    return paper


def rays(colour: Colour) -> Callable[[Canvas], None]:
    """Rays from behind the dog."""

    def poster(c: Canvas) -> None:
        for step in range(12):
            angle = step * math.tau / 12
            tips = [(50 + 120 * math.cos(a), 50 + 120 * math.sin(a)) for a in (angle, angle + math.tau / 24)]
            c.shape([(50, 50), *tips], colour)

    return poster


def lake(c: Canvas) -> None:
    """Water up to the horizon."""
    c.ellipse(14, 62, 30, 12, "#7fa98a")
    c.ellipse(92, 62, 34, 15, "#6f9c80")
    c.shape([(c.left, 62), (c.right, 62), (c.right, 100), (c.left, 100)], "#5fb0cf")
    for x, y in ((4, 70), (90, 74), (12, 84), (98, 88)):
        c.line([(x - 7, y), (x + 7, y)], "#a9dbea", 1.2)


def desert(c: Canvas) -> None:
    """Sand, a low sun, a cactus."""
    c.ellipse(80, 42, 12, 12, "#fbd37a")
    c.ellipse(30, 112, 90, 42, "#e0b274")
    for points in ([(5, 92), (5, 48)], [(5, 74), (-4, 74), (-4, 60)], [(5, 68), (14, 68), (14, 56)]):
        c.line(points, "#5c9463", 5)


def blossom(c: Canvas) -> None:
    """A branch in flower."""
    c.line([(c.left, 4), (22, 14), (40, 9)], "#7a5343", 2.2)
    c.line([(c.right, 12), (84, 22), (76, 18)], "#7a5343", 2)
    for x, y in ((2, 8), (13, 13), (24, 12), (34, 8), (41, 11), (80, 17), (90, 21), (97, 14), (18, 20), (8, 32)):
        for step in range(5):
            angle = step * math.tau / 5
            c.ellipse(x + 2.2 * math.cos(angle), y + 2.2 * math.sin(angle), 2, 2, "#fbc1d0")
        c.ellipse(x, y, 1.1, 1.1, "#e4708d")


@dataclass(frozen=True)
class Dog:
    """What makes one dog differ from another; `marks` are painted on the bare head, `over` on the finished one."""

    sky: Colour
    background: Callable[[Canvas], None]
    coat: Colour
    ears: Callable[[Canvas], None]
    ears_hang: bool = False
    bib: Colour = WHITE
    muzzle: Colour = WHITE
    eyes: Colour = "#4a2f1d"
    collar: Colour = "#d1495b"
    head: tuple[float, float] = (25, 25)
    fluffy: float = 0
    tongue: bool = False
    marks: Callable[[Canvas], None] = lambda _: None
    over: Callable[[Canvas], None] = lambda _: None


def pointed(outer: Colour, inner: Colour, tip: Point = (25, 10), wide: float = 1) -> Callable[[Canvas], None]:
    """Ears that stand."""

    def ears(c: Canvas) -> None:
        x, y = tip
        c.shapes([(x + 6, 46), (x - 2 * wide, y + 12), (x, y), (x + 6, y + 5), (x + 20 * wide, 31)], outer)
        c.shapes([(x + 7, 42), (x + 1, y + 13), (x + 2, y + 6), (x + 6, y + 9), (x + 13 * wide, 31)], inner)

    return ears


def hanging(colour: Colour, length: float = 17, wide: float = 8.5, turned: float = 14) -> Callable[[Canvas], None]:
    """Ears that hang."""

    def ears(c: Canvas) -> None:
        c.pair(25, 32 + length * 0.75, wide, length, colour, turned)

    return ears


def folded(colour: Colour) -> Callable[[Canvas], None]:
    """Small ears with their tips folded over."""

    def ears(c: Canvas) -> None:
        c.shapes([(24, 27), (38, 23), (31, 34), (23, 44), (19, 37)], colour)

    return ears


def head(c: Canvas, dog: Dog) -> None:
    """Shoulders, bib, collar and the bare head."""
    rx, ry = dog.head
    if dog.fluffy:
        c.fur(50, 103, 36, 34, dog.coat, 26, dog.fluffy)
        c.fur(50, 96, 19, 24, dog.bib, 20, dog.fluffy)
    else:
        c.ellipse(50, 103, 31, 32, dog.coat)
        c.ellipse(50, 101, 16, 23, dog.bib)
    c.ellipse(50, 72, 18.5, 14, dog.coat)
    c.arc(50, 57, 25, 44, 136, dog.collar, 4)
    c.ellipse(50, 84.5, 3.6, 3.6, "#f2c14e")
    if dog.fluffy:
        c.fur(50, 47, rx, ry, dog.coat, 30, dog.fluffy)
    c.ellipse(50, 47, rx, ry, dog.coat)


def face(c: Canvas, dog: Dog) -> None:
    """Muzzle, mouth, nose and eyes."""
    c.ellipse(50, 60, 13.5, 11.5, dog.muzzle)
    if dog.tongue:
        c.ellipse(50, 71, 4.6, 6.8, TONGUE)
        c.line([(50, 68), (50, 73)], "#d9606f", 0.8)
    c.arc(45.3, 62, 4.8, 20, 150, INK, 1.2)
    c.arc(54.7, 62, 4.8, 30, 160, INK, 1.2)
    c.line([(50, 57), (50, 63)], INK, 1.2)
    c.ellipse(50, 54.5, 5.4, 3.9, INK)
    c.ellipse(48.3, 53, 1.5, 0.9, "#8b807c")
    c.pair(11.5, 43, 4.1, 4.5, INK)
    c.pair(11.5, 43.3, 3.1, 3.4, dog.eyes)
    c.pair(11.5, 43.3, 1.9, 2.1, INK)
    for x in (37.4, 60.4):
        c.ellipse(x, 41.5, 1.3, 1.3, "#ffffff")


def portrait(dog: Dog, width: int, height: int) -> Image.Image:
    """A dog that looks at you."""
    c = Canvas(width, height, dog.sky)
    dog.background(c)
    if not dog.ears_hang:
        dog.ears(c)
    head(c, dog)
    dog.marks(c)
    face(c, dog)
    if dog.ears_hang:
        dog.ears(c)
    dog.over(c)
    return c.finished()


def blaze(colour: Colour, top: float = 5) -> Callable[[Canvas], None]:
    """A light stripe from the forehead to the muzzle."""
    return lambda c: c.shape(
        [(50 - top * 0.4, 23), (50 + top * 0.4, 23), (50 + top, 44), (60, 58), (40, 58), (50 - top, 44)], colour
    )


def mask(colour: Colour) -> Callable[[Canvas], None]:
    """The light face of a husky, a dark wedge on the forehead left over."""

    def marks(c: Canvas) -> None:
        c.pair(11, 48, 11.5, 14, colour, -18)
        c.ellipse(50, 60, 16, 12, colour)
        c.shape([(45, 22), (55, 22), (50, 50)], "#5f6b7a")
        c.pair(11.5, 34, 3, 1.6, colour, 20)

    return marks


def spots(c: Canvas) -> None:
    """A dalmatian's."""
    for x, y, size in (
        (38, 30, 3), (62, 27, 2.2), (50, 32, 1.8), (30, 50, 2.4), (70, 53, 2.8), (66, 37, 1.6), (35, 61, 1.7),
        (64, 64, 1.5), (44, 25, 1.4), (28, 90, 3), (72, 88, 3.4), (36, 96, 2.2), (64, 97, 2), (45, 93, 1.6),
    ):  # fmt: skip
        c.ellipse(x, y, size, size * 0.85, INK, x * 7)


def black_mask(c: Canvas) -> None:
    """A pug's: dark around muzzle and eyes, wrinkles between."""
    c.ellipse(50, 59, 17.5, 14, "#3f3532")
    c.pair(11.5, 44, 7, 7, "#4b403b")
    for y, wide in ((31, 7), (35, 5)):
        c.arc(50, y + wide, wide, 215, 325, "#a88358", 1.2)


def brows(colour: Colour) -> Callable[[Canvas], None]:
    """Light cheeks and two dots above the eyes."""

    def marks(c: Canvas) -> None:
        c.pair(14, 57, 10, 11, colour, 30)
        c.pair(9.5, 34.5, 2.6, 1.8, colour, -15)

    return marks


def poodle_hair(c: Canvas) -> None:
    """Curls on top and at the ears."""
    shades = ["#d9a06b", "#e2ad7b", "#cf945e"]
    c.curls(24, 52, 9, 17, shades, 1)
    c.curls(76, 52, 9, 17, shades, 2)
    c.curls(50, 22, 20, 12, shades, 3)


def silk(c: Canvas) -> None:
    """An Afghan's hair, parted in the middle."""
    for step in range(7):
        shade = ("#c99a5b", "#b98848", "#d3a566")[step % 3]
        x = 35 - step * 2.2
        c.shapes([(50, 17), (50, 23), (x + 1, 42), (x + 3, 92 - step * 3), (x - 3, 98 - step * 4), (x - 3, 38)], shade)


def chihuahua_ears(c: Canvas) -> None:
    """As large as the face."""
    c.pair(29, 27, 12, 21, "#c98d58", -38)
    c.pair(28, 28, 8, 16, "#f0c3ab", -38)


DOGS: dict[str, tuple[Dog, int, int]] = {
    "corgi-cardigan/n02113186_1.jpg": (
        Dog("#bfe3f2", meadow, "#dc9450", pointed("#dc9450", "#f5cfb2", (22, 7), 1.1), marks=blaze(WHITE), tongue=True),
        480, 400,
    ),
    "samoyed/n02111889_4.png": (
        Dog("#7ba3cf", snow, "#fbf7ee", pointed("#f3ece0", "#f1c9c0", (27, 13)), bib="#ffffff", muzzle="#ffffff",
            collar="#3d7ea6", fluffy=0.11, tongue=True),
        360, 360,
    ),
    "dalmatian/n02110341_7.jpg": (
        Dog("#f6cf57", rays("#f3c23c"), WHITE, hanging(INK, 15), True, collar="#c8323c", marks=spots),
        400, 400,
    ),
    "husky/n02110185_2.jpg": (
        Dog("#cfe0ee", mountains, "#5f6b7a", pointed("#5f6b7a", "#d8c9c6", (28, 9), 0.9), eyes="#68b8e8",
            collar="#e07a3f", fluffy=0.06, marks=mask(WHITE)),
        360, 360,
    ),
    "beagle/n02088364_5.jpg": (
        Dog("#d8ecd0", meadow, "#c8844a", hanging("#9c5a2c", 20, 9.5, 10), True, marks=blaze(WHITE, 4),
            collar="#2f6f8f"),
        440, 400,
    ),
    "poodle-standard/n02113799_3.webp": (
        Dog("#f3d5de", dots("#e9bccb"), "#e2ad7b", lambda _: None, True, bib="#d9a06b", muzzle="#edc398",
            head=(20, 24), collar="#7b5ea7", over=poodle_hair),
        400, 400,
    ),
    "labrador/n02099712_6.jpg": (
        Dog("#cfeaf3", lake, "#ecc98f", hanging("#d8a865", 13, 8.5, 22), True, bib="#f4dcb0", muzzle="#f6e2bd",
            collar="#2e7d6b", tongue=True),
        480, 360,
    ),
    "chihuahua/n02085620_8.jpg": (
        Dog("#f8dcb5", desert, "#d9a06b", chihuahua_ears, bib=CREAM, muzzle=CREAM, head=(22, 21), collar="#c2407a"),
        320, 320,
    ),
    "pug/n02110958_2.jpg": (
        Dog("#f29e6d", dots("#f6b58c"), "#dcb98a", folded("#3f3532"), True, bib="#e8cda4", muzzle="#4b403b",
            head=(26, 25), collar="#3d5a80", marks=black_mask, tongue=True),
        400, 400,
    ),
    "shiba/n02113186_1.jpg": (
        Dog("#fdf0ee", blossom, "#d9813f", pointed("#d9813f", "#f3d9c3", (28, 14)), bib=CREAM, muzzle=CREAM,
            collar="#6b8f71", marks=brows(CREAM)),
        400, 400,
    ),
    "hound-afghan/n02088094_4.jpg": (
        Dog("#c5cfe3", clouds, "#ddb37a", silk, True, bib="#c99a5b", muzzle="#f0d3a6", head=(17, 26), collar="#8c2f39"),
        360, 440,
    ),
}  # fmt: skip
"""Path of each portrait, its dog, its width and height in pixels."""

DACHSHUND = "dachshund/n02087046_9.gif"


def dachshund(wag: float) -> Image.Image:
    """A dachshund from the side; `wag` from -1 to 1 is where its tail is."""
    c = Canvas(420, 240, "#d7ecf5")
    brown, dark = "#8a4f2d", "#6d3b20"
    c.ellipse(40, 128, 140, 52, "#a5d186")
    tip = (-28 - 5 * wag, 22 - 6 * abs(wag) + 9 * wag)
    c.line([(-8, 50), (-18, 42 + 4 * wag), tip], brown, 4.5)
    for x in (2, 20, 76, 92):
        c.line([(x, 66), (x, 82)], dark if x in (20, 92) else brown, 8)
        c.ellipse(x + 2, 83, 6, 3.4, dark if x in (20, 92) else brown)
    c.ellipse(46, 58, 58, 15, brown)
    c.ellipse(90, 52, 17, 17, brown)
    c.line([(94, 52), (102, 34)], brown, 17)
    c.ellipse(104, 32, 15, 13, brown)
    c.shape([(106, 22), (131, 33), (132, 40), (106, 44)], brown)
    c.ellipse(129, 36.5, 6, 5, brown)
    c.ellipse(134, 34, 3.4, 3, INK)
    c.arc(121, 34, 8, 30, 100, INK, 1)
    c.ellipse(110, 28, 2.8, 3, INK)
    c.ellipse(111, 27, 1, 1, "#ffffff")
    c.ellipse(96, 40, 7.5, 15, dark, 8 + 4 * wag)
    c.line([(88, 44), (98, 60)], "#d1495b", 4)
    return c.finished()


def save(path: Path, picture: Image.Image, kind: str, **options: Any) -> Image.Image:
    """Write one picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, kind, **options)
    return picture


def save_portrait(directory: Path, name: str) -> Image.Image:
    """Draw and write one portrait. The names of two contradict their content, on purpose."""
    picture = portrait(*DOGS[name])
    path = directory / name
    if name.startswith(("samoyed", "husky")):
        return save(path, picture.quantize(96, dither=Image.Dither.NONE), "PNG", optimize=True)
    if name.startswith("chihuahua"):
        return save(path, picture.quantize(64, dither=Image.Dither.NONE), "GIF")
    if name.endswith(".webp"):
        return save(path, picture, "WEBP", quality=82, method=6)
    return save(path, picture, "JPEG", quality=84, optimize=True, progressive=name.startswith("labrador"))


def save_dachshund(directory: Path) -> Image.Image:
    """Draw and write the wagging dachshund."""
    frames = [dachshund(math.sin(step * math.tau / 8)) for step in range(8)]
    palette = frames[0].quantize(48, dither=Image.Dither.NONE)
    drawn = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    return save(directory / DACHSHUND, drawn[0], "GIF", save_all=True, append_images=drawn[1:], duration=80, loop=0)


def contact_sheet(pictures: list[Image.Image]) -> Image.Image:
    """All pictures side by side, to look at."""
    sheet = Image.new("RGB", (4 * 320, math.ceil(len(pictures) / 4) * 320), "#dddddd")
    for number, picture in enumerate(pictures):
        small = picture.convert("RGB")
        small.thumbnail((310, 310))
        sheet.paste(small, (number % 4 * 320 + 5, number // 4 * 320 + 5))
    return sheet


def main() -> None:
    """Draw all."""
    parser = argparse.ArgumentParser(description="Draw the pictures of the sample source.")
    parser.add_argument("directory", nargs="?", type=Path, default=PICTURES)
    parser.add_argument("--sheet", type=Path, help="write a contact sheet here too")
    wanted = parser.parse_args()
    pictures = [save_portrait(wanted.directory, name) for name in DOGS]
    pictures.append(save_dachshund(wanted.directory))
    if wanted.sheet:
        contact_sheet(pictures).save(wanted.sheet)


if __name__ == "__main__":
    main()
