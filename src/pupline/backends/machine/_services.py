"""The Lambda functions of the workflow on this machine: the same code as on AWS, over the local ports."""

import secrets
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from pupline.backends._settings import RunSettings, contact, source_of_run
from pupline.http import HttpClient, Proxy
from pupline.local import Invocation
from pupline.tasks.alert_png import alert_png
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.fetch_and_upload_dog_image import FetchServices, fetch_and_upload
from pupline.tasks.image_storage import ImageStorage
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from pupline.tasks.ports import AuditTable, Clock, WriteOnceStore
from pupline.workflow_files import read_definition, workflow_path


def fetch_services(
    settings: RunSettings,
    storage: ImageStorage,
    stack: ExitStack,
    proxy: Proxy | None = None,
    alert_rules: AlertRules | None = None,
) -> FetchServices:
    """The services of FetchAndUploadDogImage for these settings; a sample server, if needed, is stopped by `stack`.

    alert_rules: by default those of the settings' workflow file, as they are now. Raises: ConfigurationError.
    """
    source = source_of_run(settings.source)
    port = None
    if source.sample:
        from pupline.samples import SampleServer

        first_time = partial(_is_first, storage.write_once)
        port = stack.enter_context(SampleServer(hostile=source.sample == "hostile", first_time=first_time)).port
    client = HttpClient(replace(settings.policy(source, port), proxy=proxy))
    assert source.picker is not None  # noqa: S101 - source_of_run checks it
    if alert_rules is None:
        alert_rules = AlertRules.readable(read_definition(workflow_path(chosen=settings.workflow_file)))
    return FetchServices(
        client,
        source.picker(client, contact()),
        source.name,
        storage,
        settings.rules,
        alert_rules=alert_rules,
    )


def _is_first(write_once: WriteOnceStore, what: str) -> bool:
    """Whether this is the first request for it: a failure that the sample shows once must not return after a kill."""
    token = secrets.token_hex(8)
    return write_once.remember(f"sample/{what}", token) == token


class LocalFunctions:
    """The three functions, for any run: the services of a run are made at its first call and kept until `close`."""

    def __init__(self, storage: ImageStorage, table: AuditTable, clock: Clock, proxy: Proxy | None = None) -> None:
        self._storage = storage
        self._proxy = proxy
        self._table = table
        self._clock = clock
        self._lock = threading.Lock()
        self._services: dict[tuple[RunSettings, str | None], FetchServices] = {}
        self._open = ExitStack()

    def by_name(self) -> dict[str, Callable[[Any, Invocation], Any]]:
        """The callables of the local Lambda runtime, by function name."""
        return {
            "FetchAndUploadDogImage": self._fetch_and_upload,
            "AlertPNG": lambda event, _: alert_png(event),
            "LogToDynamoDB": lambda event, _: log_to_dynamodb(event, self._table, self._clock),
        }

    def close(self) -> None:
        """Stop the sample servers that were started."""
        self._open.close()

    def _fetch_and_upload(self, event: Any, invocation: Invocation) -> Any:
        return fetch_and_upload(event, self._services_of(invocation))

    def _services_of(self, invocation: Invocation) -> FetchServices:
        """With the rules of the execution's own definition, whatever the file says by now."""
        settings, machine = RunSettings.from_json(invocation.settings), invocation.machine
        key = settings, machine.digest if machine else None
        with self._lock:
            if key not in self._services:
                rules = AlertRules.readable(machine.definition) if machine else None
                self._services[key] = fetch_services(settings, self._storage, self._open, self._proxy, rules)
            return self._services[key]
