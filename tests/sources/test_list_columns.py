"""What the columns of a list become: fields of the item, values in its `extra`, or nothing, which is said."""

import base64
import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from pupline.sources import Listing, dropped_of, resolve
from pupline.sources.lists._column_plan import ColumnPlan
from pupline.specs._extra import MAX_EXTRA, MAX_EXTRA_VALUE, MAX_EXTRAS
from pupline.tasks.items import SourceItem

URL = "https://a.org/1.jpg"
MD5 = hashlib.md5(b"dog", usedforsecurity=False)


def listed(tmp_path: Path, *rows: Mapping[str, Any]) -> tuple[list[SourceItem], Listing, list[str]]:
    """The items of a list of these objects, the listing, and its notes."""
    file = tmp_path / "dogs.jsonl"
    file.write_text("".join(f"{json.dumps({'url': URL, **row})}\n" for row in rows))
    listing = resolve(str(file)).open()
    page = listing.read(None, {})
    return page.items, listing, list(page.notes)


def item(tmp_path: Path, **values: Any) -> dict[str, Any]:
    """The item of a list with one row, without its URL."""
    ((found,), _, _) = listed(tmp_path, values)
    return {name: value for name, value in found.as_dict().items() if name != "url"}


@pytest.mark.parametrize(
    ("name", "value", "field", "read"),
    [
        *(
            (name, "A dog", "caption", "A dog")
            for name in ("caption", "TEXT", "text", "alt_text", "description", "Prompt")
        ),
        *((name, "pug", "labels", ["pug"]) for name in ("label", "Labels", "class", "class_name", "category", "tag")),
        ("tags", ["dog", "pug"], "labels", ["dog", "pug"]),
        *((name, "CC0", "license", "CC0") for name in ("LICENSE", "licence", "license_name")),
        *((name, "Ann", "creator", "Ann") for name in ("Author", "photographer", "artist", "ownername")),
        *((name, 640, "width", 640) for name in ("WIDTH", "image_width", "original_width")),
        *((name, "a7", "id", "a7") for name in ("SAMPLE_ID", "ImageID", "image_id", "uid")),
        ("OriginalSize", "123", "bytes", 123),
        ("OriginalLandingURL", "https://a.org", "landing", "https://a.org"),
        ("OriginalMD5", base64.b64encode(MD5.digest()).decode(), "md5", MD5.hexdigest()),
        ("MD5", MD5.hexdigest().upper(), "md5", MD5.hexdigest()),
        ("sha256", f"sha256:{'ab' * 32}", "sha256", "ab" * 32),
        ("phash", "0123456789ABCDEF", "phash", "0123456789abcdef"),
    ],
)
def test_fields_are_known_by_the_names_that_people_use(
    tmp_path: Path, name: str, value: Any, field: str, read: Any
) -> None:
    """In any case and with any joints, as LAION, COCO, Open Images, Flickr, img2dataset and Hugging Face write them."""
    assert item(tmp_path, **{name: value}) == {field: read}


def test_the_exact_name_wins_and_the_others_are_kept(tmp_path: Path) -> None:
    """A choice between two other names is said; nothing is lost by it."""
    assert item(tmp_path, text="a", caption="b", alt_text="c") == {"alt": "c", "caption": "b", "extra": {"text": "a"}}
    ((found,), _, notes) = listed(tmp_path, {"prompt": "p", "description": "d"})
    assert (found.caption, found.extra) == ("d", {"prompt": "p"})
    assert notes == ["caption is taken from 'description'; kept in extra: prompt"]


def test_a_value_that_does_not_fit_its_field_is_kept(tmp_path: Path) -> None:
    """Under the source's own name."""
    ((found,), _, notes) = listed(tmp_path, {"Author": {"name": "Ann"}, "width": "wide"})
    assert found.extra == {"Author": {"name": "Ann"}, "width": "wide"}
    assert len(notes) == 2
    assert all("kept in extra" in note for note in notes)


def test_other_columns_are_kept_with_their_values(tmp_path: Path) -> None:
    """Numbers, flags and nested values stay what they are; null is no value."""
    values = {"n": 1, "x": 0.5, "no": False, "none": None, "nested": {"a": [1, None, "é"]}, "empty": "", "big": 10**30}
    assert item(tmp_path, **values) == {
        "extra": {"n": 1, "x": 0.5, "no": False, "nested": {"a": [1, None, "é"]}, "empty": "", "big": str(10**30)}
    }


def test_every_format_keeps_them(tmp_path: Path) -> None:
    """A cell of CSV is text, as written; an empty one is no value."""
    rows = [["url", "similarity", "nsfw", ""], [URL, "0.30", "", "7"]]
    for name, delimiter in (("dogs.csv", ","), ("dogs.tsv", "\t")):
        with (tmp_path / name).open("w", newline="") as out:
            csv.writer(out, delimiter=delimiter).writerows(rows)
        (found,) = resolve(str(tmp_path / name)).open().read(None, {}).items
        assert found.extra == {"similarity": "0.30", "column_4": "7"}
    (tmp_path / "dogs.json").write_text(json.dumps([{"url": URL, "similarity": 0.3}]))
    (found,) = resolve(str(tmp_path / "dogs.json")).open().read(None, {}).items
    assert found.extra == {"similarity": 0.3}


