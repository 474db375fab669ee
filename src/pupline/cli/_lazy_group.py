"""Groups whose commands are imported when they are called."""

import importlib
from collections.abc import Mapping
from typing import Any

import click

from pupline.text import nearest

Sections = Mapping[str, Mapping[str, tuple[str, str]]]
"""Heading to name to (module in `pupline.cli`, one line of help). A list of commands imports none of the modules."""


class LazyGroup(click.Group):
    """A group of commands by section. The function of the command `test-state` is `test_state` in its module."""

    def __init__(self, *args: Any, sections: Sections, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.sections = sections
        self.modules = {name: module for section in sections.values() for name, (module, _) in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of the commands, in their order."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        if name not in self.modules:
            return None
        module = importlib.import_module(f"pupline.cli.{self.modules[name]}")
        command: click.Command = getattr(module, name.replace("-", "_"))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands for --help."""
        width = max(map(len, self.modules))
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in commands.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with. Raises: click.UsageError, with what was probably meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = nearest(args[0], self.modules) if args else None
            if near is None:
                raise
            raise click.UsageError(f"{error.message} Did you mean '{near}'?", ctx) from error
