"""The settings of one console."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings:
    """What the console shows, where it listens, and who may do what.

    stack: a deployed stack instead of the data directory. allow_writes: whether pages can act; None for the default:
    yes on one machine, no on a stack. port: 0 for a free one. allowed_hosts: other names, with or without a port, that
    clients use for this server. token: what reading needs too; required where other machines can reach `host`.
    every: seconds between the runs of the schedule; count, source: of each. None to leave the schedule as it is.
    """

    data_dir: Path
    stack: str | None = None
    allow_writes: bool | None = None
    host: str = "127.0.0.1"
    port: int = 8084
    allowed_hosts: tuple[str, ...] = ()
    token: str | None = None
    every: float | None = None
    count: int | None = None
    source: str | None = None

    @property
    def can_write(self) -> bool:
        """Whether pages can act."""
        return self.stack is None if self.allow_writes is None else self.allow_writes

    @property
    def place(self) -> str:
        """What the console shows, for people: the data directory, or the stack."""
        return f"stack {self.stack}" if self.stack is not None else str(self.data_dir)

    @property
    def url(self) -> str:
        """Where the console is reached from this machine."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments that name this place to a pupline command."""
        if self.stack is not None:
            return ("--backend=aws", f"--stack={self.stack}")
        return (f"--data={self.data_dir}",)
