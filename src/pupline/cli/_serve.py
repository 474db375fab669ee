"""`pupline asl serve`: the Step Functions API on this machine."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option, with_options
from pupline.cli._output import message, print_json
from pupline.errors import ConfigurationError
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.stepfunctions import ApiServer, TemplateMachine


_EPILOG = """\b
Examples:
  pupline asl serve
  pupline asl serve --template template.yaml
  pupline asl serve --function Charge=payments:handler --mocks MockConfigFile.json
  pupline asl serve --port 0 --json

A data directory has one server at a time. SDKs put sync- before the host of StartSyncExecution and TestState, which
no address resolves: with AWS_DISABLE_HOST_PREFIX_INJECTION=true the AWS CLI and boto3 do not.
"""


def _port_options(command: Callable[..., int]) -> Callable[..., int]:
    """Where to listen, and who may use it."""
    return with_options(
        command,
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
        click.option("--port", type=click.IntRange(0, 65535), default=8083, show_default=True, help="0: a free port."),
        click.option(
            "--expose",
            is_flag=True,
            help="Allow a --host that other machines can reach: all who reach it can use it without credentials.",
        ),
        click.option(
            "--allow-host",
            "allowed_hosts",
            multiple=True,
            metavar="NAME",
            help="Another name that clients use for this server, such as host.docker.internal. May be repeated.",
        ),
        click.option("--quiet", is_flag=True, help="Do not print a line for each request."),
    )


def _task_options(command: Callable[..., int]) -> Callable[..., int]:
    """What answers Tasks, and how long waits take."""
    return with_options(
        command,
        click.option(
            "--function",
            "functions",
            multiple=True,
            metavar="NAME=module:callable",
            callback=_functions,
            help="What answers a Task. NAME: a state, a function, a Resource or a placeholder. May be repeated.",
        ),
        click.option(
            "--template",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="A SAM or CloudFormation template: its state machines are created, its functions called.",
        ),
        click.option(
            "--mocks",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Answers for Tasks: a MockConfigFile.json, or the simple form.",
        ),
        click.option(
            "--wait-scale",
            type=click.FloatRange(min=0),
            metavar="FACTOR",
            default=1.0,
            show_default=True,
            help="Wait FACTOR times as long.",
        ),
    )


def _functions(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        name, equals, place = value.rpartition("=")
        if not (equals and name):
            text = f"{printable(value, 80)!r}: write NAME=module:callable, such as Charge=payments:handler"
            raise click.BadParameter(text, param=option)
        if found.setdefault(name, place) != place:
            raise click.BadParameter(f"{printable(name, 40)} is given two functions", param=option)
    return found


def _account(_context: click.Context, option: click.Parameter, value: str) -> str:
    if not (len(value) == 12 and value.isascii() and value.isdigit()):
        raise click.BadParameter(f"'{printable(value, 40)}' is not an account: write twelve digits", param=option)
    return value


@click.command(cls=Command, epilog=_EPILOG)
@_port_options
@_task_options
@click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default="us-east-1",
    show_default=True,
    help="Of requests that are not signed; a signature names its own. (or AWS_REGION)",
)
@click.option(
    "--account",
    envvar="AWS_ACCOUNT_ID",
    default="123456789012",
    show_default=True,
    callback=_account,
    help="The account in ARNs. (or AWS_ACCOUNT_ID)",
)
@data_option
@json_option
def serve(
    host: str,
    port: int,
    expose: bool,
    allowed_hosts: tuple[str, ...],
    quiet: bool,
    functions: dict[str, str],
    template: Path | None,
    mocks: Path | None,
    wait_scale: float,
    region: str,
    account: str,
    data_dir: Path,
    as_json: bool,
) -> int:
    """Serve the Step Functions API on this machine, for AWS's SDKs, the AWS CLI and Terraform.

    State machines and executions are kept in the data directory. Signatures and permissions are not checked. Ends on
    Ctrl-C or SIGTERM; executions that run continue at the next start.
    """
    from pupline.listening import is_loopback
    from pupline.local import LocalBackend
    from pupline.stepfunctions import ApiSettings, HostCheck, serving

    if not (expose or is_loopback(host)):
        raise ConfigurationError(
            f"--host {printable(host, 100)} can be reached from other machines, and anyone who reaches it can use it "
            "without credentials; if that is meant, add --expose"
        )
    settings = ApiSettings(
        region=region, account=account, wait_scale=wait_scale, functions=functions, template=template, mocks=mocks
    )
    hosts = HostCheck(frozenset(name.lower() for name in allowed_hosts))
    address = ("127.0.0.1" if host == "localhost" else host, port)
    log = (lambda _line: None) if quiet else message
    machines: list[TemplateMachine] = []
    with (
        LocalBackend.open(data_dir, exclusive=True) as backend,
        serving(backend, address, settings, hosts=hosts, log=log, made=machines.append) as server,
    ):
        _say_ready(server, data_dir, machines, as_json=as_json)
        with suppress(KeyboardInterrupt):
            threading.Event().wait()
    message("pupline: stopped")
    return 0


def _say_ready(server: "ApiServer", data_dir: Path, machines: Sequence["TemplateMachine"], *, as_json: bool) -> None:
    for machine in machines:
        if machine.arn is None:
            message(f"pupline: {machine.name} of the template is not created: {machine.problem}")
    arns = [machine.arn for machine in machines if machine.arn is not None]
    if as_json:
        found: dict[str, Any] = {"url": server.url, "port": server.port, "data": str(data_dir)}
        print_json(found | ({"state_machines": arns} if machines else {}))
        return
    click.echo(f"Step Functions API on {server.url}, data in {data_dir}")
    click.echo(f"  export AWS_ENDPOINT_URL_SFN={server.url} AWS_DISABLE_HOST_PREFIX_INJECTION=true")
    for arn in arns:
        click.echo(f"  {arn}")
