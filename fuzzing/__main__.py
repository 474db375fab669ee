"""`python -m fuzzing [--seconds N] [--seed N] [--jobs N] [TARGET ...]`: fuzz and print findings; exit 1 for any.

Each finding is kept below build/fuzz; `python -m fuzzing --replay FILE` tries it again.
"""

import argparse
import hashlib
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from fuzzing.parent import Finding, Result, fuzzed
from fuzzing.target import Target, tried
from fuzzing.targets import TARGETS

FOUND = Path("build") / "fuzz"


def main(arguments: list[str]) -> int:
    """The exit code: 1 with findings, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m fuzzing", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"by default all: {', '.join(TARGETS)}")
    parser.add_argument("--seconds", type=float, default=600, help="for all targets together (default: 600)")
    parser.add_argument("--seed", type=int, help="by default another one each time; it is printed")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (default: 2)")
    parser.add_argument("--replay", type=Path, help="try the input in this file again")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.targets if name not in TARGETS]:
        parser.error(f"there is no target {unknown[0]}")
    if asked.replay is not None:
        return _replayed(asked.replay)
    targets = [TARGETS[name] for name in asked.targets or TARGETS]
    seed = int(time.time()) if asked.seed is None else asked.seed
    share = asked.seconds * asked.jobs / len(targets)
    print(f"{len(targets)} targets, {share:.0f} s each, --seed {seed}", flush=True)
    with ThreadPoolExecutor(asked.jobs) as pool:
        results = list(pool.map(lambda target: _shown(target, fuzzed(target, seed, share)), targets))
    found = [one for result in results for one in result.findings]
    print(f"{sum(result.calls for result in results):,} calls, {len(found)} findings")
    return 1 if found else 0


def _shown(target: Target, result: Result) -> Result:
    print(f"{target.name:<16}{result.calls:>12,} calls{result.kinds:>6} outcomes  {len(result.findings)} findings")
    for problem, finding in {_headline(one): one for one in result.findings}.items():
        print(f"  {problem}\n    python -m fuzzing --replay {_kept(finding)}")
    sys.stdout.flush()
    return result


def _headline(finding: Finding) -> str:
    return finding.problem.strip().splitlines()[-1][:160]


def _kept(finding: Finding) -> Path:
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{finding.target}.{hashlib.sha256(finding.data).hexdigest()[:12]}"
    path.write_bytes(finding.data)
    return path


def _replayed(path: Path) -> int:
    target = TARGETS[path.name.partition(".")[0]]
    outcome = tried(target, path.read_bytes())
    print(outcome.problem or f"nothing wrong: {outcome.kind}")
    return 1 if outcome.problem else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
