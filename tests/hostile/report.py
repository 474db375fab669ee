"""What a way of fetching did with the scenarios, as JSON between the processes."""

import json
import re
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

    def objects_named(self, key: str) -> set[str]:
        """The SHA-256 of the objects of this key, also at the path that a key gets whose own path another has taken."""
        stem, dot, extension = key.rpartition(".")
        begin, end = (stem, dot + extension) if stem else (key, "")
        path = re.compile(rf"{re.escape(begin)}(?:~[0-9a-f]{{8}})?{re.escape(end)}")
        return {digest for found, digest in self.objects.items() if path.fullmatch(found)}

    @classmethod
    def read(cls, path: Path) -> "Report":
        """The report that `write` wrote."""
        return cls(**json.loads(path.read_text()))
