"""All scenarios, in one table."""

import os
import re

from tests.hostile import bodies, contents, framing, heads, kept_names, names, redirects, robots, statuses, tls
from tests.hostile.scenario import Scenario

_MODULES = (bodies, contents, framing, heads, kept_names, names, redirects, robots, statuses, tls)

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for module in _MODULES for scenario in module.SCENARIOS}

SHORT = frozenset(
    {"counted", "until-closed", "two-lengths", "to-metadata", "to-itself", "status-204", "status-410"}
    | {"body-empty", "body-html", "body-png-wrong-crc", "body-png-bomb", "body-jpeg-and-zip"}
    | {"name-climbing", "name-right-to-left", "name-a-device", "name-upper-case", "name-lower-case", "name-too-long"}
)
"""Those of the short version: nothing is tried again, so nothing waits."""


def chosen(names: frozenset[str] | None = None) -> list[Scenario]:
    """The scenarios with these names, or all; the environment's HOSTILE, a pattern, chooses among them by hand."""
    pattern = re.compile(os.environ.get("HOSTILE", ""))
    return [one for one in SCENARIOS.values() if (names is None or one.name in names) and pattern.search(one.name)]
