"""The API and its port, opened together and closed together."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pupline.listening import unusable_address
from pupline.local import LocalBackend
from pupline.stepfunctions._api import MAX_BODY_BYTES, StepFunctionsApi
from pupline.stepfunctions._settings import ApiSettings
from pupline.stepfunctions._template_machines import TemplateMachine, make_template_machines
from pupline.stepfunctions.http import ApiServer, HostCheck, Limits


@contextmanager
def serving(
    backend: LocalBackend,
    address: tuple[str, int],
    settings: ApiSettings = ApiSettings(),  # noqa: B008 - frozen
    *,
    hosts: HostCheck = HostCheck(),  # noqa: B008 - frozen
    log: Callable[[str], None] = lambda _line: None,
    made: Callable[[TemplateMachine], None] = lambda _machine: None,
) -> Iterator[ApiServer]:
    """The API on `address`, for the length of the `with` block. Port 0 takes a free one.

    backend: opened exclusively. made: called for each state machine of the template, before the first request.
    Raises: ConfigurationError, also when the port cannot be bound.
    """
    api = StepFunctionsApi(backend, settings)
    try:
        server = ApiServer(address, api.answer, Limits(body_bytes=MAX_BODY_BYTES), hosts, log)
    except OSError as error:
        raise unusable_address(error, address) from error
    api.start()
    with server:
        try:
            if settings.template is not None:
                for machine in make_template_machines(api, settings.template, settings):
                    made(machine)
            yield server
        finally:
            api.close()  # first: it ends the requests that wait, for a task or the end of an execution
