"""`python -m tools.mutation measure|run|report`: see docs/mutation.md."""

import argparse
import os
import sys

from tools.mutation.mutants import chosen
from tools.mutation.reach import measure, read
from tools.mutation.report import report
from tools.mutation.rooms import ROOMS
from tools.mutation.tree import ROOT, make_tree
from tools.mutation.trials import Plan, read_results, try_all

BUILD = ROOT / "build" / "mutation"
FAST_LANE = "not (slow or e2e or aws or crash)"


def main(arguments: list[str]) -> int:
    """The exit code: 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("what", choices=("measure", "run", "report"))
    parser.add_argument("names", nargs="*", help="files or folders of tests to measure; rooms to run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=250, help="mutants (default: 250)")
    parser.add_argument("--seconds", type=float, default=60, help="of tests for each mutant (default: 60)")
    parser.add_argument("--marker", default=FAST_LANE, help="the tests, as for pytest -m (default: the fast ones)")
    asked = parser.parse_args(arguments)
    os.nice(10)
    if asked.what == "measure":
        make_tree(BUILD / "tree")
        measure(BUILD / "tree", BUILD / "reach", asked.names or ["tests"], ["-m", asked.marker])
    elif asked.what == "run":
        _run(asked)
    else:
        print(report(chosen(ROOT, asked.seed, asked.count), read_results(BUILD / "results")))
    return 0


def _run(asked: argparse.Namespace) -> None:
    """Try the mutants of some rooms that no test has caught yet: a run that was stopped goes on."""
    rooms = asked.names or list(ROOMS)
    slug = "-".join(rooms).replace(" ", "-")
    tree = BUILD / f"tree-{slug}"
    make_tree(tree)
    (BUILD / "results").mkdir(parents=True, exist_ok=True)
    results = read_results(BUILD / "results")
    is_caught = {name for name, one in results.items() if one["status"] in ("caught", "hang")}
    mutants = [one for one in chosen(tree, asked.seed, asked.count) if one.room in rooms and one.name not in is_caught]
    plan = Plan(tree, read(BUILD / "reach"), asked.seconds)
    print(f"{len(mutants)} mutants to try", flush=True)
    try_all(plan, mutants, BUILD / "results" / f"{slug}.queue", asked.marker)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
