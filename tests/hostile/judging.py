"""What must hold for a scenario, however it was fetched: judged by what the server knows and what was kept."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from tests.hostile.batch import GOOD_ELSEWHERE, good_names
from tests.hostile.drivers import AMONG_GOOD, BULK, ON_ONE_HOST
from tests.hostile.report import Report
from tests.hostile.scenario import GOOD, Scenario, picture

_DIFFERENT = frozenset({"execution", "image_url", "upload_timestamp", "source", "alert_sent"})
"""Fields of a record that depend on the way of fetching. The folder of a dataset in its name does, too.

alert_sent: BulkIngest sends its digest after the records are written.
"""


def record_of(report: Report, scenario: Scenario) -> dict[str, Any]:
    """The one record of the scenario's URL."""
    found = [record for record in report.records if _is_of(record, scenario)]
    assert len(found) == 1, (found, report.stderr[-2000:])
    return found[0]


def check_scenario(report: Report, driver: str, scenario: Scenario) -> None:
    """Its record, its object and its requests are as it says, and the images of the same host are unharmed."""
    record = record_of(report, scenario)
    expected = scenario.expected(bulk=driver in BULK)
    assert (record["outcome"], record["reason"]) == expected, record
    if expected[0] in {"stored", "quarantined"}:
        assert scenario.body is not None
        digest = sha256(scenario.body).hexdigest()
        assert (record["sha256"], record["size_bytes"]) == (digest, len(scenario.body))
        folder = {"stored": "html", "quarantined": "quarantine"}[expected[0]]
        assert digest in report.objects_named(f"{folder}/{record['image_name']}"), (record, sorted(report.objects))
        assert scenario.kept_as in {"", record["image_name"].removeprefix("dogs/")}, record
        assert scenario.size in {None, (record["width"], record["height"])}, record
    else:
        assert record["image_url"] is None
    # What a kept connection breaks is sent once more, on a new one.
    most = scenario.requests + (driver in BULK)
    # Requests to a host that seems to be down take no attempt from an image.
    if driver != ON_ONE_HOST:
        assert report.visits.get(scenario.name + scenario.target, 0) <= most, report.visits
    if driver in AMONG_GOOD:
        # In threads, a busy machine lets a request of a sound image come too late.
        check_good(report, scenario.name, good_names(scenario), 1 if driver == "ingest" else 2)


def check_good(report: Report, label: str, names: Sequence[str], most: int) -> None:
    """Each of the host's good images was stored as it was served. most: requests for it."""
    for name in names:
        assert report.objects.get(f"html/dogs/{name}") == sha256(picture(f"{label}/{name}")).hexdigest(), name
        assert report.visits[f"{label}/{name}"] <= most, name


def check_batch(report: Report, driver: str, scenarios: Sequence[Scenario]) -> None:
    """One record for each image, one object for each that was kept, nothing else; the exit code says how it went."""
    bulk = driver in BULK
    expected = [scenario.expected(bulk=bulk)[0] for scenario in scenarios]
    good = GOOD_ELSEWHERE + sum(len(good_names(one)) for one in scenarios) if driver in AMONG_GOOD else 0
    assert len(report.records) == len(scenarios) + good, report.stderr[-2000:]
    assert len(report.objects) == sum(outcome in {"stored", "quarantined"} for outcome in expected) + good
    if driver in AMONG_GOOD:
        check_good(report, GOOD, [f"neighbour-{number}.jpg" for number in range(GOOD_ELSEWHERE)], 2)
    if driver == "ingest":
        check_not_starved(report)
    assert report.trespasses == []
    assert report.left == []
    assert "Traceback" not in report.stderr
    assert report.stderr.isprintable() or report.stderr.replace("\n", "").isprintable()
    if not driver.startswith("functions"):
        # The execution of a quarantined image has succeeded, while a dataset lacks the image.
        as_asked = {"stored", "duplicate"} if bulk else {"stored", "duplicate", "quarantined"}
        assert report.exit_code == (0 if set(expected) <= as_asked else 1), report.stderr[-2000:]


def check_not_starved(report: Report) -> None:
    """The good host's images did not have to wait for hosts that say nothing."""
    times = {record["source_url"]: record["upload_timestamp"] for record in report.records}
    late = [record["upload_timestamp"] for record in report.records if record["error"] == "RequestTimeout"]
    assert max(time for url, time in times.items() if "/neighbour-" in url) <= min(late, default="~")


def check_equal(reports: Mapping[str, Report], scenario: Scenario) -> None:
    """All ways of fetching wrote the same record, but for times, places and names of executions."""
    for drivers in (BULK & reports.keys(), reports.keys() - BULK) if scenario.in_bulk else (reports.keys(),):
        records = {driver: _comparable(record_of(reports[driver], scenario)) for driver in sorted(drivers)}
        first = next(iter(records.values()))
        assert all(record == first for record in records.values()), records


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in record.items() if name not in _DIFFERENT}
    return {**plain, "image_name": record["image_name"].removeprefix("dogs/")}


def _is_of(record: dict[str, Any], scenario: Scenario) -> bool:
    """Whether its URL is the scenario's, wherever that host is."""
    _, _, rest = str(record["source_url"]).partition("://")
    return rest.partition("/")[1] + rest.partition("/")[2] == scenario.target
