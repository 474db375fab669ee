"""`--mocks-init`: a file of mocks to begin with."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import click

from pupline.asl import has_models, mocks_skeleton
from pupline.cli._asl_run._target import Target
from pupline.cli._output import message, program
from pupline.errors import ConfigurationError
from pupline.text import printable


def write_skeleton(target: Target, output: Path | None, options: str) -> None:
    """Write the mocks to stdout or to a new file. Raises: ConfigurationError for a file that exists.

    options: what the command that runs the mocks needs, too, such as " --substitution N=5".
    """
    value = mocks_skeleton(target.machine.definition, target.name)
    text = json.dumps(value, indent=2) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        _write_new(output, text)
        spec, file = (printable(shlex.quote(text), 1000) for text in (target.spec, str(output)))
        command = f"{program()} asl run {spec} --mocks {file}{printable(options, 1000)}"
        message(f"Written: {printable(str(output), 1000)}. Fill in the values, then: {command}")
    if _has_empty(value) and not has_models():
        message('Responses of services are {} without their API models; for samples: pip install "pupline[aws]"')


def _has_empty(value: dict[str, Any]) -> bool:
    responses = value["MockedResponses"].values()
    return any(answer == {"Return": {}} for response in responses for answer in response.values())


def _write_new(path: Path, text: str) -> None:
    """Write a file that does not exist yet, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        finally:
            temporary.unlink()
    except FileExistsError as error:
        raise ConfigurationError(f"{printable(str(path), 1000)} exists already; give --output another name") from error
    except OSError as error:
        raise ConfigurationError(f"{printable(str(path), 1000)} cannot be written: {error.strerror}") from error
