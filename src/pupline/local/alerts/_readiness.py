"""Whether a subscription could receive an alert now, as far as that can be seen without sending one."""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pupline.local.alerts._failures import DeliveryFailed
from pupline.local.alerts._topic import masked
from pupline.local.data_dir import kind_of
from pupline.text import printable


@dataclass(frozen=True, slots=True)
class Unready:
    """Why alerts will not arrive, and what to do."""

    problem: str
    next_step: str


def unreadiness(protocol: str, endpoint: str, environment: Mapping[str, str] = os.environ) -> Unready | None:
    """Why this endpoint cannot receive alerts; None where nothing speaks against it."""
    if protocol == "email":
        return _email(environment)
    if protocol == "file":
        return _file(Path(endpoint))
    return _apprise(endpoint) if protocol == "apprise" else None


def _email(environment: Mapping[str, str]) -> Unready | None:
    from pupline.local.alerts._mail import PASSWORD, URL, MailServer

    try:
        shortage = MailServer.of(environment).shortage()
    except DeliveryFailed as failure:
        return Unready(str(failure), f"export {URL}=smtp://user@host:587 and {PASSWORD}")
    return Unready(shortage, f"export {PASSWORD}") if shortage else None


def _file(path: Path) -> Unready | None:
    shown = printable(str(path))
    try:
        found = path.stat()
    except FileNotFoundError:
        if not path.parent.is_dir():
            return Unready(
                f"there is no directory {printable(str(path.parent))}", "create it, or subscribe another file"
            )
        if not os.access(path.parent, os.W_OK | os.X_OK):
            return Unready(f"{printable(str(path.parent))} is not writable", "change its permissions")
        return None
    except OSError as err:
        return Unready(f"{shown}: {err.strerror}", "subscribe another file")
    if not stat.S_ISREG(found.st_mode):
        return Unready(f"{shown} is {kind_of(found.st_mode)}, not a file", "move it away")
    if not os.access(path, os.W_OK):
        return Unready(f"{shown} is not writable", "change its permissions")
    return None


def _apprise(endpoint: str) -> Unready | None:
    import apprise

    if apprise.Apprise.instantiate(endpoint, suppress_exceptions=True) is None:
        shown = masked("apprise", endpoint)
        return Unready(
            f"Apprise {apprise.__version__} does not know {shown}", "install a newer Apprise, or subscribe again"
        )
    return None
