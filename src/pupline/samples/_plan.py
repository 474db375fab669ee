"""The sample of each execution: every dozen executions gets everything once, in whatever order they run.

An item is a picture, maybe with trouble. Execution N of a run gets item N. Seed 0 begins with the dozen below; its
later dozens, and all dozens of other seeds, are shuffled.
"""

import random
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Trouble: TypeAlias = Literal["busy", "retry_after", "html", "truncated", "missing", "redirect", "endless"]
"""`busy`: 503 once. `retry_after`: 503 with `Retry-After: 1` once. The others are responses to the image's URL."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the plan. path: `<breed>[-<sub>]/<name>`, below `/images/breeds/`."""

    path: str
    trouble: Trouble | None = None


FRIENDLY: Final = (
    Item("corgi-cardigan/n02113186_1.jpg"),
    Item("samoyed/n02111889_4.png"),
    Item("dalmatian/n02110341_7.jpg", "busy"),
    Item("husky/n02110185_2.jpg"),  # a PNG by its content
    Item("beagle/n02088364_5.jpg"),
    Item("dachshund/n02087046_9.gif"),
    Item("corgi-cardigan/n02113186_1.jpg"),  # the duplicate
    Item("poodle-standard/n02113799_3.webp"),
    Item("labrador/n02099712_6.jpg"),
    Item("chihuahua/n02085620_8.jpg"),  # a GIF by its content
    Item("pug/n02110958_2.jpg"),
    Item("shiba/n02113186_1.jpg"),  # the corgi's file name, other bytes: kept under another name
)

HOSTILE: Final = (
    Item("corgi-cardigan/n02113186_1.jpg"),
    Item("samoyed/n02111889_4.png"),
    Item("bulldog/not-a-dog.jpg", "html"),
    Item("husky/n02110185_2.jpg"),
    Item("terrier/cut-short.jpg", "truncated"),
    Item("dalmatian/n02110341_7.jpg", "busy"),
    Item("greyhound/gone.jpg", "missing"),
    Item("chihuahua/n02085620_8.jpg"),
    Item("spaniel/elsewhere.jpg", "redirect"),
    Item("corgi-cardigan/n02113186_1.jpg", "retry_after"),  # also the duplicate
    Item("mastiff/endless.jpg", "endless"),
    Item("poodle-standard/n02113799_3.webp"),
)


def item_for(number: int, *, seed: int, hostile: bool) -> Item:
    """The item of execution `number`, from 1. Deterministic."""
    dozen = HOSTILE if hostile else FRIENDLY
    round_number, place = divmod(number - 1, len(dozen))
    if seed == 0 and round_number == 0:
        return dozen[place]
    return _chance(f"{seed}/{round_number}").sample(dozen, len(dozen))[place]


def picture_for(number: int, paths: list[str], *, seed: int) -> str:
    """One of the pictures of a breed, for execution `number`."""
    return _chance(f"{seed}/{number}/{paths[0]}").choice(paths)


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - repeatable picks, no secrets
