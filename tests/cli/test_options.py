"""Options: each once, and what a mistyped one probably meant."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from pupline.cli import cli
from pupline.cli._command import Command, Group
from pupline.cli._lazy_group import LazyGroup
from pupline.cli._options import _Directory

Run = Callable[..., Any]


def leaves(group: click.Group = cli) -> list[click.Command]:
    """Every command that does something, subcommands included."""
    context = click.Context(group)
    found = [group.get_command(context, name) for name in group.list_commands(context)]
    commands = [one for one in found if one is not None and not isinstance(one, LazyGroup)]
    return [*commands, *(below for one in found if isinstance(one, click.Group) for below in leaves(one))]


@pytest.mark.parametrize("command", leaves(), ids=lambda command: command.name)
def test_every_command_takes_each_option_once(command: click.Command) -> None:
    """Whichever option: the last of several does not win without a word."""
    assert isinstance(command, Command | Group)
    for param in command.params:
        if isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count):
            words = [f"{param.opts[0]}=1", f"{param.opts[-1]}=2"]
            with pytest.raises(click.UsageError, match=f"{param.opts[0]} was given as '1' and '2'; give it once"):
                command.make_context("x", words)


@pytest.mark.parametrize(
    "words", ["run --source sample --source dog-ceo", "run --count 2 --count=3", "audit --type=png --type gif"]
)
def test_an_option_given_twice_is_bad_usage(command: Run, words: str) -> None:
    """Exit code 2 and a line that names it; nothing was started."""
    done = command(*words.split())
    assert done.code == 2
    assert "; give it once" in done.stderr


def test_what_may_be_repeated_may(command: Run, tmp_path: object) -> None:
    """Flags and equal values say the same again; --allow-origin adds to what was there."""
    origins = ("--allow-origin", "http://127.0.0.1:1", "--allow-origin", "http://127.0.0.1:2")
    twice = ("--json", "--json", "--data", tmp_path, "--data", tmp_path)
    assert command("run", "--source", "sample", *origins, *twice).code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("run --souce sample", "No such option '--souce'. Did you mean '--source'?"),
        ("run --conc 3", "No such option '--conc'. Did you mean '--concurrency'?"),
        ("run --output x", "No such option '--output'."),
        ("ingest sample --outptu x", "No such option '--outptu'."),
        ("sources test sample --cuont 3", "No such option '--cuont'. Did you mean '--count'?"),
        ("ruin", "No such command 'ruin'. Did you mean 'run'?"),
        ("upload", "No such command 'upload'."),
    ],
)
def test_only_likely_mistakes_lead_to_a_suggestion(command: Run, words: str, told: str) -> None:
    """One that has little in common with what was typed would mislead."""
    done = command(*words.split())
    assert done.code == 2
    assert done.stderr.splitlines()[-1] == f"Error: {told}"


@pytest.mark.parametrize("words", ["run --source sample", "audit", "doctor"])
@pytest.mark.parametrize("path", ["/" + "y" * 300, "/x" * 2030, "/x" * 3000], ids=["name", "barely", "path"])
def test_a_data_directory_longer_than_the_system_allows_is_bad_usage(command: Run, words: str, path: str) -> None:
    """Exit code 2 and a line, not a traceback; so too where only the files in it would have names too long."""
    done = command(*words.split(), "--data", path)
    assert done.code == 2
    assert "give a shorter path" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", ["run --source sample", "audit", "doctor"])
def test_a_working_directory_that_is_gone_is_bad_usage(
    command: Run, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative data directory is nowhere then: exit code 2 and a line, not a traceback."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    done = command(*words.split(), "--data", "dogs")
    assert done.code == 2
    assert "the working directory is gone" in done.stderr


@pytest.mark.parametrize(
    ("given", "expected"),
    [("~/dogs", "{home}/dogs"), ("~", "{home}"), ("~no-such-user/dogs", "~no-such-user/dogs"), ("a~/b", "a~/b")],
)
def test_a_tilde_means_the_home_directory(
    given: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no shell replaced it: in `--data=~/dogs`, or in a variable from an .env file."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _Directory(path_type=Path).convert(given, None, None) == Path(expected.format(home=tmp_path))
