"""Python with a clock that can be set: `time.time` is off by as many seconds as the file SHIFTED_CLOCK says.

Python loads this at its start where PYTHONPATH names the folder, in a command and in all processes that it starts.
"""

import os
import time
from pathlib import Path

_SHIFT = Path(os.environ["SHIFTED_CLOCK"])
_true_time = time.time


def _shifted() -> float:
    return _true_time() + float(_SHIFT.read_text() or 0)


time.time = _shifted
