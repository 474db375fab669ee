"""A program that has pupline loaded, and forks a process for each command: to start Python would take most of the time.

Each line of stdin is a command in JSON (`PreparedPupline` writes them), and each line of stdout the exit status of one:
negative for a signal, null for one that had to be killed.
"""

import atexit
import gc
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from tests.system_calls.plan import Action, Fault, PlanFile, Target


def serve(modules: list[str]) -> bool:
    """Until stdin ends. True in a forked process, which has to do the command that it has become."""
    plan = PlanFile(Path(os.environ["SYSTEM_CALL_PLAN"]))
    for name in modules:
        importlib.import_module(name)
    gc.freeze()  # a collection in a child would copy every page
    print("ready", flush=True)  # noqa: T201
    for line in iter(sys.stdin.readline, ""):
        asked = json.loads(line)
        child = os.fork()
        if not child:
            become(asked, plan)
            return True
        code = awaited(child, asked["seconds"])
        plan.disarm()
        print(json.dumps(code), flush=True)  # noqa: T201
    return False


def become(asked: dict[str, Any], plan: PlanFile) -> None:
    """Take the streams and the words of the command; arm its fault."""
    os.setsid()
    new = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for descriptor, (path, flags) in enumerate(((os.devnull, os.O_RDONLY), (asked["out"], new), (asked["err"], new))):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["pupline", *asked["words"]]
    if asked["loaded"]:
        atexit.register(write_names, Path(asked["loaded"]))
    if asked["fault"]:
        action, error, targets, at, until = asked["fault"]
        plan.arm(Fault(Action(action), error, Target(targets), at, until), os.getpid())


def write_names(path: Path) -> None:
    """The names of all modules that are loaded."""
    path.write_text("\n".join(name for name in sys.modules if not name.startswith(("__", "sitecustomize"))))


def awaited(child: int, seconds: float) -> int | None:
    """How the child ended, or None where it took too long and was killed."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__" and serve(Path(sys.argv[1]).read_text().split()):
    from pupline.cli import main

    main()
