"""What an empty list tells to do first. On one machine with the sample pictures, which need no internet."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pupline.backends import Backend


def first_run(backend: "Backend") -> str:
    """The command for a first run. A stack has a source of its own."""
    return f"pupline run{'' if _is_stack(backend) else ' --source sample'} --count 12{backend.options}"


def first_ingest(backend: "Backend") -> str:
    """The command for a first dataset."""
    return f"pupline ingest {'SOURCE --workflow' if _is_stack(backend) else 'sample'}{backend.options}"


def _is_stack(backend: "Backend") -> bool:
    return backend.options.startswith(" --backend aws")
