"""Presets of APIs without keys, served from recorded answers: `sources show`, another base_url, then a whole ingest."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pupline.samples._pictures import pictures
from pupline.specs import spec_named
from tests.shared.tiny_web import Said, Site, serving
from tests.sources.test_presets import cleveland_work, observation, observed_photo, occurrence

Run = Callable[..., Any]
Answer = Callable[[str], Any]

JPEG = next(body for body in pictures().values() if body.startswith(b"\xff\xd8"))


class Recorded(dict[str, Said | Callable[[Mapping[str, str]], Said]]):
    """Answers to a path with any query: JSON from `answer`, and pictures everywhere else."""

    def __init__(self, path: str, answer: Answer) -> None:
        super().__init__()
        self._path = path
        self._answer = answer

    def get(self, asked: str, default: Any = None) -> Any:  # noqa: ARG002 - there is an answer to everything
        """The answer; each picture has other bytes."""
        path, _, query = asked.partition("?")
        if path == "/robots.txt":
            return Said(status=404)
        return Said(json.dumps(self._answer(query)).encode()) if path == self._path else Said(JPEG + path.encode())


def inaturalist(query: str) -> Any:
    """Two observations with three photos."""
    first = [observation(1, observed_photo(10), observed_photo(11)), observation(2, observed_photo(20, "cc0"))]
    return {"results": [] if "id_above=2" in query else first}


def gbif(query: str) -> Any:
    """Two occurrences with three pictures, on two pages."""
    number = 0 if "offset=0" in query else 1
    media = [{"type": "StillImage", "identifier": f"/p/{number}-{n}.jpg", "creator": "Ann"} for n in range(2 - number)]
    return {"endOfRecords": number == 1, "count": 2, "results": [occurrence(number, *media)]}


def cleveland(_: str) -> Any:
    """Three works."""
    return {"info": {"total": 3}, "data": [cleveland_work(number) for number in range(3)]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "path", "answer", "creator"),
    [
        ("inaturalist", "/observations", inaturalist, "ann"),
        ("gbif", "/occurrence/search", gbif, "Ann"),
        ("cleveland-museum-of-art", "/artworks/", cleveland, "Ann Artist (American, 1870-1940)"),
    ],
)
def test_a_preset_lists_and_fetches(
    command: Run, tmp_path: Path, name: str, path: str, answer: Answer, creator: str
) -> None:
    """All its pictures come, with licence and author in the metadata, and nothing is left out."""
    spec = spec_named(name)
    assert spec is not None
    hosts = [str(spec.base_url), *map(str, spec.image_origins)]
    site = Site(Recorded(path, lambda query: json.loads(json.dumps(answer(query)).replace(hosts[-1], site.origin))))
    with serving(site):
        text = command("sources", "show", name).stdout.replace("rps = 1\n", "")
        for host in hosts:
            text = text.replace(f'"{host}"', f'"{site.origin}"')
        copy = tmp_path / "copy.toml"
        copy.write_text(text)
        done = command("ingest", copy, "--json", "--data", tmp_path / "data", "--dataset", "d")
    assert done.code == 0, done.stderr
    summary = done.rows[-1]
    assert (summary["listed"], summary["outcomes"], summary["left_out"]) == (3, {"stored": 3}, 0)
    (metadata,) = (tmp_path / "data").rglob("metadata/jsonl/*/part-*.jsonl")
    rows = [json.loads(line) for line in metadata.read_text().splitlines()]
    assert {row["creator"] for row in rows} == {creator}
    assert all(row["license"] for row in rows)
