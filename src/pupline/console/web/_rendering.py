"""Pages from Jinja templates. Everything that a template prints is escaped."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pupline.console.web._filters import FILTERS
from pupline.console.web._images import image_text, object_path, thumbnail_path
from pupline.console.web._urls import path_of, with_parameters

TEMPLATES = Path(__file__).parents[1] / "templates"


def environment() -> Environment:
    """The templates. A name that a page was not given is an error, not an empty text."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(FILTERS)
    globals_: dict[str, Any] = {
        "path_of": path_of,
        "with_parameters": with_parameters,
        "thumbnail_path": thumbnail_path,
        "object_path": object_path,
        "image_text": image_text,
    }
    found.globals.update(globals_)
    return found
