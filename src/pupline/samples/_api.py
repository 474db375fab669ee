"""The responses of the sample API, in the shapes of Dog CEO (https://dog.ceo/dog-api/documentation/). No I/O."""

import itertools
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from pupline.samples._pictures import breeds, pictures, pictures_of
from pupline.samples._plan import HOSTILE, Item, item_for, picture_for
from pupline.specs import number_of

MAX_IMAGES: Final = 50
"""The most images in one response: the real API silently reduces a larger number."""

_MAX_REMEMBERED: Final = 100_000

Once: TypeAlias = Callable[[str], bool]
"""Whether it is called with this key for the first time."""


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A response: JSON text with its status, and the seconds of a Retry-After header, if there is one."""

    status: int
    body: bytes
    retry_after_seconds: int | None = None


def remember_in_memory() -> Once:
    """A `Once` for this process, which forgets the oldest of very many keys."""
    seen: OrderedDict[str, None] = OrderedDict()
    lock = threading.Lock()

    def first_time(key: str) -> bool:
        with lock:
            if key in seen:
                return False
            seen[key] = None
            if len(seen) > _MAX_REMEMBERED:
                seen.popitem(last=False)
            return True

    return first_time


class SampleApi:
    """The API below `/api`. Safe to use from many threads."""

    def __init__(self, seed: int, hostile: bool, first_time: Once) -> None:
        self._seed = seed
        self._hostile = hostile
        self._first_time = first_time
        # A hostile API lists the items with trouble too.
        self._paths = sorted({*pictures(), *(item.path for item in HOSTILE if hostile)})
        self._draws = itertools.count(1)

    def respond(self, path: str, base_url: str, execution: str | None) -> ApiResponse:
        """The response to GET `/api<path>`.

        base_url: of the images' URLs. execution: that the request is for, if known.
        """
        match path.strip("/").split("/"):
            case ["breeds", "list", "all"]:
                return _success(breeds(self._paths))
            case ["breeds", "image", "random"]:
                return self._random(base_url, execution)
            case ["breeds", "image", "random", count]:
                items = [self._item(next(self._draws)) for _ in range(_count(count))]
                return _success([_url(base_url, item.path) for item in items])
            case ["breed", breed, *rest] if "images" in rest[:2]:
                at = rest.index("images")
                return self._of_breed(breed, rest[0] if at else None, rest[at + 1 :], base_url, execution)
        return _error(f'No route found for "GET /api{path}"')

    def _item(self, number: int) -> Item:
        return item_for(number, seed=self._seed, hostile=self._hostile)

    def _random(self, base_url: str, execution: str | None) -> ApiResponse:
        """The execution's own item. Without an execution there are no retries: a random item, without the 503."""
        if execution is None:
            return _success(_url(base_url, self._item(next(self._draws)).path))
        item = self._item(number_of(execution))
        if item.trouble in ("busy", "retry_after") and self._first_time(execution):
            return _busy(1 if item.trouble == "retry_after" else None)
        return _success(_url(base_url, item.path))

    def _of_breed(
        self, breed: str, sub_breed: str | None, rest: list[str], base_url: str, execution: str | None
    ) -> ApiResponse:
        known = breeds(self._paths)
        if breed not in known:
            return _error("Breed not found (main breed does not exist)")
        if sub_breed is not None and sub_breed not in known[breed]:
            return _error("Breed not found (sub breed does not exist)")
        paths = pictures_of(self._paths, breed, sub_breed)
        match rest:
            case []:
                return _success([_url(base_url, path) for path in paths])
            case ["random"]:
                number = next(self._draws) if execution is None else number_of(execution)
                return _success(_url(base_url, picture_for(number, paths, seed=self._seed)))
            case ["random", count]:
                return _success([_url(base_url, path) for path in paths[: _count(count)]])
        return _error("No route found below the breed's images")


def _count(text: str) -> int:
    """A number of images: 1 for an invalid one, the maximum for a larger one, like the real API."""
    valid = text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0
    return min(int(text), MAX_IMAGES) if valid else 1


def _url(base_url: str, path: str) -> str:
    return f"{base_url}/images/breeds/{path}"


def _success(message: str | list[str] | dict[str, list[str]]) -> ApiResponse:
    return ApiResponse(200, json.dumps({"message": message, "status": "success"}).encode())


def _error(message: str, code: int = 404) -> ApiResponse:
    return ApiResponse(code, json.dumps({"status": "error", "message": message, "code": code}).encode())


def _busy(retry_after_seconds: int | None) -> ApiResponse:
    response = _error("The kennel is busy, try again", 503)
    return ApiResponse(response.status, response.body, retry_after_seconds)
