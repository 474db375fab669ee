"""Splits, conditions and names of folders: what they are for every input."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.datasets import BucketObjects, GoodRows, Split, parse_where
from pupline.datasets.export._folder_names import folder_names
from pupline.errors import ConfigurationError
from tests.datasets.export_world import dog_memory

ROW = {"width": 640, "label": "pug", "labels": ["hound", "pug"], "license": "CC 'BY'", "score": "0.75", "flag": True}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("width >= 640", True),
        ("width>640", False),
        ("width != 640.0", False),
        ("width = '640'", True),
        ("score > 0.7 and score<8e-1", True),
        ("label = 'pug'", True),
        ('label == "pug"', True),
        ("label = 'Pug'", False),
        ("label in ('a', 'pug')", True),
        ("label not in ('a', 'pug')", False),
        ("labels contains 'hound'", True),
        ("label contains 'u'", True),
        ("labels not contains 'hound'", False),
        ("license = 'CC ''BY'''", True),
        ("`width` = 640", True),
        ("flag", None),
        ("flag = true", True),
        ("flag = 'FALSE'", False),
        ("missing is null", True),
        ("missing IS NOT NULL", False),
        ("missing = 1", False),
        ("not missing = 1", False),
        ("missing = 1 or width = 640", True),
        ("missing = 1 and width = 640", False),
        ("not (width = 1 or label = 'x') and width = 640", True),
        ("not width = 1 and not not width = 640", True),
        ("label > 5", False),
        ("not label > 5", False),
    ],
)
def test_conditions(text: str, wanted: bool | None) -> None:
    """As SQL reads them; None for what is not a condition."""
    if wanted is None:
        with pytest.raises(ConfigurationError, match=r"--where: expected a comparison such as >="):
            parse_where(text)
    else:
        assert parse_where(text).matches(ROW.get) is wanted


def test_an_integer_beyond_all_numbers_is_not_compared() -> None:
    """Metadata from elsewhere may have one."""
    assert not parse_where("stars > 1 or not stars > 1").matches({"stars": 10**400}.get)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected a column or a value, found the end"),
        ("width", "expected a comparison such as >=, 'in' or 'is null', found the end"),
        ("width >= 1 width", "expected the end, 'and' or 'or', found 'width'"),
        ("(width >= 1", r"expected '\)', found the end"),
        ("width ; 1", "'; 1' cannot be read"),
        ("__import__('os')", "expected a comparison"),
        ("width in 5", r"expected '\(', found '5'"),
        ("'open", "''open' cannot be read"),
        ("(" * 60 + "a=1" + ")" * 60, "more than 50 parentheses"),
        ("not " * 60 + "a=1", "more than 50 parentheses"),
        ("a=1 or " * 1000, "has 7,000 characters"),
    ],
)
def test_conditions_that_cannot_be_read(text: str, message: str) -> None:
    """One line says what is wrong where."""
    with pytest.raises(ConfigurationError, match=message):
        parse_where(text)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["(", ")", "not", "and", "or", "a", "1", "'x'", "=", ">", "in", "is", "null", ",", "contains"])
    ).map(" ".join)
)
def test_any_text_is_a_condition_or_an_error_of_ours(text: str) -> None:
    """And a condition has an answer for every row."""
    try:
        where = parse_where(text)
    except ConfigurationError:
        return
    assert where.matches(lambda _name: None) in {True, False}
    assert where.matches({"a": [1, "x"]}.get) in {True, False}


@pytest.mark.parametrize("text", ["", "100", "90/5", "90/5/6", "50/50/50", "a/b", "-10/110", "1/2/3/94", "90,10"])
def test_splits_that_are_not_valid(text: str) -> None:
    """The message shows how it is written."""
    with pytest.raises(ConfigurationError, match="--split"):
        Split.parse(text)


def test_splits_have_their_shares_and_are_stable() -> None:
    """Of 5,000 images, and the same ones whatever else there is; a larger share only takes from its neighbour."""
    groups = [f"{number:064x}" for number in range(5_000)]
    split = Split.parse("90/5/5")
    counts = {name: sum(split.name_of(one) == name for one in groups) for name in split.names}
    assert list(counts) == ["train", "validation", "test"]
    assert abs(counts["train"] - 4_500) < 100
    assert abs(counts["test"] - 250) < 70
    wider = Split.parse("92.5/2.5/5")
    assert all(wider.name_of(one) == split.name_of(one) for one in groups if split.name_of(one) in {"train", "test"})
    assert Split.parse("80/20").names == ("train", "test")


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [
        (["pug", "hound/afghan"], {"pug": "pug", "hound/afghan": "hound-afghan"}),
        (["Pug", "pug"], {"Pug": "Pug", "pug": "pug-fb0d4ec2b4d2"}),
        (["CON", "nul.txt", "com1"], {"CON": "CON_", "nul.txt": "nul.txt_", "com1": "com1_"}),
        (["..", "/", ""], {"..": "label", "/": "label-8a5edab28263", "": "label-e3b0c44298fc"}),
        (
            ["test", "val-dog", "dog 2 dev"],
            {"test": "testlabel", "val-dog": "vallabel-dog", "dog 2 dev": "dog-2-devlabel"},
        ),
        ([".hidden", "a\x00b\u202e", "tail. "], {".hidden": "hidden", "a\x00b\u202e": "ab", "tail. ": "tail"}),
        (["unlabelled"], {"unlabelled": "unlabelled-3dfbf5c4a0a7"}),
    ],
)
def test_names_of_folders(labels: list[str], wanted: dict[str, str]) -> None:
    """Safe on every file system, and none is taken for a split by its name."""
    found = folder_names(labels)
    assert {label: found[label].rpartition("-")[0] if len(found[label]) > 12 else found[label] for label in labels} == {
        label: name.rpartition("-")[0] if len(name) > 12 else name for label, name in wanted.items()
    }


@given(
    st.sets(st.text(max_size=300) | st.sampled_from(["pug", "Pug", "PUG", "ﬁ", "fi", "..", "CON", "con", "a/b", "a-b"]))
)
def test_any_labels_have_folders_of_their_own(labels: set[str]) -> None:
    """One part of a path, at most 150 bytes, not hidden, different even where case and composition do not count."""
    names = folder_names(labels)
    assert names.keys() == labels
    folded = [name.casefold() for name in names.values()]
    assert len(set(folded)) == len(labels)
    for name in names.values():
        assert 0 < len(name.encode()) <= 150
        assert not set(name) & set('/\\<>:"|?*\0\n')
        assert not name.startswith((".", "_"))
        assert not name.endswith((".", " "))


def test_names_of_folders_do_not_depend_on_the_order() -> None:
    """The same labels have the same folders."""
    labels = ["Pug", "pug", "PUG"]
    assert len({tuple(sorted(folder_names(order).items())) for order in itertools.permutations(labels)}) == 1


@pytest.mark.parametrize("seconds", list(itertools.permutations((1, 2, 3))))
def test_an_image_is_named_after_the_first_address_of_the_oldest_run(seconds: tuple[int, ...]) -> None:
    """In whatever order the images of a run arrived: every rebuild of a list gives the same export."""
    dogs = dog_memory()
    later, *first = (
        dogs.add_image(f"{at}.jpg", b"same", index=at, upload_timestamp=f"2026-11-22T17:00:0{second}.000Z")
        for at, second in enumerate((4, *seconds))
    )
    dogs.add_run("old", *reversed(first))
    dogs.add_run("new", later)
    with GoodRows.read(BucketObjects(dogs.store), "dogs") as rows:
        (indexes,) = ([row["index"] for _, row in content] for content in rows.by_content())
    assert indexes == [1, 2, 3, 0]
