"""Serves scenarios to one way of fetching, in a network namespace where one can be made: a program, see `batch`."""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.hostile.certificates import Certificates
from tests.hostile.drivers import AMONG_GOOD, DRIVERS, ON_ONE_HOST
from tests.hostile.internet import DOMAIN, INSIDE, Internet, entrance, furnish
from tests.hostile.name_server import OWN, NameServer
from tests.hostile.report import Report
from tests.hostile.scenario import API, GOOD, SHARED, Scenario
from tests.hostile.server import HostileServer
from tests.hostile.table import SCENARIOS

GOOD_PER_HOST = 2
"""Images that each hostile host serves properly, between which the hostile one is asked for."""

GOOD_ELSEWHERE = 60
"""Images of the host that does nothing wrong."""


def batch(driver: str, names: Sequence[str], directory: Path) -> Report:
    """The report of `driver` about the scenarios with these names."""
    command = [*entrance(), sys.executable, "-m", "tests.hostile.batch", driver, str(directory), *names]
    environment = {**os.environ, INSIDE: "1" if entrance() else ""}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return Report.read(directory / f"{driver}.json")


def urls_of(scenarios: Sequence[Scenario], internet: Internet, *, among_good: bool) -> list[str]:
    """What to fetch, maybe with good images, before and after the hostile one of the same host, and elsewhere."""
    if not among_good:
        return [internet.origin(one.name) + one.target for one in scenarios]
    urls = [f"{internet.origin(GOOD)}/neighbour-{number}.jpg" for number in range(GOOD_ELSEWHERE)]
    for one in scenarios:
        origin = internet.origin(one.name)
        first, *others = [f"{origin}/{name}" for name in good_names(one)] or [""]
        urls += [url for url in (first, origin + one.target, *others) if url]
    return urls


def good_names(scenario: Scenario) -> list[str]:
    """The good images of a scenario's host."""
    return [] if scenario.is_alone else [f"good-{number}-{scenario.name}.jpg" for number in range(GOOD_PER_HOST)]


def _lookups_of(scenario: Scenario, internet: Internet) -> list[list[str]]:
    own = internet.address(scenario.name)
    return [[own if address == OWN else address for address in addresses] for addresses in scenario.lookups]


def main(driver: str, directory: Path, names: Sequence[str]) -> None:
    """Serve the scenarios, drive, and write the report."""
    scenarios = [SCENARIOS[name] for name in names]
    internet = Internet(
        [API, GOOD, SHARED, *names],
        has_names=bool(os.environ[INSIDE]),
        secure=frozenset(one.name for one in scenarios if one.tls),
        is_shared=driver == ON_ONE_HOST,
    )
    with ExitStack() as stack:
        if internet.has_names:
            furnish()
            lookups: dict[str, Sequence[Sequence[str]]] = {
                f"{label}.{DOMAIN}": [[internet.address(label)]] for label in internet.labels
            }
            lookups |= {f"{one.name}.{DOMAIN}": _lookups_of(one, internet) for one in scenarios if one.lookups}
            stack.enter_context(NameServer(lookups))
        certificates = Certificates(directory / driver) if internet.secure else None
        server = stack.enter_context(HostileServer(scenarios, internet, certificates))
        urls = urls_of(scenarios, internet, among_good=driver in AMONG_GOOD)
        report = DRIVERS[driver](urls, directory / driver, server.origins)
        report.visits = {f"{label}{path}": count for (label, path), count in server.visits.items()}
        report.trespasses = server.trespasses
        report.write(directory / f"{driver}.json")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
