"""docs/security.md's tables of permissions, and the same tables as the template would have them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.aws.aws_template import ROOT, as_list, conditions, of_type, policies

PAGE = ROOT / "docs" / "security.md"
POLICIES_OF_RESOURCES = {
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueuePolicy": "Queues",
}


def groups() -> dict[str, tuple[str, ...]]:
    """What the page says of several at once."""
    return {
        "every function": tuple(f"{name}Role" for name in of_type("AWS::Lambda::Function")),
        "every function but AlertPNG": tuple(
            f"{name}Role" for name in of_type("AWS::Lambda::Function") if name != "AlertPNG"
        ),
        "both workflows": ("PipelineRole", "BulkRole"),
        "every queue": tuple(found["QueueName"] for found in of_type("AWS::SQS::Queue").values()),
        "both topics": tuple(found["TopicName"] for found in of_type("AWS::SNS::Topic").values()),
        "both buckets": tuple(of_type("AWS::S3::Bucket")),
    }


@dataclass(frozen=True, order=True, slots=True)
class Row:
    """One permission. who: a role, or `PRINCIPAL on RESOURCE`. terms: the conditions' keys and values."""

    who: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    terms: tuple[str, ...]

    def line(self) -> str:
        """As a line of the page's table."""
        cells = (self.actions, self.resources, self.terms)
        return " | ".join([f"| {self.who}", *(", ".join(f"`{word}`" for word in cell) for cell in cells), "... |"])


def of_template() -> set[Row]:
    """Every permission of every role, and of every policy of a resource."""
    return {*_of_roles(), *_of_trust(), *_of_resources()}


def _of_roles() -> Iterator[Row]:
    for role in of_type("AWS::IAM::Role"):
        for document in policies(role).values():
            for statement in document["Statement"]:
                assert statement["Effect"] == "Allow"
                yield _row(role, statement, of_role=role)


def _of_trust() -> Iterator[Row]:
    for role, found in of_type("AWS::IAM::Role").items():
        for statement in found["AssumeRolePolicyDocument"]["Statement"]:
            yield _row(f"{_principal(statement)} on {role}", {**statement, "Resource": []})


def _of_resources() -> Iterator[Row]:
    for kind, attachment in POLICIES_OF_RESOURCES.items():
        for found in of_type(kind).values():
            for target in as_list(found[attachment]):
                for statement in found["PolicyDocument"]["Statement"]:
                    yield _row(f"{_principal(statement)} on {_named(target)}", statement)
    for name, found in of_type("AWS::KMS::Key").items():
        for statement in found["KeyPolicy"]["Statement"]:
            yield _row(f"{_principal(statement)} on {name}", statement)


def _row(who: str, statement: Mapping[str, Any], of_role: str = "") -> Row:
    terms = [term for _, key, values in conditions(statement) for term in (key, *map(_named, values))]
    resources = [_named(resource) for resource in as_list(statement["Resource"])]
    own = of_role.removesuffix("Role")
    return Row(
        who,
        tuple(sorted(as_list(statement["Action"]))),
        tuple(sorted(resource.replace(f"/aws/lambda/{own}", "/aws/lambda/NAME") for resource in resources)),
        tuple(sorted(set(terms))),
    )


def _principal(statement: Mapping[str, Any]) -> str:
    principal = statement["Principal"]
    names = ["everybody"] if principal == "*" else [_named(one) for one in as_list(*principal.values())]
    return ("denied to " if statement["Effect"] == "Deny" else "") + ", ".join(sorted(names))


def _named(value: str) -> str:
    """An ARN or a service's host name as the page writes it: without account, region and kind."""
    if value == "arn:aws:iam::111122223333:root":
        return "the account"
    service, rest = (value.split(":")[2], value.split(":", 5)[5]) if value.startswith("arn:") else ("", value)
    rest = f"{service}:*" if service and rest == "*" else rest
    rest = re.sub(r"^(function:|table/|key/|log-group:(?=/))", "", rest)
    rest = rest.removesuffix(":*") if rest.startswith("/aws/") else rest
    rest = rest.replace("111122223333", "ACCOUNT").replace(".eu-central-1", "")
    return rest.removesuffix(".amazonaws.com")


def of_page() -> list[Row]:
    """Every permission that the page lists; what it says of several at once is said of each."""
    return [row for line in PAGE.read_text().splitlines() for row in _rows_of(line)]


def _rows_of(line: str) -> Iterator[Row]:
    cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
    if len(cells) != 5 or "`" not in cells[1]:
        return
    who, *spans = cells[0], *(sorted(set(re.findall(r"`([^`]+)`", cell))) for cell in cells[1:4])
    before, on, target = who.partition(" on ") if " on " in who else ("", "", who)
    for one in groups().get(target, (target,)):
        actions, resources, terms = (tuple(word.replace("ITSELF", one) for word in words) for words in spans)
        yield Row(f"{before}{on}{one}", actions, tuple(sorted(resources)), tuple(sorted(terms)))
