"""An API is named by a preset, a spec file or its base URL: in Lambda's SOURCE as on one machine."""

import pickle
import re

import pytest

from pupline.errors import BlockedAddress, ConfigurationError
from pupline.http import FetchPolicy, Origin
from pupline.sources import resolve
from pupline.specs import resolve_spec


@pytest.mark.parametrize(
    ("value", "name", "base_url"),
    [
        ("dog-ceo", "dog-ceo", "https://dog.ceo/api"),
        ("sample", "sample", "http://sample.pupline.invalid/api"),
        ("sample-hostile", "sample-hostile", "http://sample.pupline.invalid/api"),
        ("http://127.0.0.1:8099/api/", "http://127.0.0.1:8099/api", "http://127.0.0.1:8099/api"),
        ("HTTPS://H.example", "https://h.example", "https://h.example"),
    ],
)
def test_sources_by_name_or_url(value: str, name: str, base_url: str) -> None:
    """A preset is known by its name, any other API by its base URL, whose origin alone is trusted."""
    spec = resolve_spec(value)
    assert (spec.name, str(spec.base_url).rstrip("/")) == (name, base_url)
    assert [str(origin) for origin in spec.trusted] == ([base_url.removesuffix("/api")] if "://" in value else [])


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("dogceo", "did you mean dog-ceo?"),
        ("Sample", "did you mean sample?"),
        ("sample-hostil", "did you mean sample-hostile?"),
        (
            "cats-and-more",
            "Give one of them, a spec file (.toml), a list of URLs (.txt, .csv, .jsonl, .parquet), or the",
        ),
        ("", "pupline sources lists those built in"),
        ("127.0.0.1:8099/api", "did you mean https://127.0.0.1:8099/api?"),
        ("my/source.yaml", "a spec file is TOML"),
        ("./source.toml", "source.toml: the spec cannot be read: No such file or directory"),
        ("http://u:p@h/api", "remove everything before the @"),
        ("ftp://h/api", "only http and https"),
        ("http://h/api?x=1", "give the base URL alone"),
        ("http://h/api#x", "give the base URL alone"),
    ],
)
def test_a_mistyped_source_is_explained(value: str, advice: str) -> None:
    """Who mistypes a source is told what was probably meant."""
    with pytest.raises(ConfigurationError, match=re.escape(advice)):
        resolve_spec(value)


def test_a_source_makes_its_policy() -> None:
    """The policy trusts the named and the allowed origins, and sends the sample's name to its port."""
    policy = resolve("sample").policy(allow_origins=["http://10.0.0.1:81"], sample_port=8123, max_bytes=5)
    assert [str(origin) for origin in policy.trusted] == ["http://10.0.0.1:81"]
    assert dict(policy.connect_to) == {("sample.pupline.invalid", 80): ("127.0.0.1", 8123)}
    assert policy.max_bytes == 5
    with pytest.raises(ConfigurationError, match="not an origin"):
        resolve("sample").policy(allow_origins=["10.0.0.1"])


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        ("https://cdn.example", r"give --allow-origin https://cdn\.example$"),
        ("http://192.168.0.5:81", r"give --allow-origin http://192\.168\.0\.5:81$"),
        ("http://169.254.169.254", r"where it does not belong; it is never fetched$"),
        ("http://100.100.100.200", r"where it does not belong; it is never fetched$"),
    ],
)
def test_who_names_images_elsewhere_is_refused_with_fitting_advice(image: str, advice: str) -> None:
    """To trust the origin, where that can be meant; never to trust a metadata service."""
    policy = resolve("dog-ceo").policy()
    with pytest.raises(BlockedAddress, match=f"^kennel names an image on .*{advice}"):
        policy.check_image_origin(Origin.parse(image), None, "kennel")


def test_a_policy_can_be_handed_to_another_process() -> None:
    """A policy is the same after pickling, its default limits and its connections included."""
    for policy in (FetchPolicy(), resolve("sample").policy(sample_port=8123)):
        assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301 - our own