def test_parquet_keeps_what_json_can_hold(tmp_path: Path) -> None:
    """Bytes cannot be kept: their columns are not even read."""
    table = {
        "url": [URL],
        "labels": [["pug", "dog"]],
        "image": [{"bytes": b"x", "path": "p"}],
        "raw": [b"x"],
        "sha256": [b"\xab" * 32],
        "when": [datetime(2026, 1, 2, tzinfo=UTC)],
        "price": [Decimal("0.10")],
        "score": [float("nan")],
        "map": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
        "struct": [{"x": [1, 2]}],
    }
    parquet.write_table(pa.table(table), tmp_path / "dogs.parquet")
    listing = resolve(str(tmp_path / "dogs.parquet")).open()
    page = listing.read(None, {})
    assert page.items == [SourceItem(url=URL, labels=("pug", "dog"), sha256="ab" * 32, extra=page.items[0].extra)]
    assert page.items[0].extra == {
        "when": "2026-01-02T00:00:00+00:00",
        "price": 0.1,
        "map": {"a": 1},
        "struct": {"x": [1, 2]},
    }
    assert page.notes == tuple(f"the column {name!r} is not kept: binary values" for name in ("image", "raw"))
    uses = {use.name: (use.becomes, use.why) for use in listing.columns}
    assert uses["image"] == ("dropped", "binary values")
    assert (uses["url"], uses["score"], uses["sha256"]) == (("url", ""), ("extra", ""), ("sha256", ""))


def test_pictures_in_a_table_are_not_taken_for_urls(tmp_path: Path) -> None:
    """A dataset on Hugging Face has its pictures in `image`; where they came from stands in another column."""
    table = {"image": [{"bytes": b"x", "path": "1.jpg"}], "image_url": [URL]}
    parquet.write_table(pa.table(table), tmp_path / "dogs.parquet")
    listing = resolve(str(tmp_path / "dogs.parquet")).open()
    assert listing.read(None, {}).items == [SourceItem(url=URL)]
    assert [(use.name, use.becomes) for use in listing.columns] == [("image", "dropped"), ("image_url", "url")]


def test_what_is_too_much_is_dropped_and_said(tmp_path: Path) -> None:
    """Long values, long names, too many columns, too much in a row; also after a resume."""
    ((first,), listing, notes) = listed(tmp_path, {"long": "x" * (MAX_EXTRA_VALUE + 1), "n" * 200: 1, "good": 1})
    assert first.extra == {"good": 1}
    assert len(notes) == 2
    assert sorted(dropped_of(listing.position())) == ["long", "n" * 200]
    assert [use.why[:9] for use in listing.columns if use.name == "long"] == ["values of"]
    resumed = resolve(str(tmp_path / "dogs.jsonl")).open(position=listing.position())
    assert dropped_of(resumed.position()) == dropped_of(listing.position())
    assert len(item(tmp_path, **{f"c{n}": n for n in range(MAX_EXTRAS + 5)})["extra"]) == MAX_EXTRAS
    wide = item(tmp_path, **{f"c{n}": "x" * MAX_EXTRA_VALUE for n in range(10)})["extra"]
    assert len(json.dumps(wide)) <= MAX_EXTRA + 200


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('["pug","hound"]', ["pug", "hound"]),
        ("['pug', \"bull's eye\"]", ["pug", "bull's eye"]),
        ("['pug' 'hound'\n 'cat']", ["pug", "hound", "cat"]),
        ("[pug, afghan hound]", ["pug", "afghan hound"]),
        ('{pug,"afghan hound"}', ["pug", "afghan hound"]),
        ("('pug', 'hound')", ["pug", "hound"]),
        ("[]", []),
        ("[null]", []),
        ("hound, afghan", ["hound, afghan"]),
        ("a|b;c", ["a|b;c"]),
        ("(a remark)", ["(a remark)"]),
        ("[unclosed", ["[unclosed"]),
        ('["a", {"b": 1}]', ['["a", {"b": 1}]']),
    ],
)
def test_a_label_may_be_a_list(tmp_path: Path, text: str, labels: list[str]) -> None:
    """As programs write lists into a cell. A text without brackets is one label, whatever is in it."""
    assert item(tmp_path, label=text).get("labels", []) == labels


def test_what_is_cut_is_said(tmp_path: Path) -> None:
    """Long texts, and more labels than are kept."""
    ((found,), _, notes) = listed(tmp_path, {"caption": "x" * 5000, "tags": [f"t{n}" for n in range(60)]})
    assert (len(found.caption or ""), len(found.labels)) == (4096, 50)
    assert notes == [
        "caption: texts of more than 4,096 characters are cut",
        "labels: of more than 50, the first 50 are kept",
    ]
    assert listed(tmp_path, {"caption": "x" * 4000, "tags": [f"t{n}" for n in range(50)]})[2] == []


