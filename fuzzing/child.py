"""`python -m fuzzing.child TARGET SEED SECONDS CALLS STATE`: fuzz one target in this process; results as JSON Lines.

STATE is a file to which each input is written before it is tried, after the number of the call.
"""

import json
import mmap
import random
import struct
import sys
import time
from pathlib import Path

from fuzzing.mutate import mutated
from fuzzing.target import Target, tried
from fuzzing.targets import TARGETS

HEADER = struct.Struct("<QQ")
_MAX_CORPUS = 2_000


def fuzz(target: Target, seed: int, seconds: float, calls: int, state: Path) -> None:
    """Try inputs until the seconds or the calls are used up. Findings are printed as they are found."""
    chance = random.Random(f"{target.name} {seed}")
    corpus = [data[: target.most] for data in target.seeds()]
    known: set[str] = set()
    ends, number = time.monotonic() + seconds, 0
    waiting = list(reversed(corpus))
    with state.open("r+b") as file, mmap.mmap(file.fileno(), HEADER.size + target.most) as shared:
        while number < calls and time.monotonic() < ends:
            data = waiting.pop() if waiting else mutated(chance, corpus, target.words, target.most)
            number += 1
            shared[: HEADER.size] = HEADER.pack(number, len(data))
            shared[HEADER.size : HEADER.size + len(data)] = data
            outcome = tried(target, data)
            if outcome.problem is not None:
                _tell(finding=outcome.problem, input=data.hex())
            elif outcome.kind not in known and len(known) < _MAX_CORPUS:
                known.add(outcome.kind)
                corpus.append(data)
    _tell(calls=number, kinds=len(known))


def _tell(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    name, seed, seconds, calls, state = sys.argv[1:]
    fuzz(TARGETS[name], int(seed), float(seconds), int(calls), Path(state))
