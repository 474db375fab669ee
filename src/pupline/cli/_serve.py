"""`pupline asl serve`: the Step Functions API on this machine."""

import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option
from pupline.cli._output import message, print_json
from pupline.errors import ConfigurationError
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.stepfunctions import DoorServer


@click.command(cls=Command)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8083, show_default=True, help="0 takes a free port.")
@click.option(
    "--expose", is_flag=True, help="Allow a --host that other machines can reach: anybody who reaches it can use it."
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Another name that clients use for this server, such as host.docker.internal. May be repeated.",
)
@click.option(
    "--region",
    envvar=["AWS_REGION", "AWS_DEFAULT_REGION"],
    default="us-east-1",
    show_default=True,
    help="Of requests that are not signed; signed ones name theirs. (or AWS_REGION)",
)
@click.option(
    "--account",
    envvar="AWS_ACCOUNT_ID",
    default="123456789012",
    show_default=True,
    help="The account in ARNs. (or AWS_ACCOUNT_ID)",
)
@click.option("--quiet", is_flag=True, help="Do not print a line for each request.")
@data_option
@json_option
def serve(
    host: str,
    port: int,
    expose: bool,
    allowed_hosts: tuple[str, ...],
    region: str,
    account: str,
    quiet: bool,
    data_dir: Path,
    as_json: bool,
) -> int:
    """Serve the Step Functions API on this machine, for AWS's SDKs, the AWS CLI and Terraform.

    State machines and executions are kept in the data directory. Signatures and permissions are not checked. Ends on
    Ctrl-C or SIGTERM; executions that run continue at the next start.
    """
    from pupline.local import LocalBackend
    from pupline.stepfunctions import DoorSettings, HostCheck, is_loopback, serving

    if not (expose or is_loopback(host)):
        raise ConfigurationError(
            f"--host {printable(host, 100)} can be reached from other machines, and whoever reaches it can use it "
            "without credentials; if that is meant, add --expose"
        )
    if not (len(account) == 12 and account.isascii() and account.isdigit()):
        raise ConfigurationError(f"--account: '{printable(account, 40)}' is not an account: write twelve digits")
    settings = DoorSettings(region=region, account=account)
    hosts = HostCheck(frozenset(name.lower() for name in allowed_hosts))
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        address = ("127.0.0.1" if host == "localhost" else host, port)
        log = (lambda _line: None) if quiet else message
        with serving(backend, address, settings, hosts=hosts, log=log) as server:
            _say_ready(server, data_dir, as_json=as_json)
            with suppress(KeyboardInterrupt):
                threading.Event().wait()
    message("pupline: stopped")
    return 0


def _say_ready(server: "DoorServer", data_dir: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": server.url, "port": server.port, "data": str(data_dir)})
        return
    click.echo(f"Step Functions API on {server.url}, data in {data_dir}")
    click.echo(f"  export AWS_ENDPOINT_URL_SFN={server.url}")
