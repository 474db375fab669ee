"""The checks of the subscriptions: that alerts arrive, and why not. No alert is sent."""

from pathlib import Path

from pupline.backends._port import Check
from pupline.errors import PuplineError
from pupline.local import LocalBackend, Subscription, unreadiness
from pupline.text import plural


def subscription_checks(data_dir: Path) -> list[Check]:
    """One check of all subscriptions, and one for each that cannot receive alerts as things are."""
    if not data_dir.is_dir():
        return [Check("subscriptions", "ok", "none yet")]
    try:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            found = backend.subscriptions.all()
            waiting = backend.deliverer().pending()
    except PuplineError as error:
        return [Check("subscriptions", "error", str(error))]
    detail = ", ".join(map(_name, found)) or "none; alerts are kept, and shown by: pupline alerts"
    if waiting:
        detail += f"; waiting: {plural(waiting, 'delivery', 'deliveries')}"
        checks = [Check("subscriptions", "warning", detail, "pupline alerts says why; pupline resume tries again")]
    else:
        checks = [Check("subscriptions", "ok", detail)]
    for one in found:
        unready = unreadiness(one.protocol, one.endpoint)
        if unready is not None:
            name = f"subscription {one.subscription_id}"
            checks.append(Check(name, "warning", f"{_name(one)}: {unready.problem}", unready.next_step))
    return checks


def _name(one: Subscription) -> str:
    return f"{one.protocol} {one.shown}"
