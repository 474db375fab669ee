"""The alert rules of the workflow's file, as bulk ingestion evaluates them: the engine decides the same."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.asl import StateMachine, execute
from pupline.errors import ConfigurationError
from pupline.images import extension_agrees, name_extension
from pupline.tasks.alert_rules import IMAGE_FIELDS, AlertRules, image_of
from pupline.tasks.records import AuditRecord
from tests.shared.workflow_rules import DEFINITION, RULES, WEBP_RULE, WEBP_WORDS, edited, with_webp

TO_LOG = {"Variable": "$.image.breed", "StringEquals": "pug", "Next": "LogToDynamoDB"}


def image(name: str = "dogs/a.jpg", file_type: str = "jpg", **others: Any) -> dict[str, Any]:
    """`$.image` of the workflow."""
    extension = name_extension(name)
    known = {
        "uploaded_image": name,
        "file_type": file_type,
        "name_extension": extension,
        "extension_agrees": extension_agrees(extension, file_type),
        "outcome": "stored",
        "reason": "accepted",
    }
    return {**dict.fromkeys(IMAGE_FIELDS), **known, **others}


IMAGES = st.builds(
    image,
    st.sampled_from(["a.jpg", "dogs/b.png", "c.PnG", "d", "e.webp", "f.png.gif", "pnG", ".png"]),
    st.sampled_from(["png", "jpg", "gif", "webp", "html", "svg"]),
    outcome=st.sampled_from(["stored", "duplicate", "quarantined"]),
    reason=st.sampled_from(["accepted", "not_an_image", "damaged_image"]),
    breed=st.sampled_from([None, "pug", "hound/afghan"]),
    width=st.sampled_from([None, 0, 640, 10**9]),
)
BIG = {"Variable": "$.image.width", "NumericGreaterThan": 1000, "Next": "WebPAlert"}
NULL_WIDTH = {"Not": {"Variable": "$['image']['width']", "IsNull": False}, "Next": "WebPAlert"}
SAME = {"Variable": "$.image.file_type", "StringEqualsPath": "$.image.name_extension", "Next": "WebPAlert"}
FIRST = {"Variable": "$.image.key", "StringMatches": "*/0", "Next": "WebPAlert"}
OWN = [WEBP_RULE, TO_LOG, BIG, NULL_WIDTH, SAME, FIRST]
ALIKE = ("outcome", "reason", "file_type", "name_extension", "size_bytes", "width", "height", "breed", "source")


def machine(definition: dict[str, Any]) -> StateMachine:
    """The workflow with its placeholders filled."""
    return StateMachine.parse(re.sub(r"\$\{(\w+)Arn\}", r"\1", json.dumps(definition)))


machine(DEFINITION)  # imports the JSONata library, which raises the recursion limit, before hypothesis looks at it


def taken_by_the_engine(definition: dict[str, Any], given_image: dict[str, Any]) -> dict[str, Any] | None:
    """What the workflow publishes for this image; None where it does not alert."""
    published: list[dict[str, Any]] = []

    def publish(event: dict[str, Any]) -> dict[str, str]:
        published.append(event)
        return {"MessageId": "1"}

    tasks = {
        "FetchAndUploadDogImage": lambda _: {**given_image, "alert_reasons": []},
        "AlertPNG": lambda _: {},
        "LogToDynamoDB": lambda _: {},
        "arn:aws:states:::sns:publish": publish,
    }
    result = execute(machine(definition), {}, tasks=tasks)
    assert result.status == "SUCCEEDED"
    return published[0] if published else None


@given(IMAGES, st.lists(st.sampled_from(OWN), max_size=3), st.booleans())
def test_the_engine_takes_the_first_rule_of_these(
    found: dict[str, Any], rules: list[dict[str, Any]], first: bool
) -> None:
    """An image alerts here exactly where the workflow alerts, and for the rule and in the words that it takes."""
    definition = edited(WEBP_RULE, *rules, first=first, WebPAlert=WEBP_WORDS)
    own = AlertRules.of(definition)
    published = taken_by_the_engine(definition, found)
    reasons = own.reasons(found)
    assert bool(reasons) == (published is not None)
    if published is not None:
        record = AuditRecord(
            image_name=found["uploaded_image"],
            file_type=found["file_type"],
            upload_timestamp="2026-01-02T03:04:05.000Z",
            alert_triggered=True,
            alert_reasons=reasons,
            outcome=found["outcome"],
            reason=found["reason"],
            execution="e",
        )
        words = own.words_for(record)
        assert words.reason == published["MessageAttributes"]["reason"]["StringValue"]
        assert words.subject_line() == published["Subject"]
        assert words.text(found) == published["Message"]


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (image("a.png", "png"), ("png_content", "png_name")),
        (image("a.jpg", "png"), ("png_content", "extension_mismatch")),
        (image("a.jpg", "gif"), ("extension_mismatch",)),
        (image("a.jpg", "jpg"), ()),
        (image("a.jpg", "html", outcome="quarantined", reason="not_an_image"), ("extension_mismatch", "not_an_image")),
        (image("a.webp", "webp"), ("webp",)),
        (image("a.jpg", "webp"), ("extension_mismatch", "webp")),
    ],
)
def test_all_rules_that_match_give_their_reasons(found: dict[str, Any], reasons: tuple[str, ...]) -> None:
    """In the order of the rules; of a quarantined file the exact reason, last."""
    assert AlertRules.of(with_webp()).reasons(found) == reasons


def test_a_rule_that_was_removed_counts_no_more() -> None:
    """The file is the one place where rules stand: pupline knows none of its own."""
    rules = AlertRules.of(edited(without="ExtensionAlert"))
    assert rules.reasons(image("a.jpg", "gif")) == ()
    assert rules.reasons(image("a.jpg", "png")) == ("png_content",)
    assert "extension_mismatch" not in rules.names


def test_a_rule_past_the_alert_exempts() -> None:
    """Before the others, it is the first that matches; after them, it exempts only from later ones."""
    assert AlertRules.of(edited(TO_LOG, first=True)).reasons(image("a.png", "png", breed="pug")) == ()
    assert AlertRules.of(edited(TO_LOG)).reasons(image("a.png", "png", breed="pug")) == ("png_content", "png_name")


def test_rules_may_stand_in_several_choices() -> None:
    """Those that the Default leads to follow; a Default that leads to an alert matches every image."""
    more = {"Type": "Choice", "Choices": [WEBP_RULE], "Default": "LogToDynamoDB"}
    definition = edited(CheckMore=more, WebPAlert=WEBP_WORDS)
    definition["States"]["CheckIfPNG"]["Default"] = "CheckMore"
    assert AlertRules.of(definition).reasons(image("a.jpg", "webp")) == ("extension_mismatch", "webp")
    assert taken_by_the_engine(definition, image("a.webp", "webp")) is not None
    definition["States"]["CheckMore"]["Default"] = "WebPAlert"
    assert AlertRules.of(definition).reasons(image()) == ("webp",)
    definition["States"]["CheckMore"]["Default"] = "CheckIfPNG"
    with pytest.raises(ConfigurationError, match="Default does not lead"):
        AlertRules.of(definition)


def test_rules_are_saved_as_text() -> None:
    """What a run keeps gives the same rules to the process that resumes it, without the rest of the file."""
    rules = AlertRules.of(with_webp())
    again = AlertRules.from_text(rules.text)
    assert again.names == rules.names == (*RULES.names, "webp")
    assert again.text == rules.text
    assert len(rules.text) < 8192


def broken(**words: Any) -> dict[str, Any]:
    """A workflow whose own rule has other words."""
    parameters = {name: value for name, value in {**WEBP_WORDS["Parameters"], **words}.items() if value is not None}
    return edited(WEBP_RULE, WebPAlert={**WEBP_WORDS, "Parameters": parameters})


NO_CHOICE = {**DEFINITION, "States": {name: one for name, one in DEFINITION["States"].items() if name != "CheckIfPNG"}}


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (
            edited({"Variable": "$.labels", "IsPresent": True, "Next": "ExtensionAlert"}),
            r"Choices\[5\]: it refers to \$.labels",
        ),
        (
            edited({"Variable": "$.image.camera", "IsPresent": True, "Next": "ExtensionAlert"}),
            r"\$.image.camera.* file_type",
        ),
        (edited({"Variable": "$.image.width", "NumericEquals": "1", "Next": "ExtensionAlert"}), r"type \[NUMBER\]"),
        (edited({"Variable": "$.image.width", "NumericEquals": 1, "Next": "WaitRetryAfter"}), "Pass states alone"),
        (edited({"Variable": "$.image.width", "NumericEquals": 1, "Next": "Nowhere"}), "Pass states alone"),
        (edited({"Variable": "$.image.width", "NumericEquals": 1, "Next": "AlertPNG"}), "without a Pass state"),
        (broken(reason=None), 'WebPAlert: it has to set "reason"'),
        (broken(triggered=None), '"triggered" to true'),
        (edited(WEBP_RULE, WebPAlert={**WEBP_WORDS, "Next": "WebPAlert"}), "Pass states alone"),
        (NO_CHOICE, "no Choice state CheckIfPNG"),
        ({"States": {"CheckIfPNG": {**DEFINITION["States"]["CheckIfPNG"], "QueryLanguage": "JSONata"}}}, "in JSONata"),
        ({}, "no Choice state"),
        ({"States": []}, "no Choice state"),
    ],
)
def test_what_bulk_ingestion_cannot_heed_is_one_clear_line(definition: dict[str, Any], problem: str) -> None:
    """The rule, what is wrong with it, and what would do; the workflow itself uses the rules that are left."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        AlertRules.of(definition, "mine.asl.json")
    assert str(caught.value).startswith("mine.asl.json: ")
    assert "\n" not in str(caught.value)
    assert {*AlertRules.readable(definition).names} <= {*RULES.names}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"message": "a WebP"}, "a WebP"),
        ({"message.$": "$.image.uploaded_image"}, "dogs/a.webp"),
        (
            {"message.$": r"States.Format('it\'s {} \{\} {} of \\{}', $.image.width,$.image.breed,$['image']['key'])"},
            r"it's 640 {} null of \null",
        ),
        ({"message.$": "States.Format('{}', States.JsonToString($.image))"}, "WebP file detected: dogs/a.webp"),
        ({"message.$": "States.Format('{} {}', $.image.width)"}, "WebP file detected: dogs/a.webp"),
        ({"message.$": "$$.Execution.Name"}, "WebP file detected: dogs/a.webp"),
        ({}, "WebP file detected: dogs/a.webp"),
    ],
)
def test_the_words_of_a_rule(message: dict[str, str], text: str) -> None:
    """As States.Format gives them; a general text where a message has more than constants and fields of the image."""
    parameters = {name: value for name, value in WEBP_WORDS["Parameters"].items() if not name.startswith("message")}
    own = AlertRules.of(edited(WEBP_RULE, WebPAlert={**WEBP_WORDS, "Parameters": {**parameters, **message}}))
    words = own.rules[-1].words
    assert words is not None
    assert words.text(image("dogs/a.webp", "webp", width=640)) == text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["And", "Or", "Not", "Variable", "Next", "StringEquals", "Choices", "Type", "x"]),
                inner,
                max_size=4,
            )
        ),
    )
)
def test_any_json_gives_rules_or_one_problem(value: Any) -> None:
    """A file that somebody edits raises nothing else, however broken it is."""
    states = {"CheckIfPNG": {"Type": "Choice", "Choices": [value], "Default": "LogToDynamoDB"}, "LogToDynamoDB": value}
    for definition in ({"States": states}, {"States": {"CheckIfPNG": value}}):
        try:
            AlertRules.of(definition)
        except ConfigurationError:
            AlertRules.readable(definition)


@given(st.lists(IMAGES, max_size=8), st.lists(st.sampled_from(OWN), max_size=3))
def test_images_alike_in_what_rules_look_at_are_decided_alike(found: list[dict[str, Any]], rules: list[Any]) -> None:
    """What is remembered of earlier images changes nothing."""
    shared = AlertRules.of(edited(WEBP_RULE, *rules, WebPAlert=WEBP_WORDS))
    records = [
        AuditRecord(
            image_name=one["uploaded_image"],
            upload_timestamp="2026-01-02T03:04:05.000Z",
            alert_triggered=False,
            execution="e",
            **{name: one[name] for name in ALIKE},
        )
        for one in found
    ]
    decided = [shared.reasons_of(record, f"html/{number}") for number, record in enumerate(records)]
    assert decided == [shared.reasons(image_of(one, f"html/{number}")) for number, one in enumerate(records)]
