"""Names: one key rule for every store."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError
from pupline.images import (
    MAX_KEY_BYTES,
    MAX_NAME_BYTES,
    candidate_names,
    extension_agrees,
    image_name,
    name_extension,
    object_key,
    safe_name,
)
from pupline.images._names import _careful_name

SHA256 = "0123456789abcdef" * 4
TRICKY = st.text(
    st.sampled_from('ab.~-_ %254C/\\:?#*"<>|\0\n\x1b\u202e\u200d\ufeff\ud800éé犬🐕CONul1$') | st.characters(),
    max_size=40,
)
NAMES = TRICKY | st.text(max_size=400) | TRICKY.map(lambda text: text * 40 + ".jpg")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://images.dog.ceo/breeds/hound-afghan/n02088094_1003.jpg", "n02088094_1003.jpg"),
        ("https://images.example/breeds/pug/caf%C3%A9.jpg?size=2#top", "café.jpg"),
        ("https://images.example", "unnamed"),
        ("https://images.example/?name=dog.jpg", "unnamed"),
        ("/a/b/dog.jpg", "dog.jpg"),
        ("dog.jpg", "dog.jpg"),
        ("Dog.JPG", "Dog.JPG"),
        ("", "unnamed"),
        ("..", "unnamed"),
        ("/a/%2E%2E", "unnamed"),
        ("a/..%2f..%2fetc%2fpasswd", "_.._.._etc_passwd"),
        ("..\\..\\boot.ini", "_.._.._boot.ini"),
        ("a%2541.jpg", "a_41.jpg"),
        ("100%25.jpg", "100%.jpg"),
        ("what%3F.jpg", "what_.jpg"),
        ("a%23b.jpg", "a_b.jpg"),
        ("a%00b.jpg", "a_b.jpg"),
        ("a%0d%0ab.jpg", "a__b.jpg"),
        ("invoice\u202egpj.exe", "invoice_gpj.exe"),
        ("file:name.jpg", "file_name.jpg"),
        ("dog.jpg. . ", "dog.jpg"),
        (" dog.jpg", "dog.jpg"),
        ("CON", "_CON"),
        ("con.jpg", "_con.jpg"),
        ("Nul .tar.gz", "_Nul .tar.gz"),
        ("COM1.jpg", "_COM1.jpg"),
        ("LPT\u00b9", "_LPT\u00b9"),
        ("COM10.jpg", "COM10.jpg"),
        ("console.jpg", "console.jpg"),
        (".htaccess", "_.htaccess"),
        (".jpg", "_.jpg"),
        ("~root.jpg", "_~root.jpg"),
        ("-rf.jpg", "_-rf.jpg"),
        ("%ff%fe.jpg", "\ufffd\ufffd.jpg"),
        ("犬 🐕\u200d🦺.jpg", "犬 🐕\u200d🦺.jpg"),
    ],
)
def test_names_are_made_safe(given: str, kept: str) -> None:
    """Each rule of the page head, by example."""
    assert safe_name(given) == kept


def test_unicode_forms_stay_apart() -> None:
    """The composed and the decomposed spelling of a name are two names."""
    composed, decomposed = (unicodedata.normalize(form, "café.jpg") for form in ("NFC", "NFD"))
    assert safe_name(composed) == composed
    assert safe_name(decomposed) == decomposed
    assert composed != decomposed


def test_long_names_are_cut_before_their_extension() -> None:
    """A name is cut to 255 bytes at a character boundary; its extension survives."""
    assert safe_name("x" * 300 + ".jpeg") == "x" * 250 + ".jpeg"
    assert safe_name("犬" * 100 + ".png") == "犬" * 83 + ".png"
    assert len(safe_name("🐕" * 100)) == 63
    assert safe_name("a." + "b" * 300) == ("a." + "b" * 300)[:255]


@given(NAMES)
@example("~" * 255)
@example("a" * 254 + " b")
@example("%4%41" * 9)
@example("CON" + " " * 300)
@example("." * 300 + "/x")
def test_safe_names_are_safe(text: str) -> None:
    """Whatever comes in: not empty, not too long, nothing special, nothing dangerous, and safe already."""
    name = safe_name(text)
    assert name
    assert len(name.encode()) <= MAX_NAME_BYTES
    assert not re.search(r'[/\\<>:"|?*#\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]', name)
    assert not re.search(r"%[0-9A-Fa-f]{2}", name)
    assert name.strip(". ")
    assert not name.endswith((".", " "))
    assert not name.startswith((".", "~", "-", " "))
    assert name.partition(".")[0].rstrip().upper() not in {"CON", "PRN", "AUX", "NUL", "COM1", "LPT9"}
    assert safe_name(name) == name


@given(
    st.text(st.characters(exclude_characters='/?#%\\<>:"|*', exclude_categories=["C", "Z"]), min_size=1, max_size=60)
)
def test_ordinary_names_are_kept(text: str) -> None:
    """A name without anything special comes through unchanged."""
    name = f"dog{text}.jpg"
    assert safe_name(name) == name


def alternative_name(name: str, sha256: str) -> str:
    """The second candidate."""
    return list(candidate_names(name, sha256))[1]


@given(NAMES, st.text("0123456789abcdef", min_size=64, max_size=64))
def test_alternative_names_are_safe_and_other(text: str, sha256: str) -> None:
    """The alternative is a safe name itself, another one, with the digest and the same extension."""
    name = safe_name(text)
    other = alternative_name(name, sha256)
    assert other != name
    assert f"-{sha256[:8]}" in other
    assert safe_name(other) == other
    assert name_extension(other) == name_extension(name)


def test_alternative_names_by_example() -> None:
    """Eight digits of the digest stand before the extension, also where the name is as long as can be."""
    assert alternative_name("dog.jpg", SHA256) == "dog-01234567.jpg"
    assert alternative_name("dog", SHA256) == "dog-01234567"
    assert alternative_name("x" * 251 + ".jpg", SHA256) == "x" * 242 + "-01234567.jpg"


@pytest.mark.parametrize(
    ("prefix", "key"),
    [("html/", "html/dog.jpg"), ("html", "html/dog.jpg"), ("", "dog.jpg"), ("/a//b/", "a/b/dog.jpg")],
)
def test_keys(prefix: str, key: str) -> None:
    """A key is prefix and name with one slash between, never one in front."""
    assert object_key(prefix, "dog.jpg") == key


@pytest.mark.parametrize("prefix", ["..", "a/../b", "a\nb", "con", "-x", "x" * 300, "/".join(["x" * 200] * 4)])
def test_prefixes_that_cannot_be_used_are_refused(prefix: str) -> None:
    """A prefix that no store could hold everywhere, or that is too long, is the operator's to mend."""
    with pytest.raises(ConfigurationError, match="prefix '"):
        object_key(prefix, "dog.jpg")


