"""The sample source as the guarded client meets it: each execution ends as the plan says."""

import pytest

from pupline.errors import RetryAfter, ServerError, TaskFailure
from pupline.http import FetchPolicy, HttpClient
from pupline.images import inspect
from pupline.samples import HOST_NAME, SampleServer
from pupline.specs import SAMPLE_ORIGIN, RandomImages, resolve_spec


def ends_of_a_dozen(hostile: bool) -> list[str]:
    """How each of the first twelve executions ends: type or problem of its image, or the error's name."""
    with SampleServer(hostile=hostile) as server:
        policy = FetchPolicy(
            frozenset({SAMPLE_ORIGIN}), max_bytes=300_000, connect_to={(HOST_NAME, 80): ("127.0.0.1", server.port)}
        )
        client = HttpClient(policy)
        api = RandomImages(client, resolve_spec("sample-hostile" if hostile else "sample"))
        return [end_of(client, api, f"run-{number}") for number in range(1, 13)]


def end_of(client: HttpClient, api: RandomImages, execution: str) -> str:
    """How one execution ends; what may be retried is, once."""
    begun = ""
    try:
        url = api.random_image(None, execution)
    except (ServerError, RetryAfter) as err:
        begun = f"{type(err).__name__}, then "
        url = api.random_image(None, execution)
    assert url.startswith(f"http://{HOST_NAME}/images/breeds/")
    try:
        found = inspect(client.get(url).body)
    except TaskFailure as err:
        return begun + type(err).__name__
    return begun + (found.problem or found.file_type)


@pytest.mark.parametrize(
    ("hostile", "ends"),
    [
        (
            False,
            ["jpg", "png", "ServerError, then jpg", "png", "jpg", "gif", "jpg", "webp", "jpg", "gif", "jpg", "jpg"],
        ),
        (
            True,
            [
                "jpg",
                "png",
                "not_an_image",
                "png",
                "damaged_image",
                "ServerError, then jpg",
                "NotFound",
                "gif",
                "BlockedAddress",
                "RetryAfter, then jpg",
                "TooLarge",
                "webp",
            ],
        ),
    ],
    ids=["friendly", "hostile"],
)
def test_the_first_dozen_through_the_client(hostile: bool, ends: list[str]) -> None:
    """The client reaches the sample under its stable name, and every trouble has its own error name."""
    assert ends_of_a_dozen(hostile) == ends
