"""`pupline doctor`: what is configured, reachable and writable."""

from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._options import json_option, proxy_option
from pupline.cli._output import console, print_json
from pupline.errors import ConfigurationError

if TYPE_CHECKING:
    from pupline.backends import Backend, Check
    from pupline.http import Proxy


@click.command(cls=Command)
@backend_options
@click.option("--source", default="dog-ceo", show_default=True, help="The source to try to reach.")
@click.option("--repair", is_flag=True, help="Replace a damaged database by a sound one, made from what can be read.")
@proxy_option
@json_option
def doctor(
    backend: "Backend",
    source: str,
    repair: bool,
    proxy: "Proxy | None",
    as_json: bool,
) -> int:
    """Check this machine: Python, the workflow file, the data directory, its database, the source, the subscriptions.

    Without --repair it writes nothing that stays. Exits with 1 when something is wrong; an unreachable source is a
    warning, since the sample sources need none.

    With --repair: where the database is damaged, a new one is made from what can be read of it and from the objects
    in the bucket; the damaged file is kept next to it, and what was recovered and lost is listed. An intact database is
    not changed.

    With --backend aws: credentials, the stack and its resources, both state machines, the functions, the schedule, and
    what waits in the queues.
    """
    checks = _repair(backend) if repair else backend.doctor(source, proxy)
    if as_json:
        for check in checks:
            print_json({"check": check.name, "status": check.status, "detail": check.detail, "next": check.next_step})
    else:
        from rich.text import Text

        signs = {"ok": ("✔", "green"), "warning": ("!", "yellow"), "error": ("✘", "red")}
        out = console()
        for check in checks:
            sign, style = signs[check.status]
            line = Text(f"{sign} ", style=style)
            line.append(f"{check.name}: ", style="bold")
            line.append(check.detail)
            out.print(line)
            if check.next_step:
                out.print(Text(f"    {check.next_step}", style=style))
    return 1 if any(check.status == "error" for check in checks) else 0


def _repair(backend: "Backend") -> "list[Check]":
    from pupline.backends import MachineBackend

    if not isinstance(backend, MachineBackend):
        raise ConfigurationError("--repair goes with the database of one machine; leave out --backend aws")
    return backend.repair()
