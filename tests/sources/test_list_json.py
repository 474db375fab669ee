"""JSON lists: lines or one array, in constant memory; what cannot be read in one way is an item that says so."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.errors import InvalidUrl
from pupline.http import Url
from pupline.sources import resolve
from pupline.tasks.items import SourceItem
from tests.sources.list_files import items_of, listed, urls_of

A, B, C = (f"https://a.org/{number}.jpg" for number in (1, 2, 3))


def json_urls(tmp_path: Path, text: str, suffix: str = "", name: str = "dogs.jsonl") -> list[str]:
    """The URLs of a list with this text."""
    file = tmp_path / name
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    return urls_of(file, suffix)


@pytest.mark.parametrize(
    ("line", "suffix"),
    [
        (f'"{A}"', ""),
        (A, ""),
        (f'{{"url": "{A}"}}', ""),
        (f'{{"URL": "{A}", "link_text": "x"}}', ""),
        (f'{{"imageUrl": "{A}", "id": 7}}', ""),
        (f'{{"url": "{A}", "link": "{B}"}}', ""),
        (f'{{"image": {{"url": "{A}"}}, "url": "{B}"}}', "#image.url"),
        (f'{{"a.b": "{A}"}}', "#a.b"),
        (f'{{"a": {{"b.c": {{"d": "{A}"}}}}}}', "#a.b.c.d"),
        (f'{{"Photo": "{A}", "url": "{B}"}}', "#photo"),
        (f'{{"\\u0075rl": "{A}"}}', ""),
        (f'{{"kind": "url", "url": "{A}"}}', ""),
        (f'{{"url": "{A}"}}   ', ""),
        (f'{{"url": "{A}", "title": "one\u2028line\u0085"}}', ""),
        (f'{{"url": "{A}", "width": NaN, "id": -Infinity, "bytes": {"9" * 400}}}', ""),
    ],
)
def test_where_an_object_has_its_url(tmp_path: Path, line: str, suffix: str) -> None:
    """By the rule for columns; a line may be the URL itself, quoted or not."""
    assert json_urls(tmp_path, f"{line}\n", suffix) == [A]
    if line != A:
        assert json_urls(tmp_path, f"[{line}, {line}]", suffix, "dogs.json") == [A, A]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{oops", "it is not JSON"),
        ("7", "neither a URL nor an object"),
        ("null", "neither a URL nor an object"),
        ("{}", "there is no column 'url'"),
        ('{"caption": "x"}', "there is no column 'url'; it has caption"),
        ('{"url": null}', "no URL"),
        ('{"url": ""}', "no URL"),
        ('{"url": 7}', "'url' is not a URL"),
        ('{"url": ["https://a.org/1.jpg"]}', "'url' is not a URL"),
        ('{"image": {}}', "'image' is not a URL"),
        ('{"image": {"w": 3, "URL": "https://a.org/1.jpg"}}', "name a field of it, such as FILE#image.URL"),
        ('{"image": {"full": "https://a.org/1.jpg"}}', "name a field of it, such as FILE#image.full"),
        (f'{{"url": "{A}", "url": "{B}"}}', "several values for 'url'"),
        (f'{{"url": "{A}", "\\u0075rl": "{B}"}}', "several values for 'url'"),
        (f'{{"url": "{A}", "URL": "{B}"}}', "several columns may hold the URLs, url, URL"),
        (f'{{"image": "{A}", "photo": "{B}"}}', "several columns may hold the URLs, image, photo"),
        ('{"url": "https://a.org/\\ud800.jpg"}', "half a surrogate pair"),
        ("[" * 5000, None),
        ("," * 100_000, "it is not JSON"),
        ('{"a":' * 50_000, "it is not JSON"),
        (f'{{"url": "{A}", "x": "{"y" * 2**20}"}}', "longer than 1 MiB"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_value_without_a_url_costs_itself(tmp_path: Path, line: str, words: str | None) -> None:
    """The lines, or the values of the array, around it are taken."""
    for text, name in ((f'"{B}"\n{line}\n"{C}"\n', "dogs.jsonl"), (f'["{B}",{line},"{C}"]', "dogs.json")):
        if name == "dogs.json" and (line[0] == "," or line.count("{") > line.count("}") or "[[" in line):
            continue  # what is never closed holds all that comes
        first, refused, last = json_urls(tmp_path, text, name=name)
        assert (first, last) == (B, C)
        assert (words or "it is not JSON") in refused
        with pytest.raises(InvalidUrl):
            Url.parse(refused)


def test_bytes_that_are_not_utf_8_are_told(tmp_path: Path) -> None:
    """With what to do."""
    file = tmp_path / "dogs.jsonl"
    file.write_bytes(f'{{"url": "{A}", "title": "caf\xe9"}}\n"{B}"\n'.encode("latin-1"))
    refused, url = urls_of(file)
    assert (refused[:50], url) == ("line 1: it is not UTF-8; save the list as UTF-8: {", B)


@pytest.mark.parametrize("digits", [400, 4300, 4301, 100_000])
@pytest.mark.parametrize("name", ["width", "size", "url2"])
def test_a_number_of_any_length_costs_itself(tmp_path: Path, digits: int, name: str) -> None:
    """The row is kept, as it is for each value that makes no sense; Python reads 4,300 digits."""
    line = f'{{"url": "{A}", "{name}": {"9" * digits}, "caf\\u00e9": 1}}'
    assert json_urls(tmp_path, f'{line}\n"{B}"\n', name="dogs.jsonl") == [A, B]


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        (f'[\n  "{A}",\n  "{B}"\n]\n', [A, B]),
        (f'\ufeff [{{"url": "{A}", "labels": ["a,]", "b\\"}}"]}}, "{B}",]', [A, B]),
        (f'["{A}", , "{B}"]', [A, "value 2: no value", B]),
        (f'["{A}" "{B}"]', [f'value 1: it is not JSON: "{A}" "{B}"']),
        (f'["{A}", "{B}', [A, f'value 2: the array breaks off here (it is not closed): "{B}']),
        (f'["{A}"', [f'value 1: the array breaks off here (it is not closed): "{A}"']),
        (f'["{A}"] "{B}"', [A, f'value 2: it stands behind the end of the array: "{B}"']),
        (f'["{A}"]\n["{B}"]', [A, f'value 2: it stands behind the end of the array: ["{B}"]']),
        ("[]", []),
        ("[ \n ]", []),
    ],
)
@pytest.mark.parametrize("name", ["dogs.json", "dogs.jsonl", "dogs.list"])
def test_one_array_is_a_list(tmp_path: Path, text: str, urls: list[str], name: str) -> None:
    """Also where it is not whole, as far as it can be read."""
    assert json_urls(tmp_path, text, name=name) == urls


@pytest.mark.long
@pytest.mark.slow
def test_a_large_array_is_read_in_little_memory(tmp_path: Path) -> None:
    """One value at a time, from any of them on."""
    file = tmp_path / "dogs.json"
    urls = [f"https://a.org/{number:06}.jpg" for number in range(4000)]
    file.write_text(json.dumps([{"url": url, "note": '[{"' * 100} for url in urls]))
    assert file.stat().st_size > 1_650_000
    tracemalloc.start()
    listing = resolve(str(file)).open()
    tracemalloc.reset_peak()
    items = listing.read(None, {}).items
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1_200_000
    rest = listed(resolve(str(file)).open(position=listing.position()))
    assert [item.url for item in [*items, *rest]] == urls


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(VALUES, max_size=8), indent=st.sampled_from([None, 1]))
def test_an_array_gives_as_many_items_as_it_has_values(tmp_path: Path, values: list[Any], indent: int | None) -> None:
    """Whatever they are, however it is written; those with a URL give it."""
    rows = [{"url": f"https://a.org/{number}.jpg", "note": value} for number, value in enumerate(values)]
    mixed = [each for pair in zip(rows, values, strict=True) for each in pair]
    file = tmp_path / "any.json"
    file.write_bytes(json.dumps(mixed, indent=indent).encode())
    items = items_of(resolve(str(file)))
    assert len(items) == len(mixed)
    assert [item.url for item in items[::2]] == [row["url"] for row in rows]


def test_facts_of_an_object(tmp_path: Path) -> None:
    """A value that makes no sense is left out and told; numbers that are missing are not taken for text."""
    file = tmp_path / "dogs.jsonl"
    file.write_text(f'{{"url": "{A}", "id": NaN, "width": 640.0, "height": "480.00", "title": "t"}}\n')
    page = resolve(str(file)).open().read(None, {})
    assert page.items == [SourceItem(url=A, width=640, height=480, title="t")]
    assert page.notes == ("id: nan is not a text; such values are left out",)


@pytest.mark.parametrize("name", ["dogs.json", "dogs.jsonl", "dogs.list"])
def test_lines_cut_out_of_an_array(tmp_path: Path, name: str) -> None:
    """With a comma at their ends."""
    assert json_urls(tmp_path, f'{{"url": "{A}"}},\n{{"url": "{B}"}} ,\n"{C}",\n', name=name) == [A, B, C]
