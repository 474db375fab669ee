"""AlertPNG: the words of the alert for one image."""

from pupline.errors import InvalidInput
from pupline.json_values import JSON
from pupline.tasks.task_input import TaskInput, checked_input, text_or_none


def alert_png(event: TaskInput) -> dict[str, JSON]:
    """The alert for an image; the workflow's next step publishes it.

    event: `image`, FetchAndUploadDogImage's result; `message` and `reason`, chosen by CheckIfPNG.
    Returns: status "alert", message, image (its name), reasons (all of them, in the record's words).
    Raises: InvalidInput when no image is named.
    """
    fields = checked_input(event)
    image = fields.get("image")
    details: TaskInput = image if isinstance(image, dict) else {"uploaded_image": image or fields.get("uploaded_image")}
    name = text_or_none(details, "uploaded_image")
    if name is None:
        raise InvalidInput("the event names no image; give image as FetchAndUploadDogImage returned it")
    message = text_or_none(fields, "message", limit=4096) or f"A PNG file was detected and processed: {name}"
    found = details.get("alert_reasons")
    reasons: list[JSON] = [reason for reason in found if isinstance(reason, str)] if isinstance(found, list) else []
    chosen = text_or_none(fields, "reason") or "png_content"
    return {"status": "alert", "message": message, "image": name, "reasons": reasons or [chosen]}
