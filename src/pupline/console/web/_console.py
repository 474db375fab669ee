"""One console: its settings, its readers and its pages. Every area's router gets it."""

import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse

from pupline.backends import Backend
from pupline.console.job_queue import DEFAULT_SOURCE, Jobs, Schedule
from pupline.console.web._job_settings import job_settings
from pupline.console.web._readers import Readers
from pupline.console.web._rendering import environment
from pupline.console.web._responses import PageResponse
from pupline.console.web._settings import ConsoleSettings
from pupline.errors import PuplineError

if TYPE_CHECKING:
    from pupline.console.live import Hub


T = TypeVar("T")


class Console:
    """What the areas share.

    live: where changes are published. jobs: the commands that run for the pages. write_token: what requests that change
    something send as X-Pupline-Token.
    """

    live: "Hub"

    def __init__(self, settings: ConsoleSettings) -> None:
        self.settings = settings
        self.write_token = secrets.token_urlsafe(32)
        self.templates = environment()
        self.jobs = Jobs(job_settings(settings))
        self._readers = Readers(settings)
        self._closing = ExitStack()
        self._shared: dict[Callable[[Console], Any], Any] = {}
        self._sharing = threading.Lock()

    def shared(self, make: Callable[["Console"], T]) -> T:
        """What `make` makes of this console: one for all areas that ask for it."""
        with self._sharing:
            if make not in self._shared:
                self._shared[make] = make(self)
            found: T = self._shared[make]
            return found

    def on_close(self, callback: Callable[[], None]) -> None:
        """Call this when the console stops."""
        self._closing.callback(callback)

    def prepare(self) -> None:
        """Create an empty data directory where there is none. Raises: ConfigurationError."""
        self._readers.prepare()
        if self.settings.every is not None:
            wanted = Schedule(self.settings.every, self.settings.count or 1, self.settings.source or DEFAULT_SOURCE)
            self.jobs.schedule.set(wanted)

    def close(self) -> None:
        """Stop what areas have started, and release the data directory. Jobs that run go on."""
        self._closing.close()
        self.jobs.close()
        self._readers.close()

    def reader(self) -> AbstractContextManager[Backend]:
        """The backend to read from, for the length of a `with` block."""
        return self._readers.reader()

    def damage_behind(self, error: Exception) -> PuplineError | None:
        """The damage of the database that may have caused an error of ours, if any."""
        return self._readers.damage_behind(error)

    def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """The page that a template makes of these values, and of those that every template has."""
        text = self.templates.get_template(template).render({**self._common(request), **values})
        return PageResponse(text, status_code=status)

    def _common(self, request: Request) -> Mapping[str, Any]:
        """here: the path; place: what the console shows; can_write: whether pages can act.

        live_cursor: from which the page listens for changes.
        """
        return {
            "here": request.url.path,
            "parameters": request.query_params.multi_items(),
            "place": self.settings.place,
            "can_write": self.settings.can_write,
            "write_token": self.write_token,
            "live_cursor": request.state.live_cursor,
        }
