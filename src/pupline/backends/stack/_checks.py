"""What the checks of a deployed stack share: each asks AWS, and a refusal or failure of one hides no other."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from pupline.backends._port import Check
from pupline.backends.stack._account import Account, NotAllowed, NotThere
from pupline.backends.stack._stack import Stack
from pupline.errors import PuplineError

Look = Callable[[Account, Stack], Check]

DEPLOY_AGAIN = "deploy template.yaml again: sam build, then sam deploy"

CREATE_AGAIN = "CloudFormation does not notice: take it out of template.yaml, sam build, sam deploy, and put it back"
"""For what was deleted by other means: an update creates only what the deployed template lacks."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One check. name: of its finding. actions: the permissions that it needs. look: raises PuplineError."""

    name: str
    actions: str
    look: Look

    def check(self, account: Account, stack: Stack) -> Check:
        """The finding; an error if it is not allowed to look, or AWS does not answer."""
        try:
            return self.look(account, stack)
        except NotAllowed as err:
            return Check(self.name, "error", str(err), f"this check needs {self.actions}; ask for what is missing")
        except NotThere as err:
            return Check(self.name, "error", str(err), CREATE_AGAIN)
        except PuplineError as err:
            return Check(self.name, "error", str(err))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a check found. next_step: what to do about it."""

    text: str
    next_step: str
    status: Literal["warning", "error"] = "warning"


def finding(name: str, detail: str, problems: Iterable[Problem]) -> Check:
    """One check for several things: `detail` if all is well, else every problem, as bad as the worst."""
    found: Sequence[Problem] = sorted(problems, key=lambda problem: problem.status != "error")
    if not found:
        return Check(name, "ok", detail)
    steps = dict.fromkeys(problem.next_step for problem in found)
    return Check(name, found[0].status, "; ".join(problem.text for problem in found), "; ".join(steps))
