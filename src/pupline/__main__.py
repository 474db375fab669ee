"""The way in: `pupline`, or `python -m pupline`. Loads nothing before Ctrl-C is looked after."""

import os
import signal
from types import FrameType

_INTERRUPTED = 130


def main() -> None:
    """Run the command line and exit with its code. Interrupted while it loads, nothing was begun: one line, and 130."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # otherwise the caller set it, as nohup does
        signal.signal(signal.SIGINT, _leave)
    from pupline.cli import main as run

    run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    os.write(2, b"pupline: interrupted\n")
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
