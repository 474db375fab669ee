"""The two forms of pupline that are measured: the plain sources, and those that `make wheel-compiled` has compiled."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import BUILD

_COMPILED = BUILD / "compiled"


@dataclass(frozen=True, slots=True)
class Form:
    """name: as the table shows it. folder: of its modules, before all others on the path; None for the plain ones."""

    name: str
    folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def in_new_processes(self) -> Iterator[None]:
        """Processes of multiprocessing that start within the block have it: they take over this one's path."""
        before = list(sys.path)
        if self.folder is not None:
            sys.path.insert(0, str(self.folder))
        try:
            yield
        finally:
            sys.path[:] = before


PLAIN = Form("plain Python")


def forms() -> list[Form]:
    """What is measured: the compiled form first, where it has been built."""
    if not (_COMPILED / "stamp").exists():
        return [PLAIN]
    return [Form("compiled", _COMPILED, {"PYTHONPATH": str(_COMPILED)}), PLAIN]
