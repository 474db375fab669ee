"""The alert rules of a run: read from the workflow's file when it starts, and kept with it, so that it has one set."""

from dataclasses import replace

from pupline.bulk._request import IngestRequest
from pupline.errors import ConfigurationError
from pupline.tasks.alert_rules import AlertRules
from pupline.workflow_files import read_definition, workflow_path


def alert_rules_of(request: IngestRequest) -> AlertRules:
    """The rules that the request holds; else those of its workflow file now. Raises: ConfigurationError."""
    return AlertRules.from_text(request.alert_rules) if request.alert_rules else _read(request)


def with_alert_rules(request: IngestRequest) -> IngestRequest:
    """The request with the rules of its workflow file, as they are now. Raises: ConfigurationError."""
    return replace(request, alert_rules=_read(request).text)


def changed_rules(request: IngestRequest) -> str | None:
    """A note for people where the file has other rules than the run; None where it has the same, or is gone."""
    try:
        is_same = request.alert_rules is None or _read(request).text == request.alert_rules
    except ConfigurationError:
        is_same = False
    if is_same:
        return None
    path = workflow_path(chosen=request.workflow_file)
    return f"the alert rules of {path} have changed since this run began; it keeps those that it began with"


def _read(request: IngestRequest) -> AlertRules:
    path = workflow_path(chosen=request.workflow_file)
    return AlertRules.of(read_definition(path), str(path))
