"""`pupline doctor`: what is configured, reachable and writable."""

from pathlib import Path

import click

from pupline.cli._output import console, data_option, json_option, print_json


@click.command()
@data_option
@click.option("--source", default="dog-ceo", show_default=True, help="The source to try to reach.")
@json_option
def doctor(data_dir: Path, source: str, as_json: bool) -> int:
    """Check this machine: Python, the workflow file, the data directory, its database, the source, the subscriptions.

    Writes nothing that stays. Exits with 1 when something is wrong; an unreachable source is a warning, since the
    sample sources need none.
    """
    from pupline.pipeline import examine

    checks = examine(data_dir, source)
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
