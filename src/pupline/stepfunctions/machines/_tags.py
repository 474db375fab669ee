"""Tags of state machines and activities."""

from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._targets import find_machine
from pupline.stepfunctions.store import MAX_TAGS, TagLimit


def tag_resource(call: Call, parameters: Parameters) -> Answer:
    """TagResource."""
    arn = _existing(call, parameters["resourceArn"])
    try:
        call.store.tags.add(arn, new_tags(parameters))
    except TagLimit as error:
        raise _too_many(arn) from error
    return {}


def untag_resource(call: Call, parameters: Parameters) -> Answer:
    """UntagResource."""
    call.store.tags.remove(_existing(call, parameters["resourceArn"]), parameters["tagKeys"])
    return {}


def list_tags_for_resource(call: Call, parameters: Parameters) -> Answer:
    """ListTagsForResource, by key."""
    tags = call.store.tags.of(_existing(call, parameters["resourceArn"]))
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def new_tags(parameters: Parameters) -> dict[str, str]:
    """The tags in a request. Raises: ApiError for a tag without a key, and for too many."""
    tags: dict[str, str] = {}
    for tag in parameters.get("tags", ()):
        if "key" not in tag:
            raise invalid("A tag must have a key")
        tags[tag["key"]] = tag.get("value", "")
    if len(tags) > MAX_TAGS:
        raise _too_many(parameters.get("resourceArn") or parameters["name"])
    return tags


def _existing(call: Call, text: str) -> str:
    arn = parse_arn(text, "stateMachine", "activity")
    found: object = find_machine(call, text) if arn.kind == "stateMachine" else call.store.activities.find(text)
    if found is None:
        raise ApiError("ResourceNotFound", f"Resource not found: '{text}'", members={"resourceName": text})
    return text


def _too_many(name: str) -> ApiError:
    text = f"Too many tags: a resource may have at most {MAX_TAGS}"
    return ApiError("TooManyTags", text, members={"resourceName": name})
