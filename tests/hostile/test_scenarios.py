"""A hostile internet against every way to fetch: the outcomes that each scenario states, and the same records."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.hostile.batch import batch
from tests.hostile.drivers import EACH_ITS_HOST, ON_ONE_HOST
from tests.hostile.internet import entrance
from tests.hostile.judging import check_batch, check_equal, check_scenario
from tests.hostile.report import Report
from tests.hostile.scenario import Scenario
from tests.hostile.table import SHORT, chosen

pytestmark = pytest.mark.slow

ALL = [scenario for scenario in chosen() if entrance() or not scenario.needs_names]
SOUND = [scenario for scenario in ALL if scenario.expected(bulk=True)[0] == "stored"]
"""Those after which the exit code is 0."""

AT_ONE_HOST = frozenset({"back-in-an-hour", "back-twice"})
"""Of the scenarios with a rate limit."""

UNSOUND = [scenario for scenario in ALL if scenario not in SOUND]


def reports_of(
    scenarios: list[Scenario], directory: Path, drivers: frozenset[str] = EACH_ITS_HOST
) -> dict[str, Report]:
    """What these ways of fetching did with the scenarios; all at once, as they mostly wait."""
    names = [scenario.name for scenario in scenarios]
    with ThreadPoolExecutor(len(drivers)) as pool:
        found = {driver: pool.submit(batch, driver, names, directory) for driver in drivers}
        return {driver: report.result() for driver, report in found.items()}


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Mapping[str, Report]]:
    """By scenario, what each way of fetching did."""
    found = [(some, reports_of(some, tmp_path_factory.mktemp("reports"))) for some in (SOUND, UNSOUND) if some]
    return {one.name: reports for some, reports in found for one in some}


def test_no_way_of_fetching_is_misled(tmp_path: Path) -> None:
    """The short version: those scenarios in which nothing is tried again, with all that is checked of any."""
    scenarios = [scenario for scenario in ALL if scenario.name in SHORT]
    reports = reports_of(scenarios, tmp_path, frozenset({"run", "ingest", "functions"}))
    for driver, report in reports.items():
        check_batch(report, driver, scenarios)
        for scenario in scenarios:
            check_scenario(report, driver, scenario)
    for scenario in scenarios:
        check_equal(reports, scenario)


@pytest.mark.long
@pytest.mark.parametrize("scenario", ALL, ids=lambda one: one.name)
def test_a_scenario_ends_as_it_says(reports: Mapping[str, Mapping[str, Report]], scenario: Scenario) -> None:
    """Outcome, reason, object, number of requests; the host's other images are unharmed; all records are equal."""
    for driver, report in reports[scenario.name].items():
        check_scenario(report, driver, scenario)
    check_equal(reports[scenario.name], scenario)


@pytest.mark.long
@pytest.mark.parametrize("driver", sorted(EACH_ITS_HOST))
@pytest.mark.parametrize("scenarios", [some for some in (SOUND, UNSOUND) if some], ids=lambda some: some[0].name)
def test_nothing_else_happens(
    reports: Mapping[str, Mapping[str, Report]], driver: str, scenarios: list[Scenario]
) -> None:
    """One record an image, no forbidden address, no temporary file or traceback; the exit code; good hosts unharmed."""
    check_batch(reports[scenarios[0].name][driver], driver, scenarios)


@pytest.mark.long
def test_no_image_costs_its_host_the_others(tmp_path: Path) -> None:
    """Where one host has all scenarios, each ends as it says, and the good images between them are stored."""
    # Each 429 halves how many requests the host gets at once, down to one: a few of them are enough.
    scenarios = [one for one in ALL if not (one.is_alone or one.needs_names or one.robots or one.path)]
    scenarios = [one for one in scenarios if one.reason != "rate_limited" or one.name in AT_ONE_HOST]
    report = batch(ON_ONE_HOST, [one.name for one in scenarios], tmp_path)
    check_batch(report, ON_ONE_HOST, scenarios)
    for scenario in scenarios:
        check_scenario(report, ON_ONE_HOST, scenario)
