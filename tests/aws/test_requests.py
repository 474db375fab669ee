"""How many requests one image costs: what is counted here is what `pupline cost` multiplies."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from pupline.aws import DynamoDBAuditTable, DynamoDBWriteOnceStore, S3Store, dynamodb_client, s3_client
from pupline.errors import ServerError, TaskFailure
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from tests.shared.functions_fakes import PUG, World, picture
from tests.shared.memo_table import create_audit_table, create_memo_table

pytestmark = pytest.mark.aws

JPEG, OTHER = picture("JPEG"), picture("JPEG", "black")
RANDOM: dict[str, Any] = {"execution": "run-1"}
BY_URL: dict[str, Any] = {"execution": "run-1", "image_url": f"{PUG}a.jpg"}
CHOICE = {"GetItem": 1, "PutItem": 1}
INTENT = {"PutItem": 1}
OBJECT = {"PutObject": 1}


class Account:
    """A bucket and the tables, and the requests that they got."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._s3, self._dynamodb = s3_client(), dynamodb_client()
        self._s3.create_bucket(Bucket="dogs")
        create_memo_table("memos")
        for client in (self._s3, self._dynamodb):
            client.meta.events.register("before-call", lambda model, **_: self.asked.update([model.name]))

    def fetch(self, event: dict[str, Any], *bodies: bytes | TaskFailure) -> Counter[str]:
        """The requests of one attempt at `a.jpg`, image GETs among them."""
        self.asked.clear()
        world = World({f"{PUG}a.jpg": list(bodies)}, [f"{PUG}a.jpg"])
        write_once = DynamoDBWriteOnceStore(self._dynamodb, "memos")
        storage = ImageStorage(S3Store(self._s3, "dogs"), write_once)
        try:
            fetch_and_upload(event, replace(world.services, storage=storage))
        except TaskFailure:
            self.asked["failed"] += 1
        self.asked.update({"image": len(world.client.asked), "API": len(world.source.asked)})
        return +self.asked

    def log(self) -> Counter[str]:
        """The requests of a record."""
        create_audit_table("T")
        self.asked.clear()
        clock = type("Clock", (), {"now": lambda _: 0.0})()
        event: Any = {"execution": "run-1", "image": {"uploaded_image": "a.jpg"}, "alert_triggered": False}
        log_to_dynamodb(event, DynamoDBAuditTable(self._dynamodb, "T"), clock)
        return +self.asked


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An empty one; its credentials open nothing else."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield Account()


def requests(*parts: dict[str, int], **more: int) -> Counter[str]:
    """The sum of the parts."""
    total: Counter[str] = Counter(more)
    for part in parts:
        total.update(part)
    return total


def test_a_random_image_takes_two_memos_and_one_object(account: Account) -> None:
    """The choice is looked for, made and kept; the download's prefix and hash are kept; the image is stored."""
    assert account.fetch(RANDOM, JPEG) == requests(CHOICE, INTENT, OBJECT, image=1, API=1)
    assert account.log() == {"PutItem": 1}


def test_an_image_by_its_url_takes_one_memo(account: Account) -> None:
    """Nothing is chosen."""
    assert account.fetch(BY_URL, JPEG) == requests(INTENT, OBJECT, image=1)


def test_a_failed_attempt_costs_its_choice_alone(account: Account) -> None:
    """The next one reads it, and asks no API; the refused writes of a repeated success answer with what is there."""
    assert account.fetch(RANDOM, ServerError("busy")) == requests(CHOICE, image=1, API=1, failed=1)
    assert account.fetch(RANDOM, JPEG) == requests({"GetItem": 1}, INTENT, OBJECT, image=1)
    repeated = requests({"GetItem": 1}, INTENT, OBJECT, {"HeadObject": 1}, image=1)
    assert account.fetch(RANDOM, JPEG) == repeated


def test_a_duplicate_and_a_name_with_other_bytes(account: Account) -> None:
    """S3 is asked what has the name: one request more; other bytes take a second PUT."""
    account.fetch(BY_URL, JPEG)
    taken = requests(INTENT, OBJECT, {"HeadObject": 1}, image=1)
    assert account.fetch({**BY_URL, "execution": "run-2"}, JPEG) == taken
    assert account.fetch({**BY_URL, "execution": "run-3"}, OTHER) == requests(taken, OBJECT)
