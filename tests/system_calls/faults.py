"""The kinds of things that go wrong at a call."""

import errno
from dataclasses import dataclass

from tests.system_calls.plan import FOREVER, Action, Fault, Need, Target

EVERYONE = Target.COORDINATOR | Target.WORKER


@dataclass(frozen=True)
class Kind:
    """One of them. once: or from that call on, as long as the command runs."""

    action: Action
    error: int = 0
    targets: Target = EVERYONE
    once: bool = True

    @property
    def needs(self) -> Need:
        """The calls that it can happen to."""
        return Fault(self.action, self.error).needs

    def at(self, number: int) -> Fault:
        """At this call, or the next one that it can happen to."""
        until = number + 1 if self.once and self.action is Action.FAIL else FOREVER
        return Fault(self.action, self.error, self.targets, number, until)


KILLED = Kind(Action.KILL, targets=Target.COORDINATOR)
WORKER_KILLED = Kind(Action.KILL, targets=Target.WORKER)
WORKER_HANGS = Kind(Action.STOP, targets=Target.WORKER)

ERRORS = (
    Kind(Action.FAIL, errno.EIO),
    Kind(Action.FAIL, errno.ENOSPC),
    Kind(Action.FAIL, errno.EACCES),
    Kind(Action.FAIL, errno.EMFILE),
    Kind(Action.FAIL, errno.ENOSPC, once=False),
    Kind(Action.FAIL, errno.EIO, once=False),
    Kind(Action.FAIL, errno.EPERM),
    Kind(Action.FAIL, errno.ENOMEM),
    Kind(Action.SHORTEN),
    Kind(Action.FAIL, errno.EDQUOT, once=False),
    Kind(Action.FAIL, errno.EROFS, once=False),
    Kind(Action.FAIL, errno.ENFILE, once=False),
)