MANIFEST = {"index": 7, "caption": "A dog", "labels": ["pug"], "sha256": "ab" * 32, "extra": {"n": 1}}
FAILURE = {**MANIFEST, "outcome": "failed", "reason": "not_found", "error": "NotFound", "cause": "?", "attempts": 1}


@pytest.mark.parametrize("line", [MANIFEST, FAILURE], ids=["manifest", "failures"])
def test_pupline_knows_its_own_lists(tmp_path: Path, line: dict[str, Any]) -> None:
    """Their lines give the same items with the same extra columns."""
    ((found,), listing, notes) = listed(tmp_path, line)
    assert found.as_dict() == {"url": URL, **{name: MANIFEST[name] for name in MANIFEST if name != "index"}}
    assert notes == []
    assert [use.becomes for use in listing.columns if use.name in ("index", "cause")] == ["ours"] * (len(line) // 5)


def test_no_value_of_a_data_frame_is_not_said_to_be_kept(tmp_path: Path) -> None:
    """NaN is left out of fields and of extra; a value that does not fit is kept, and both are said."""
    (found, _, notes) = listed(tmp_path, {"width": float("nan")}, {"width": "wide"})
    assert [one.extra for one in found] == [{}, {"width": "wide"}]
    assert [note.partition("; ")[2] for note in notes] == ["such values are left out", "such values are kept in extra"]


def test_the_index_of_a_table_is_its_own(tmp_path: Path) -> None:
    """Manifests are JSON Lines: a data frame's index is kept, though a manifest has one."""
    file = tmp_path / "frame.csv"
    file.write_text(f"index,url,caption\n812,{URL},A dog\n")
    (found,) = resolve(str(file)).open().read(None, {}).items
    assert found.as_dict() == {"url": URL, "caption": "A dog", "extra": {"index": "812"}}


def test_columns_that_are_not_kept_are_noted_briefly(tmp_path: Path) -> None:
    """Twenty notes for 300 columns, and one that says where the others are."""
    (_, listing, notes) = listed(tmp_path, {f"c{n}": n for n in range(300)})
    assert len(notes) == 21
    assert notes[-1] == "more than 20 columns are not kept; columns_dropped has them"
    assert len(dropped_of(listing.position())) == 200


@pytest.mark.parametrize("as_text", [False, True], ids=["lines", "parquet"])
@pytest.mark.parametrize("outcome", ["stored", "quarantined"])
def test_metadata_expects_what_was_stored(tmp_path: Path, outcome: str, *, as_text: bool) -> None:
    """An image that was stored has to have the same bytes again; the hash of what was quarantined says nothing."""
    record = {"execution": "r-0", "dataset": "dogs", "image_name": "dogs/1.jpg", "source_url": URL, "width": 9}
    hashes = {"sha256": "ab" * 32, "expected_sha256": None, "expected_md5": "cd" * 16, "md5": None}
    extra: Any = json.dumps({"n": 1}) if as_text else {"n": 1}
    found = item(tmp_path, **FAILURE | record | hashes | {"outcome": outcome, "extra": extra})
    uses = ColumnPlan([*(FAILURE | record | hashes), "url"], "url").uses
    assert [use.name for use in uses if use.becomes == "sha256"] == ["sha256", "expected_sha256"]
    expected = {"sha256": "ab" * 32} if outcome == "stored" else {}
    assert found == {"caption": "A dog", "labels": ["pug"], "md5": "cd" * 16, "extra": {"n": 1}, **expected}


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from(["a", "label", "text", "Extra", "extra", "width"]) | st.text(), JSONS)
    )
)
def test_any_values_become_json(tmp_path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Whatever the values are, the item can be written as JSON in UTF-8, and is read back as it was."""
    file = tmp_path / "any.jsonl"
    file.write_text("".join(f"{json.dumps({**row, 'url': URL})}\n" for row in rows))
    listing = resolve(str(file) + "#url").open()
    for found in listing.read(None, {}).items:
        text = json.dumps(found.as_dict(), ensure_ascii=False, allow_nan=False)
        text.encode()
        assert SourceItem.from_dict(json.loads(text)) == found


@given(
    st.lists(st.sampled_from(["caption", "TEXT", "text", "Alt", "alt_text", "label", "x", "url", "index"]), unique=True)
)
def test_each_column_becomes_one_thing(names: list[str]) -> None:
    """No field comes from two columns, and no column is forgotten."""
    plan = ColumnPlan(names, "url")
    assert [use.name for use in plan.uses] == names
    fields = [use.becomes for use in plan.uses if use.becomes not in ("extra", "ours", "url")]
    assert len(fields) == len(set(fields))
