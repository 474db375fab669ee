"""Activities: created, described, listed, deleted. Workers ask for their tasks with GetActivityTask."""

import sqlite3

from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._names import check_name
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions.machines._configurations import encryption
from pupline.stepfunctions.machines._tags import new_tags
from pupline.stepfunctions.store import StoredActivity, write_tags


def create_activity(call: Call, parameters: Parameters) -> Answer:
    """CreateActivity. A repeated request gets the answer of the first."""
    name = parameters["name"]
    check_name(name)
    wanted = StoredActivity(call.arn("activity", name), name, encryption(parameters), call.now)
    tags = new_tags(parameters)

    def write_more(connection: sqlite3.Connection) -> None:
        write_tags(connection, wanted.arn, tags)

    activity = call.store.activities.create(wanted, write_more)
    if activity.encryption != wanted.encryption:
        raise ApiError("ActivityAlreadyExists", f"Activity Already Exists: '{activity.arn}'")
    return {"activityArn": activity.arn, "creationDate": activity.created_at}


def describe_activity(call: Call, parameters: Parameters) -> Answer:
    """DescribeActivity."""
    activity = existing_activity(call, parameters["activityArn"])
    own_key = activity.encryption if activity.encryption["type"] != "AWS_OWNED_KEY" else None
    return {**_listed(activity), "encryptionConfiguration": own_key}


def list_activities(call: Call, parameters: Parameters) -> Answer:
    """ListActivities, by name."""
    prefix, activities = call.arn("activity", ""), call.store.activities
    found, token = page_of(
        "ListActivities",
        {**parameters, "of": prefix},
        lambda after, limit: activities.page(prefix, after or "", limit),
        lambda activity: activity.name,
    )
    return {"activities": list(map(_listed, found)), "nextToken": token}


def delete_activity(call: Call, parameters: Parameters) -> Answer:
    """DeleteActivity. One that does not exist is deleted already."""
    parse_arn(parameters["activityArn"], "activity")
    if call.is_here(parameters["activityArn"]):
        call.store.activities.remove(parameters["activityArn"])
    return {}


def existing_activity(call: Call, arn: str) -> StoredActivity:
    """The activity. Raises: ApiError (InvalidArn, ActivityDoesNotExist)."""
    parse_arn(arn, "activity")
    activity = call.store.activities.find(arn) if call.is_here(arn) else None
    if activity is None:
        raise ApiError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    return activity


def _listed(activity: StoredActivity) -> Answer:
    return {"activityArn": activity.arn, "name": activity.name, "creationDate": activity.created_at}
