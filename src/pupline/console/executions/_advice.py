"""What an Error Name means, and what to do next, in plain words."""

from dataclasses import dataclass

from pupline.errors import Reason, reason_of


@dataclass(frozen=True, slots=True)
class Advice:
    """meaning: what happened; next_step: what to do. Each a sentence or two.

    may_pass: another attempt with the same input may succeed.
    """

    meaning: str
    next_step: str
    may_pass: bool = False


_BY_REASON: dict[Reason, Advice] = {
    "not_an_image": Advice(
        "The file is not an image, whatever its name says.", "Look at the page behind the URL, or choose another image."
    ),
    "damaged_image": Advice(
        "The image is damaged or cut short.", "Fetch it again: the next copy may be whole.", may_pass=True
    ),
    "too_many_pixels": Advice(
        "The image has more pixels than pupline decodes.", "Choose a smaller version of the image."
    ),
    "hash_mismatch": Advice(
        "The bytes differ from the hash that the source declares.", "Ask the source, or choose another image."
    ),
    "blocked_address": Advice(
        "The server's address is not public, or its origin is not allowed, so pupline did not fetch from it.",
        "If you trust this server, run it again with --allow-origin and its origin. Otherwise leave it.",
    ),
    "invalid_url": Advice(
        "The URL is malformed or deceptive, or has another scheme than http and https.",
        "Run it again with a corrected image_url in the input.",
    ),
    "too_large": Advice(
        "The response is larger than the limit.", "If the image is right, run it again with a higher --max-bytes."
    ),
    "too_many_redirects": Advice(
        "The server redirects too often, or in a circle.", "Open the URL in a browser and use the address it ends at."
    ),
    "robots_disallowed": Advice(
        "The site's robots.txt or X-Robots-Tag asks programs not to fetch this image.",
        "Choose another image, or ask the site for permission.",
    ),
    "not_found": Advice(
        "Nothing is at this URL any more, or the API does not have this breed.",
        "Choose another image or breed: the same request will fail again.",
    ),
    "http_error": Advice(
        "The server answered with something other than the image.", "Open the URL and read what the server says."
    ),
    "server_error": Advice(
        "The server had an error of its own. All attempts were used.",
        "Run it again when the server has recovered.",
        may_pass=True,
    ),
    "rate_limited": Advice(
        "The server asked for fewer requests. All attempts were used.", "Run it again in a while.", may_pass=True
    ),
    "timeout": Advice(
        "It took longer than its time limit.",
        "Run it again; if it keeps happening, raise the limit with --timeout.",
        may_pass=True,
    ),
    "connection_error": Advice(
        "The server could not be reached: its name did not resolve, or the connection failed.",
        "Check the URL and the network (pupline doctor), then run it again.",
        may_pass=True,
    ),
    "incomplete_body": Advice("The response ended too early.", "Run it again.", may_pass=True),
    "source_error": Advice(
        "The API answered with an error, or in an unexpected shape.",
        "Test the source with: pupline sources test",
        may_pass=True,
    ),
    "invalid_input": Advice(
        "The input does not have the expected shape.", "Run it again with edited input; the cause says what is wrong."
    ),
    "storage_error": Advice(
        "The bucket or the audit table could not be read or written.",
        "Check the disk or the service (pupline doctor), then redrive.",
        may_pass=True,
    ),
    "stopped": Advice("It was stopped.", "Redrive it to go on from there."),
}

_BY_NAME: dict[str, Advice] = {
    "States.Timeout": Advice(
        "The state took longer than its TimeoutSeconds.",
        "Redrive it; if it keeps happening, raise TimeoutSeconds in the definition.",
        may_pass=True,
    ),
    "States.HeartbeatTimeout": Advice(
        "The Task sent no heartbeat within HeartbeatSeconds.",
        "Look whether its worker still runs, then redrive.",
        may_pass=True,
    ),
    "States.DataLimitExceeded": Advice(
        "A state's output is larger than the 256 KiB that Step Functions allows.",
        "Keep large data in the bucket and hand on its key; change the definition, then run it again.",
    ),
    "States.Permissions": Advice(
        "The state machine's role may not call this service.", "Add the permission to the role, then redrive."
    ),
    "States.Runtime": Advice(
        "The state could not process its input: nothing in Retry or Catch handles this error.",
        "Compare the state's input with its definition. Run it again with edited input, or change the definition.",
    ),
    "States.NoChoiceMatched": Advice(
        "No rule of the Choice state matches its input, and it has no Default.",
        "Run it again with edited input, or add a Default to the definition.",
    ),
    "States.QueryEvaluationError": Advice(
        "A JSONata expression of the state failed.",
        "Try the state alone with: pupline test-state. Then edit the input, or change the expression.",
    ),
    "States.ParameterPathFailure": Advice(
        "A path in Parameters finds nothing in the state's input.",
        "Compare the state's input with its definition, then run it again with edited input.",
    ),
    "States.ResultPathMatchFailure": Advice(
        "ResultPath does not fit the state's input.", "Change ResultPath in the definition, then run it again."
    ),
    "States.IntrinsicFailure": Advice(
        "An intrinsic function got arguments that it cannot use.",
        "Compare the state's input with its definition, then run it again with edited input.",
    ),
    "States.ItemReaderFailed": Advice(
        "The Map's ItemReader could not read its items.",
        "Check that the object exists and has the declared format, then redrive.",
    ),
    "States.ResultWriterFailed": Advice(
        "The Map's ResultWriter could not write.", "Check the bucket and its permissions, then redrive."
    ),
    "States.ExceedToleratedFailureThreshold": Advice(
        "More child executions failed than the Map tolerates.",
        "Look at the failed children below. A redrive runs only those that failed.",
        may_pass=True,
    ),
    "Lambda.TooManyRequestsException": Advice(
        "Lambda refused the call: all concurrency was in use.", "Redrive it in a while.", may_pass=True
    ),
    "Lambda.Unknown": Advice(
        "The function ended without an answer: a crash, no memory, or its own timeout.",
        "Read the function's log, then redrive.",
        may_pass=True,
    ),
    "Sandbox.Timedout": Advice(
        "The function took longer than its own timeout.", "Redrive it, or raise the timeout.", may_pass=True
    ),
}

_UNKNOWN = Advice(
    "The state raised this error, and no Retrier or Catcher handled it.",
    "Read the cause and the state's input below. Then redrive, or run it again with edited input.",
    may_pass=True,
)
_CHOSEN = Advice(
    "The state machine ended in this Fail state.",
    "Read what led there in the graph. Then run it again with edited input, or change the definition.",
)
_STOPPED = Advice("The execution was stopped before it ended.", "Redrive it to go on at the state where it stopped.")
_OUT_OF_TIME = Advice(
    "The execution took longer than the TimeoutSeconds of its state machine.",
    "Redrive it to go on at this state: its time begins again.",
    may_pass=True,
)


def advice(status: str, error: str | None, *, is_fail_state: bool = False) -> Advice:
    """What to say of an execution that ended with this status and error. is_fail_state: the machine chose to fail."""
    if status == "ABORTED":
        return _STOPPED
    if status == "TIMED_OUT":
        return _OUT_OF_TIME
    name = error or ""
    found = _BY_NAME.get(name) or _BY_REASON.get(reason_of(name))
    return found or (_CHOSEN if is_fail_state else _UNKNOWN)