@given(NAMES)
def test_keys_fit(text: str) -> None:
    """Below the longest prefix, any name gives a key of at most 1,024 bytes."""
    assert len(object_key("/".join(["x" * 255] * 3), text).encode()) <= MAX_KEY_BYTES


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("dog.jpg", "jpg"),
        ("dog.JPEG", "jpeg"),
        ("dog.tar.gz", "gz"),
        (".png", "png"),
        ("dog", None),
        ("Mr. Dog", None),
        ("dog.", None),
        ("dog.jpg\n", None),
        ("dog." + "x" * 20, None),
    ],
)
def test_extensions(name: str, extension: str | None) -> None:
    """The extension is what follows the last dot, if it is short and plain; lower-case."""
    assert name_extension(name) == extension


@pytest.mark.parametrize(
    ("extension", "file_type", "agrees"),
    [
        ("jpg", "jpg", True),
        ("jpeg", "jpg", True),
        ("jfif", "jpg", True),
        ("JPG", "jpg", True),
        ("png", "png", True),
        ("apng", "png", True),
        ("tif", "tiff", True),
        ("heif", "heic", True),
        ("heif", "avif", True),
        ("jpg", "png", False),
        ("png", "jpg", False),
        ("jpg", "gif", False),
        ("jpg", "html", False),
        ("jpg", "unknown", False),
        ("html", "jpg", False),
        ("heic", "avif", False),
        ("large", "jpg", None),
        (None, "jpg", None),
        ("", "jpg", None),
    ],
)
def test_extensions_promise_types(extension: str | None, file_type: str, agrees: bool | None) -> None:
    """An extension agrees with its type under all its spellings, contradicts the others, or promises nothing."""
    assert extension_agrees(extension, file_type) is agrees


@pytest.mark.parametrize(
    ("name", "file_type", "stored"),
    [
        ("photo-3", "jpg", "photo-3.jpg"),
        ("2.php", "jpg", "2.jpg"),
        ("image.ASPX", "webp", "image.webp"),
        ("file.bin", "png", "file.png"),
        ("dog.jpg.php", "jpg", "dog.jpg"),
        ("dog.png.php", "jpg", "dog.png.jpg"),
        ("resize_640x480", "heic", "resize_640x480.heic"),
        ("v1.2", "gif", "v1.2.gif"),
        ("photo.large", "jpg", "photo.large.jpg"),
        ("photo.jpg_large", "jpg", "photo.jpg_large.jpg"),
        ("scan.jif", "jpg", "scan.jif.jpg"),
        ("photo.svg", "png", "photo.svg.png"),
        ("dog.JPG", "jpg", "dog.JPG"),
        ("dog.jpg", "gif", "dog.jpg"),
        ("dog.tif", "tiff", "dog.tif"),
        ("dog.php", "html", "dog.php"),
        ("dog", "unknown", "dog"),
        ("x" * 255, "jpg", "x" * 251 + ".jpg"),
        ("_CON", "jpg", "_CON.jpg"),
    ],
)
def test_images_end_like_images(name: str, file_type: str, stored: str) -> None:
    """A name without an image's extension gets that of the content; an image's extension stays, right or wrong."""
    assert image_name(name, file_type) == stored


@given(NAMES, st.sampled_from(["jpg", "png", "webp"]))
def test_image_names_are_safe(text: str, file_type: str) -> None:
    """They are as safe as any name, end like an image, and naming them again changes nothing."""
    name = image_name(safe_name(text), file_type)
    assert safe_name(name) == name
    assert image_name(name, file_type) == name
    assert name_extension(name) is not None


@pytest.mark.parametrize("end", ["x", "x.jpg", "x" * 300])
def test_no_device_is_left_by_the_cut(end: str) -> None:
    """A name that only its end tells from `CON` is still told from it when the end is cut off."""
    name = safe_name("CON" + " " * 300 + end)
    assert name.startswith("_CON")
    assert safe_name(name) == name
    assert len(name.encode()) <= MAX_NAME_BYTES


@given(
    st.sampled_from(["", "/", "a/b/", "http://a.example", "http://a.example/", "https://a.example/b//c/", "x-y://"]),
    st.text("aCON1lpt_-.jpg?#/% ", max_size=30) | st.text("aZ9_-", min_size=190).map(lambda text: f"{text}.jpeg"),
)
@example("", "CONIN_1.jpg")
@example("http://", "abcdefgh.jpg")
def test_a_plain_name_is_what_the_rules_make_of_it(start: str, end: str) -> None:
    """The short way to the names that most images have gives the same as the rules."""
    assert safe_name(start + end) == _careful_name(start + end)
