"""What a way of fetching did with the scenarios, as JSON between the processes."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Report:
    """exit_code, stderr: of the command; 0 and "" for the functions. records: of the audit. objects: key to SHA-256.

    visits: how often the server was asked for each path of each host, robots.txt too. trespasses: the addresses that
    were reached and must not be. left: temporary files.
    """

    exit_code: int = 0
    stderr: str = ""
    records: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, str] = field(default_factory=dict)
    visits: dict[str, int] = field(default_factory=dict)
    trespasses: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, path: Path) -> "Report":
        """The report that `write` wrote."""
        return cls(**json.loads(path.read_text()))
