"""`python -m tools.mutation measure|run|report`: what `make mutants` does, one step at a time (docs/mutation.md)."""

import argparse
import os
import sys

from tools.mutation.mutants import chosen
from tools.mutation.reach import measure, read
from tools.mutation.report import is_good_enough, reasons, report
from tools.mutation.rooms import ROOMS
from tools.mutation.tree import ROOT, make_tree
from tools.mutation.trials import CAUGHT, Plan, read_results, try_all

BUILD = ROOT / "build" / "mutation"
FAST_LANE = "not (slow or long or e2e or aws or crash)"


def main(arguments: list[str]) -> int:
    """The exit code: for `report`, 1 if the goal is missed or a mutant lives without a reason."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__)
    parser.add_argument("step", choices=("measure", "run", "report"))
    parser.add_argument("names", nargs="*", help="files or folders of tests to measure; rooms to run")
    parser.add_argument("--seed", type=int, default=1, help="which mutants (default: 1)")
    parser.add_argument("--count", type=int, default=250, help="mutants in all (default: 250)")
    parser.add_argument("--seconds", type=float, default=60, help="of tests for each mutant (default: 60)")
    parser.add_argument("--marker", default=FAST_LANE, help="the tests, as for pytest -m (default: the fast ones)")
    parser.add_argument("--again", action="store_true", help="try again those that were not caught and have no reason")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if asked.step == "run" and name not in ROOMS]:
        parser.error(f"there is no room {unknown[0]}: {', '.join(ROOMS)}")
    os.nice(10)
    if asked.step == "measure":
        make_tree(BUILD / "tree")
        measure(BUILD / "tree", BUILD / "reach", asked.names or ["tests"], ["-m", asked.marker])
    elif asked.step == "run":
        _run(asked)
    else:
        mutants, results = chosen(ROOT, asked.seed, asked.count), read_results(BUILD / "results")
        print(report(mutants, results))
        return 0 if is_good_enough(mutants, results) else 1
    return 0


def _run(asked: argparse.Namespace) -> None:
    """Try the mutants of some rooms that have no result yet: a run that was stopped goes on."""
    rooms = asked.names or list(ROOMS)
    slug = "-".join(rooms).replace(" ", "-")
    tree = BUILD / f"tree-{slug}"
    make_tree(tree)
    (BUILD / "results").mkdir(parents=True, exist_ok=True)
    results = read_results(BUILD / "results")
    explained = reasons()
    done = {
        name
        for name, one in results.items()
        if one["status"] != "fresh" and (one["status"] in CAUGHT or name in explained or not asked.again)
    }
    mutants = [one for one in chosen(tree, asked.seed, asked.count) if one.room in rooms and one.name not in done]
    print(f"{len(mutants)} mutants to try", flush=True)
    plan = Plan(tree, read(BUILD / "reach"), asked.seconds)
    try_all(plan, mutants, BUILD / "results" / f"{slug}.queue", asked.marker)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
