"""What a listing left out: counted by reason, with a few bounded examples; what comes from outside is checked."""

from typing import Any

import pytest

from pupline.tasks.left_out import MAX_EXAMPLES, NO_SUCH_PAGE, NO_URL, NOT_GIVEN, LeftOut


def test_things_are_counted_with_a_few_examples() -> None:
    """In words for people, and back from JSON."""
    found = LeftOut()
    assert (bool(found), found.sentence, LeftOut.from_json(found.as_json())) == (False, "", found)
    for number in range(9):
        found.add(NO_URL, example=f"x\n{number}" + "y" * 500)
    found.add(NO_SUCH_PAGE, 1_000)
    found.add(NOT_GIVEN, 0, "nothing")
    assert (found.total, len(found.examples)) == (1_009, MAX_EXAMPLES)
    assert all(len(one) <= 120 and "\n" not in one for one in found.examples)
    assert found.sentence == "1,000 pages that the API does not have, 9 records without a URL"
    assert LeftOut.from_json(found.as_json()) == found


@pytest.mark.parametrize(
    "given",
    [
        None,
        7,
        [],
        {"reasons": 7, "examples": 7},
        {"reasons": {"no_url": -1, "other": 5, "no_such_page": True, "not_given": "5"}, "examples": [7, None]},
    ],
)
def test_what_is_no_count_counts_nothing(given: Any) -> None:
    """The input of an execution comes from outside."""
    assert LeftOut.from_json(given) == LeftOut()
