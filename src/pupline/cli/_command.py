"""The class of every command: an option given twice is an error; only likely typing mistakes lead to a suggestion."""

from collections import Counter

import click

from pupline.text import nearest


class Command(click.Command):
    """A command that takes each option once, except those that may be repeated.

    click lets the last of several win, without a word; `--breed hound --breed pug` would then fetch pugs alone.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does. Raises: click.UsageError for an option that is unknown, or is given twice."""
        try:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
        except click.NoSuchOption as error:
            raise click.UsageError(_no_such_option(error.option_name, self, ctx), ctx) from error
        for param, count in Counter(order).items():
            if count > 1 and isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count):
                raise click.UsageError(f"{param.opts[0]} was given {count} times; give it once", ctx)
        return super().parse_args(ctx, args)


class Group(click.Group):
    """A group whose commands are of that class."""

    command_class = Command


def _no_such_option(name: str, command: click.Command, ctx: click.Context) -> str:
    names = [option for param in command.get_params(ctx) for option in param.opts if option.startswith("--")]
    near = nearest(name, names)
    return f"No such option '{name}'." + (f" Did you mean '{near}'?" if near else "")
