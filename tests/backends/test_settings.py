"""What a run may be told: what cannot work is refused before anything starts."""

from typing import Any

import pytest

from pupline.backends._settings import RunSettings, source_of_run
from pupline.errors import ConfigurationError


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"image_url": "http://a.example/x.jpg", "breed": "pug"}, "give one of them"),
        ({"image_url": "ftp://a.example/x.jpg"}, "--image-url: ftp://"),
        ({"breed": "../x"}, "--breed: breed '../x'"),
        ({"breed": "Hound"}, "hound/afghan"),
        ({"timeout_seconds": 0.0}, "above 0"),
        ({"timeout_seconds": float("nan")}, "above 0"),
        ({"timeout_seconds": 71.0}, "at most 70"),
        ({"source": "smaple"}, "did you mean sample"),
        ({"allow_origins": ("http://h/path",)}, "an origin ends after host and port"),
        ({"metadata_addresses": ("10.0.0.1",)}, "--allow-metadata-address 10.0.0.1: it is not a metadata"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], words: str) -> None:
    """One mistake is one clear line, not a thousand failed executions."""
    with pytest.raises(ConfigurationError, match=words):
        RunSettings(**{"source": "sample", **settings}).checked()


def test_settings_survive_the_journal() -> None:
    """What is kept with a run gives the same settings back; what an older version did not know has its default."""
    settings = RunSettings(
        "sample",
        breed="hound/afghan",
        allow_origins=("http://127.0.0.1:9000",),
        timeout_seconds=5,
        metadata_addresses=("169.254.169.254",),
        max_pixels=5,
    )
    assert settings.checked() is settings
    assert RunSettings.from_json(settings.as_json()) == settings
    assert RunSettings.from_json({"source": "sample", "unheard": 1}) == RunSettings("sample")
    assert RunSettings("sample").max_pixels == 250_000_000
    assert settings.policy(source_of_run("sample"), None).metadata_addresses == {"169.254.169.254"}
    assert settings.input == {"breed": "hound/afghan"}


def test_several_breeds_are_taken_in_turn() -> None:
    """Each execution has one of them, the same again when the run is resumed."""
    settings = RunSettings(breeds=("pug", "hound/afghan"))
    assert [settings.input_of(index)["breed"] for index in (1, 2, 3)] == ["pug", "hound/afghan", "pug"]
    assert RunSettings.from_json(settings.as_json()) == settings
    assert RunSettings.from_json({"source": "dog-ceo", "breed": "pug"}).input_of(2) == {"breed": "pug"}
    with pytest.raises(ConfigurationError, match="--breed"):
        RunSettings(breeds=("pug", "Hound")).checked()
