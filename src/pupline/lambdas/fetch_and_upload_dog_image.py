"""The Lambda function FetchAndUploadDogImage."""

from pupline.errors import TaskFailure
from pupline.images import safe_name
from pupline.json_values import JSON
from pupline.lambdas._fetch_wiring import fetch_services
from pupline.lambdas._invocation import logged_invocation, made_at_init, text_at
from pupline.lambdas._runtime import with_execution
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    with logged_invocation(handler, context) as facts:
        given = with_execution(event, context)
        facts["execution"] = text_at(given, "execution", "Name")
        try:
            answer = fetch_and_upload(given, fetch_services())
        except TaskFailure as failure:
            if "source_url" in failure.details:
                facts["image"] = safe_name(str(failure.details["source_url"]))
            raise
        facts |= {"image": answer["uploaded_image"]}
        facts |= {name: answer[name] for name in ("outcome", "reason", "file_type", "size_bytes", "source")}
        return answer


made_at_init(fetch_services, "DOG_BUCKET", "MEMO_TABLE")
