"""The class of every command: an option has one value; likely misspellings lead to a suggestion."""

import copy
from typing import Any

import click

from pupline.text import nearest, printable


class Command(click.Command):
    """A command that takes one value for each option, except those that may be repeated.

    click silently takes the last of several; `--source sample --source dog-ceo` would then use the latter alone.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does. Raises: click.UsageError for an option that is unknown, or has two values."""
        try:
            given, _, _ = _keeping_all(self, ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            raise click.UsageError(_no_such_option(error.option_name, self, ctx), ctx) from error
        for param in self.get_params(ctx):
            values = list(dict.fromkeys(given.get(param.name or "", ()))) if _is_taken_once(param) else []
            if len(values) > 1:
                both = " and ".join(repr(printable(str(value), 60)) for value in values[:2])
                raise click.UsageError(f"{param.opts[0]} was given as {both}; give it once", ctx)
        return super().parse_args(ctx, args)


def _is_taken_once(param: click.Parameter) -> bool:
    return isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count)


def _keeping_all(command: click.Command, ctx: click.Context) -> Any:
    """A parser of the command's options that keeps every value of an option, not only the last."""
    params = [copy.copy(param) for param in command.get_params(ctx)]
    for param in params:
        if isinstance(param, click.Option) and _is_taken_once(param):
            param.multiple = True
    return click.Command(None, params=params, add_help_option=False).make_parser(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def _no_such_option(name: str, command: click.Command, ctx: click.Context) -> str:
    names = [option for param in command.get_params(ctx) for option in param.opts if option.startswith("--")]
    near = nearest(name, names)
    return f"No such option '{name}'." + (f" Did you mean '{near}'?" if near else "")
