"""A messy list of 5,000 image addresses, and the server behind it: the world of docs/dataset-tour.md on this machine.

    python examples/messy_list.py pets.csv            # writes the list, then serves the images until Ctrl-C
    python examples/messy_list.py --later             # serves them as they are a year later

The list has what lists from the web have: images without an extension, PNGs among JPEGs, pages in place of images, cut
files, one picture at many addresses, copies of other sizes, addresses that are gone, that are not ready yet, or that
are no addresses. A year later some are gone, some are compressed again, and some show a placeholder.

Needs Pillow (`pip install 'pupline[quality]'`). Everything follows from the number of an address, so that two runs
serve the same bytes.
"""

import argparse
import csv
import hashlib
import io
import math
import random
import threading
from contextlib import suppress
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

ADDRESSES: Final = 5_000
PORT: Final = 8098
BREEDS: Final = ("beagle", "hound/afghan", "pug", "tabby cat", "rabbit")
COATS: Final = ((194, 142, 90), (222, 196, 150), (92, 68, 52), (150, 150, 156), (238, 232, 224))
SIZE: Final = (240, 180)


def breed_at(number: int) -> int:
    """The index in `BREEDS` of the animal in a picture."""
    return int(hashlib.sha256(b"breed %d" % number).hexdigest(), 16) % len(BREEDS)


