"""The console: `pupline serve` shows executions, images, records and alerts in a browser, and acts on them.

    settings = ConsoleSettings(data_dir=Path("pupline-data"))
    app = create_app(settings)  # an ASGI application
    serve(settings)  # listens until it is interrupted

The process only reads. What a person starts on a page runs as a command of its own. FastAPI, Jinja2 and uvicorn come
with the extra `console` and are imported only when one of these names is used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.console._app import create_app
    from pupline.console._server import serve
    from pupline.console.web import ConsoleSettings

__all__ = ["ConsoleSettings", "create_app", "serve"]

_HOMES = {"ConsoleSettings": "web", "create_app": "_app", "serve": "_server"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
