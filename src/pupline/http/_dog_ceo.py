"""The Dog CEO API (https://dog.ceo/dog-api/documentation), and any other that answers in its shapes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import quote

from pupline.errors import InvalidInput, InvalidUrl, NotFound, Refusal, SourceError, TooLarge
from pupline.http._client import HttpClient
from pupline.http._url import Url
from pupline.json_values import JSON, MAX_JSON_BYTES, parse_json
from pupline.text import printable

# The API cuts larger numbers to this one without a word.
MAX_RANDOM_IMAGES = 50

# Tells the built-in sample source which execution asks, so that each gets its own picture whatever the order.
EXECUTION_HEADER = "X-Pupline-Execution"

_BREED = re.compile(r"[a-z0-9]{1,60}(?:/[a-z0-9]{1,60})?")
_BREED_SEGMENT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class ImageUrls:
    """URLs as the API gave them, and plain sentences on what differed from what was asked."""

    urls: tuple[str, ...]
    notes: tuple[str, ...] = ()


def breed_of(url: str) -> str | None:
    """The breed that an image's URL tells, such as `hound/afghan` for `.../breeds/hound-afghan/n02088094_1.jpg`.

    None when the URL has no such part, or is not a URL.
    """
    if "/breeds/" not in url and "%" not in url:
        return None
    try:
        segments = Url.parse(url).segments()
    except InvalidUrl:
        return None
    for folder, name in pairwise(segments[:-1]):
        if folder == "breeds":
            return name.replace("-", "/", 1) if _BREED_SEGMENT.fullmatch(name) else None
    return None


class DogCeo:
    """Answers of the API at `base_url`, such as `https://dog.ceo/api`.

    All methods raise what `HttpClient.get` raises; SourceError for an answer that is an error or not of the documented
    shape; NotFound for a breed that the API does not know; InvalidInput for an argument that makes no sense;
    InvalidUrl and BlockedAddress for an image URL that is malformed, or on an origin where the source does not keep
    its images, with that URL as `source_url` among the details.
    """

    def __init__(self, client: HttpClient, base_url: str, *, is_sample: bool = False) -> None:
        self._client = client
        self._base = Url.parse(base_url)
        self._is_sample = is_sample

    def random_image(self, breed: str | None = None, execution: str | None = None) -> str:
        """The URL of one image, of any breed or of one such as `hound` or `hound/afghan`."""
        path = "breeds/image/random" if breed is None else f"breed/{checked_breed(breed)}/images/random"
        headers = {}
        if self._is_sample and execution is not None:
            headers[EXECUTION_HEADER] = quote(execution, safe="")
        return self._image_url(path, self._message(path, breed, headers), "message")

    def random_images(self, count: int) -> ImageUrls:
        """Up to `count` URLs of images of any breed, at most 50 as the API gives no more; repeats occur."""
        if count < 1:
            raise InvalidInput(f"{count} images: ask for at least 1")
        asked = min(count, MAX_RANDOM_IMAGES)
        path = f"breeds/image/random/{asked}"
        urls = self._image_urls(path, self._message(path))
        notes = []
        if asked < count:
            notes.append(f"{count} images were asked for; the API gives at most {MAX_RANDOM_IMAGES} at once.")
        if len(urls) < asked:
            notes.append(f"The API gave {len(urls)} images instead of {asked}.")
        if len(urls) > asked:
            notes.append(f"The API gave {len(urls)} images instead of {asked}; the rest was left out.")
        return ImageUrls(urls[:asked], tuple(notes))

    def images(self, breed: str) -> ImageUrls:
        """The URLs of all images of a breed with its sub-breeds, or of one sub-breed."""
        path = f"breed/{checked_breed(breed)}/images"
        return ImageUrls(self._image_urls(path, self._message(path, breed)))

    def breeds(self) -> dict[str, list[str]]:
        """All breeds, each with its sub-breeds."""
        path = "breeds/list/all"
        message = self._message(path)
        if not isinstance(message, dict) or not message:
            raise self._unexpected(path, "message", "an object of breeds", message)
        return {breed: self._sub_breeds(path, breed, subs) for breed, subs in message.items()}

    def _sub_breeds(self, path: str, breed: str, subs: JSON) -> list[str]:
        if not isinstance(subs, list):
            raise self._unexpected(path, f"message.{breed}", "a list of sub-breeds", subs)
        return [self._text(path, sub, f"message.{breed}[{index}]") for index, sub in enumerate(subs)]

    def _message(self, path: str, breed: str | None = None, headers: Mapping[str, str] | None = None) -> JSON:
        url = str(self._base.below(path))
        try:
            response = self._client.get(url, accept="application/json", max_bytes=MAX_JSON_BYTES, headers=headers)
        except NotFound as err:
            raise self._unknown(breed, str(err)) from err
        except TooLarge as err:  # --max-bytes, which the client's own text advises, is about images
            raise TooLarge(
                f"{printable(url)}: the answer is larger than the {MAX_JSON_BYTES} bytes that an API may answer with; "
                "check that a Dog CEO API is there"
            ) from err
        try:
            answer = parse_json(response.body)
        except SourceError as err:
            # Of the same kind: what is not JSON may be whole the next time.
            raise type(err)(f"{printable(url)}: {err}; check that a Dog CEO API is there") from err
        if not isinstance(answer, dict):
            raise self._unexpected(path, "the answer", "an object with status and message", answer)
        if answer.get("status") != "success":
            raise self._reported(url, breed, answer)
        if "message" not in answer:
            raise SourceError(f"{printable(url)}: the answer has no message; check that a Dog CEO API is there")
        return answer["message"]

    def _reported(self, url: str, breed: str | None, answer: dict[str, JSON]) -> SourceError | NotFound:
        said = f"status {_shown(answer.get('status'))}, message {_shown(answer.get('message'))}"
        if answer.get("status") == "error" and answer.get("code") in (404, "404"):
            return self._unknown(breed, f"{printable(url)}: the API says {said}")
        return SourceError(f"{printable(url)}: the API reports an error ({said}); try again later")

    def _unknown(self, breed: str | None, found: str) -> NotFound:
        if breed is None:
            return NotFound(f"{found}; check that {self._base} is the base URL of a Dog CEO API")
        return NotFound(
            f"{found}; the API at {self._base} knows no breed {breed}: {self._base.below('breeds/list/all')} lists them"
        )

    def _image_urls(self, path: str, message: JSON) -> tuple[str, ...]:
        if not isinstance(message, list) or not message:
            raise self._unexpected(path, "message", "a list of image URLs", message)
        return tuple(self._image_url(path, url, f"message[{index}]") for index, url in enumerate(message))

    def _image_url(self, path: str, value: JSON, where: str) -> str:
        text = self._text(path, value, where)
        try:
            image = Url.parse(text).origin
            self._client.policy.check_image_origin(image, self._base.origin, f"the API at {self._base}")
        except Refusal as refusal:
            refusal.details["source_url"] = printable(text, 2048)
            raise
        return text

    def _text(self, path: str, value: JSON, where: str) -> str:
        if not isinstance(value, str) or not value:
            raise self._unexpected(path, where, "a text that is not empty", value)
        return value

    def _unexpected(self, path: str, where: str, expected: str, found: JSON) -> SourceError:
        url = printable(str(self._base.below(path)))
        return SourceError(
            f"{url}: {printable(where, 80)} should be {expected}, and is {_shown(found)}; "
            "check that a Dog CEO API is there"
        )


def checked_breed(breed: str) -> str:
    """`breed`, when it is written as the API writes breeds: `hound` or `hound/afghan`. Raises: InvalidInput."""
    if not isinstance(breed, str) or not _BREED.fullmatch(breed):
        raise InvalidInput(
            f"breed {printable(str(breed), 80)!r}: write it in small letters, with the sub-breed after a slash, "
            "such as hound or hound/afghan"
        )
    return breed


def _shown(value: JSON) -> str:
    if isinstance(value, dict):
        return f"an object of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return printable(repr(value), 120)