def picture(number: int) -> Image.Image:
    """The picture with this number: an animal before a coloured wall."""
    draw_from = random.Random(number)  # noqa: S311 - pictures, not secrets
    light, dark = (tuple(draw_from.randrange(low, low + 110) for _ in range(3)) for low in (140, 10))
    ramp = Image.linear_gradient("L").rotate(draw_from.choice((0, 90, 180, 270))).resize(SIZE)
    image = Image.composite(Image.new("RGB", SIZE, light), Image.new("RGB", SIZE, dark), ramp)
    draw = ImageDraw.Draw(image)
    for _ in range(12):  # something on the wall, different in each picture
        x, y, r = draw_from.randrange(SIZE[0]), draw_from.randrange(SIZE[1]), draw_from.randrange(10, 80)
        shape = draw_from.choice((draw.ellipse, draw.rectangle))
        fill = tuple(draw_from.randrange(256) for _ in range(3))
        shape((x - r, y - r // draw_from.randrange(1, 4), x + r, y + r // draw_from.randrange(1, 4)), fill=fill)
    paint_animal(draw, draw_from, breed_at(number))
    return image


def paint_animal(draw: ImageDraw.ImageDraw, draw_from: random.Random, breed: int) -> None:
    """Draw a head with ears, eyes and a nose. Ears stand up on cats and rabbits, and hang on dogs."""
    coat = COATS[breed]
    dark = tuple(part * 3 // 5 for part in coat)
    x, y, r = draw_from.randrange(70, 170), draw_from.randrange(80, 120), draw_from.randrange(32, 52)
    for side in (-1, 1):
        ear = x + side * r * 4 // 5
        if breed == 4:
            draw.ellipse((x + side * r // 2 - 9, y - 2 * r, x + side * r // 2 + 9, y - r // 3), fill=dark)
        elif breed == 3:
            draw.polygon([(ear - 16, y - r // 2), (ear + 16, y - r // 2), (ear + side * 6, y - r * 3 // 2)], fill=dark)
        else:
            draw.ellipse((ear - 15, y - r // 2, ear + 15, y + r), fill=dark)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=coat)
    for _ in range(60):  # the coat
        angle, far = draw_from.random() * 2 * math.pi, draw_from.random() * r
        fx, fy = x + far * math.cos(angle), y + far * math.sin(angle)
        draw.line((fx, fy, fx + draw_from.randrange(-6, 7), fy + 7), fill=dark, width=1)
    for side in (-1, 1):
        eye = x + side * r // 3
        draw.ellipse((eye - 6, y - 16, eye + 6, y - 4), fill=(250, 250, 245))
        draw.ellipse((eye - 3, y - 13, eye + 3, y - 7), fill=(20, 16, 14))
    draw.ellipse((x - 8, y + 8, x + 8, y + 18), fill=(30, 24, 24))


def encoded(image: Image.Image, form: str, quality: int = 88) -> bytes:
    """The image as a file of this form."""
    file = io.BytesIO()
    if form == "JPEG":
        image.save(file, form, quality=quality)
    else:
        image.save(file, form)
    return file.getvalue()


def kind_of(number: int) -> str:
    """What is at an address. Of a hundred addresses, about seventy are plain photographs."""
    kinds = {
        70: "png", 71: "png", 72: "png-named-jpg", 73: "gif", 74: "webp", 75: "no-extension", 76: "php",
        77: "same-bytes", 78: "same-bytes", 79: "smaller-copy", 80: "recompressed-copy", 81: "blurred", 82: "dark",
        83: "one-colour", 84: "gone", 85: "gone", 86: "not-ready", 87: "page", 88: "cut", 89: "empty",
        90: "repeated-row", 91: "no-address", 92: "private", 93: "blanks",
    }  # fmt: skip
    return kinds.get(number * 37 % 100, "plain")


def shown_at(number: int) -> int:
    """The number of the picture that an address shows: its own, or for copies an earlier one."""
    if kind_of(number) not in {"same-bytes", "smaller-copy", "recompressed-copy", "repeated-row"}:
        return number
    return next(other for other in range(number - 3, -1, -1) if kind_of(other) == "plain")


def path_of(number: int) -> str:
    """The path and query of an address."""
    folder = f"/photos/{number % 50:02}"
    match kind_of(number):
        case "png":
            return f"{folder}/{number}.png"
        case "gif":
            return f"{folder}/{number}.gif"
        case "webp":
            return f"{folder}/{number}.webp"
        case "no-extension":
            return f"{folder}/photo-{number}?fm=jpg&w=240"
        case "php":
            return f"{folder}/{number}.php"
        case _:
            return f"{folder}/{number}.jpg"


def is_gone_later(number: int) -> bool:
    """Whether an address that had an image has none a year later."""
    return number % 29 == 3


@lru_cache(maxsize=ADDRESSES)
def body_at(number: int, later: bool = False) -> bytes:
    """The bytes at an address. later: a year after the list was made."""
    if later and number % 23 == 5:
        return encoded(Image.new("RGB", SIZE, (232, 232, 232)), "PNG")  # "no longer available"
    if later and number % 19 == 4 and kind_of(number) == "plain":
        return encoded(picture(number), "JPEG", quality=70)
    return first_body_at(number)


def first_body_at(number: int) -> bytes:
    """The bytes at an address when the list was made."""
    match kind_of(number):
        case "png" | "png-named-jpg":
            return encoded(picture(number), "PNG")
        case "gif":
            return encoded(picture(number).convert("P"), "GIF")
        case "webp":
            return encoded(picture(number), "WEBP")
        case "same-bytes":
            return body_at(shown_at(number))
        case "smaller-copy":
            return encoded(picture(shown_at(number)).resize((160, 120)), "JPEG")
        case "recompressed-copy":
            return encoded(picture(shown_at(number)), "JPEG", quality=50)
        case "blurred":
            return encoded(picture(number).filter(ImageFilter.GaussianBlur(9)), "JPEG")
        case "dark":
            return encoded(picture(number).point([part // 12 for part in range(256)] * 3), "JPEG")
        case "one-colour":
            return encoded(Image.new("RGB", SIZE, (number % 200, 90, 120)), "JPEG")
        case "page":
            return b"<!DOCTYPE html><title>Sign in</title><p>Please sign in to see this picture."
        case "cut":
            return (whole := encoded(picture(number), "JPEG"))[: len(whole) * 2 // 3]
        case "empty":
            return b""
        case _:
            return encoded(picture(number), "JPEG")


def write_list(path: Path, addresses: int, origin: str) -> None:
    """Write the list, as CSV with the columns that such lists have."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["URL", "TEXT", "label", "license", "WIDTH", "HEIGHT", "similarity", "row note"])
        for number in range(addresses):
            kind, shown = kind_of(number), shown_at(number)
            breed = BREEDS[breed_at(number if number % 5 == 0 else shown)]  # some copies have a wrong label
            url = f"{origin}{path_of(shown if kind == 'repeated-row' else number)}"
            url = {
                "no-address": "see the shop",
                "private": f"http://10.0.0.7{path_of(number)}",
                "blanks": f"  {url} ",
            }.get(kind, url)
            text = "" if number < 100 else f"Photograph {number}: {breed.rsplit('/', 1)[-1]}"
            similarity = f"{0.2 + number % 97 / 500:.4f}" if number % 11 else ""
            licence = "CC BY 4.0" if number % 3 else ""
            rows.writerow([url, text, breed, licence, *SIZE, similarity, "checked" if number % 400 == 399 else ""])


class PhotoServer(BaseHTTPRequestHandler):
    """Serves the addresses of the list."""

    protocol_version = "HTTP/1.1"
    later = False
    asked: Final[set[int]] = set()
    lock: Final = threading.Lock()

    def do_GET(self) -> None:
        """Answer with the image, or with 404 where there is none, or none yet."""
        name = self.path.partition("?")[0].rsplit("/", 1)[-1].removeprefix("photo-").partition(".")[0]
        number = int(name) if name.isdigit() else -1
        if number < 0 or self.path != path_of(number) or self.is_missing(number):
            self.respond(404, b"Not found\n")
        else:
            self.respond(200, body_at(number, self.later))

    def is_missing(self, number: int) -> bool:
        """Whether the address has no image. One that is not ready is there when it is requested again."""
        with self.lock:
            again = self.later or number in self.asked
            self.asked.add(number)
        kind = kind_of(number)
        return kind == "gone" or (kind == "not-ready" and not again) or (self.later and is_gone_later(number))

    def respond(self, status: int, body: bytes) -> None:
        """Send the response; the type is what such servers say, not what the bytes are."""
        self.send_response(status)
        self.send_header("Content-Type", "image/jpeg" if status == 200 else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Nothing: one line for each image would hide the rest."""


class Server(ThreadingHTTPServer):
    """A server whose connections end with it."""

    daemon_threads = True
    request_queue_size = 128


def main() -> None:
    """Write the list, if it is named, and serve."""
    options = argparse.ArgumentParser(description="A messy list of image addresses, and the server behind it.")
    options.add_argument("list", nargs="?", type=Path, help="where to write the list, as CSV")
    options.add_argument("--addresses", type=int, default=ADDRESSES)
    options.add_argument("--port", type=int, default=PORT)
    options.add_argument("--later", action="store_true", help="serve what is there a year later")
    chosen = options.parse_args()
    PhotoServer.later = chosen.later
    with Server(("127.0.0.1", chosen.port), PhotoServer) as server:
        origin = f"http://127.0.0.1:{server.server_address[1]}"
        if chosen.list:
            write_list(chosen.list, chosen.addresses, origin)
            print(f"{chosen.list}: {chosen.addresses:,} addresses")
        print(f"Serving at {origin} until Ctrl-C", flush=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
