"""A listing that ends early, or whose API means something else by now: told on stderr, and in the exit code."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.shared.tiny_web import Said, Site, serving

Run = Callable[..., Any]
GIF = b"GIF89a\x01\0\x01\0\0\0\0", b",\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"
HOW = [(), ("--workflow",)]


class Api:
    """An API of items by offset, 2 at a time whatever is asked for, and its spec."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.site = site
        self.spec = folder / "kennel.toml"
        self.spec.write_text(
            f"name = 'kennel'\nbase_url = '{site.origin}'\npath = 'list'\nitems = 'items'\n"
            "[paginator]\ntype = 'offset'\nlimit = 50\ntotal_path = 'total'\n"
        )

    def gives(self, offset: int, page: Any) -> None:
        """What it answers there: JSON, or an answer as it is."""
        answer = page if isinstance(page, Said | bytes) or callable(page) else json.dumps(page).encode()
        self.site.pages[f"/list?offset={offset}&limit=50"] = Said(answer) if isinstance(answer, bytes) else answer

    def images(self, *numbers: int) -> list[str]:
        """URLs of images that are there."""
        for number in numbers:
            self.site.pages[f"/{number}.gif"] = Said(GIF[0] + b"!\xfe\x01%d\0" % number + GIF[1])  # a comment
        return [f"/{number}.gif" for number in numbers]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """An API whose first two pages hold four images."""
    site = Site({})
    with serving(site):
        made = Api(site, tmp_path)
        made.gives(0, {"items": made.images(1, 2)})
        made.gives(2, {"items": made.images(3, 4)})
        yield made


def ingest(command: Run, api: Api, data: Path, *words: str) -> Any:
    """An ingest of the API, as JSON."""
    return command("ingest", api.spec, "--run-id", "r", "--ignore-robots", "--json", "--data", data, *words)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize(
    "past",
    [{"items": []}, Said(status=404), Said(status=416), Said(b""), {"items": ["/3.gif", "/4.gif"]}],
    ids=["empty", "404", "416", "no body", "repeated"],
)
def test_all_is_listed_and_the_run_is_over(
    command: Run, api: Api, tmp_path: Path, how: tuple[str, ...], past: Any
) -> None:
    """Two of 50 asked for are no end, and what comes past the end leaves nothing to go on with."""
    api.gives(4, past)
    api.gives(6, past)
    done = ingest(command, api, tmp_path / "data", *how)
    assert done.code == 0, done.stderr
    summary = done.rows[-1]
    assert (summary["status"], summary["listed"], summary["outcomes"]) == ("SUCCEEDED", 4, {"stored": 4})
    assert summary["trouble"] is None


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_a_total_that_was_not_reached_is_told(command: Run, api: Api, tmp_path: Path, how: tuple[str, ...]) -> None:
    """On stderr, in summary.json and in the exit code; again when the run is repeated; not where enough was listed."""
    api.gives(4, {"items": [], "total": 9})
    for _ in range(2):
        done = ingest(command, api, tmp_path / "data", *how)
        assert done.code == 1
        assert "Not all that was asked for: the API says that it has 9 items, and gave 4.\n" in done.stderr
        summary = done.rows[-1]
        assert (summary["status"], summary["listed_complete"]) == ("SUCCEEDED", False)
        assert summary["trouble"] == "the API says that it has 9 items, and gave 4"
    done = ingest(command, api, tmp_path / "other", "--count", "4", *how)
    assert (done.code, done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_a_count_that_the_source_does_not_fill_is_told(
    command: Run, api: Api, tmp_path: Path, how: tuple[str, ...]
) -> None:
    """On stderr, in summary.json and in the exit code; also where the source has nothing at all."""
    api.gives(4, {"items": []})
    done = ingest(command, api, tmp_path / "data", "--count", "5", *how)
    trouble = "--count asks for 5 images, and the source has 4"
    assert done.code == 1
    assert done.stderr.endswith(f"Not all that was asked for: {trouble}.\n")
    summary = done.rows[-1]
    assert (summary["status"], summary["listed_complete"], summary["trouble"]) == ("SUCCEEDED", False, trouble)
    api.gives(0, {"items": []})
    done = ingest(command, api, tmp_path / "none", "--count", "5", *how)
    assert done.code == 1
    assert "--count asks for 5 images, and the source has 0" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_what_was_left_out_is_counted_by_reason(command: Run, api: Api, tmp_path: Path, how: tuple[str, ...]) -> None:
    """Announced items that did not come, records without a URL, unusable ones: in the summary, and exit code 1."""
    api.gives(4, {"items": [*api.images(5), {"id": 7}, None], "total": 9})
    api.gives(7, {"items": [], "total": 9})
    done = ingest(command, api, tmp_path / "data", *how)
    assert done.code == 1
    summary = done.rows[-1]
    assert (summary["listed"], summary["listed_complete"], summary["left_out"]) == (5, False, 4)
    assert summary["left_out_reasons"] == {"not_given": 2, "no_url": 1, "unusable_record": 1}
    assert any("offset=4" in example and "null" in example for example in summary["left_out_examples"])
    assert "1 record without a URL" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_pages_that_do_not_exist_are_counted(command: Run, tmp_path: Path, how: tuple[str, ...]) -> None:
    """A breed that the API names and does not have: what else there is comes, and the exit code is 1."""
    site = Site({"/api/breeds/list/all": Said(b'{"status": "success", "message": {"a": [], "b": []}}')})
    site.pages["/1.gif"] = Said(GIF[0] + GIF[1])
    site.pages["/api/breed/b/images"] = Said(json.dumps({"status": "success", "message": ["/1.gif"]}).encode())
    with serving(site):
        done = command("ingest", f"{site.origin}/api", "--ignore-robots", "--json", "--data", tmp_path / "data", *how)
    summary = done.rows[-1]
    assert (done.code, summary["listed"], summary["listed_complete"]) == (1, 1, False)
    assert summary["left_out_reasons"] == {"no_such_page": 1}
    assert "breed/a/images" in summary["left_out_examples"][0]


@pytest.mark.slow
def test_a_source_that_names_nothing_usable_is_a_failure(command: Run, api: Api, tmp_path: Path) -> None:
    """A filter that nothing passes, in ingest as in a test of the source; nothing is taken for an empty source."""
    api.spec.write_text(api.spec.read_text().replace("'items'", "'items[?photo]'"))
    api.gives(0, {"items": [{"a": 1}, {"a": 2}], "total": 2})
    done = ingest(command, api, tmp_path / "data")
    assert (done.code, done.rows[-1]["listed_complete"]) == (1, False)
    assert "of 2 entries none is an image to fetch" in done.stderr
    assert (done.rows[-1]["status"], done.rows[-1]["error"]) == ("FAILED", "SourceError")
    done = ingest(command, api, tmp_path / "other", "--workflow")
    assert (done.code, "of 2 entries none is an image to fetch" in done.stderr) == (1, True)
    for words in (("sources", "test"), ("ingest", "--dry-run")):
        assert command(*words, api.spec).code == 1


@pytest.mark.slow
def test_a_listing_that_cannot_go_on_ends_its_run(command: Run, api: Api, tmp_path: Path) -> None:
    """FAILED, with what was found; what was listed is there; --resume goes on when the API is right again."""
    api.gives(4, {"items": None})
    done = ingest(command, api, tmp_path / "data")
    assert done.code == 1
    assert "items (items) found null at items; it should be a list of URLs, or of objects" in done.stderr
    summary = done.rows[-1]
    assert (summary["status"], summary["error"], summary["done"]) == ("FAILED", "SourceError", 4)
    assert (summary["listed_complete"], summary["left_out_reasons"]) == (False, {"unusable_page": 1})
    api.gives(4, {"items": api.images(5)})
    api.gives(5, {"items": []})
    done = command("ingest", "--resume", "--dataset", "kennel", "--json", "--data", tmp_path / "data")
    assert done.code == 0, done.stderr
    assert (done.rows[-1]["status"], done.rows[-1]["done"], done.rows[-1]["trouble"]) == ("SUCCEEDED", 5, None)
    assert done.rows[-1]["left_out"] == 0


def test_a_manifest_of_a_listing_that_cannot_go_on_is_what_was_listed(command: Run, api: Api, tmp_path: Path) -> None:
    """Through the state machine too: those images are fetched, and the rest is told."""
    api.gives(4, {"items": None})
    done = ingest(command, api, tmp_path / "data", "--workflow")
    assert done.code == 1
    assert "found null at items" in done.stderr
    assert (done.rows[-1]["done"], done.rows[-1]["listed_complete"]) == (4, False)
    assert done.rows[-1]["left_out_reasons"] == {"unusable_page": 1}


SHAPES: list[Any] = [None, 7, "", [None], {"a": 1}]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("message", SHAPES)
@pytest.mark.parametrize("command_line", ["ingest", "ingest --workflow", "ingest --dry-run", "sources test"])
def test_an_api_of_another_shape_is_an_error(command: Run, tmp_path: Path, command_line: str, message: Any) -> None:
    """In every command that lists: what was found is named, nothing is taken for empty, and no run is left running."""
    site = Site({"/api/breeds/list/all": Said(json.dumps({"status": "success", "message": message}).encode())})
    site.pages["/api/breed/a/images"] = Said(b'{"status": "success", "message": null}')
    data = tmp_path / "data"
    with serving(site):
        words = command_line.split()
        options = () if words[0] == "sources" or "--dry-run" in words else ("--data", data)
        done = command(*words, f"{site.origin}/api", *options)
    assert done.code == 1, done.stdout
    assert "nothing to fetch" not in done.stderr
    assert any(
        found in done.stderr for found in ("message) gives", "message[]) found", "could not be used", "message.a")
    )
    if options:
        statuses = {row["status"] for row in command("executions", "--json", "--data", data).rows}
        assert "RUNNING" not in statuses


@pytest.mark.slow
def test_nothing_is_a_fact(command: Run, tmp_path: Path) -> None:
    """An empty list says that there is nothing: told, and no error."""
    (tmp_path / "none.json").write_text("[]")
    done = command("ingest", tmp_path / "none.json", "--json", "--data", tmp_path / "data")
    assert (done.code, done.rows[-1]["listed"]) == (0, 0)
    assert done.stderr.endswith("There was nothing to fetch.\n")


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--workflow"], ["--dry-run"]])
def test_dog_ceo_without_dogs_is_an_error(command: Run, tmp_path: Path, options: list[str]) -> None:
    """The message is empty, and nothing was fetched: that is not a success."""
    site = Site({"/api/breeds/list/all": Said(b'{"status": "success", "message": {}}')})
    with serving(site):
        done = command("ingest", f"{site.origin}/api", "--data", tmp_path / "data", *options)
    assert (done.code, "could not answer" in done.stderr) == (1, True)


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_a_page_that_was_cut_is_asked_for_again(
    command: Run, api: Api, tmp_path: Path, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole framing, half a document: the second answer is whole."""
    monkeypatch.setattr("pupline.bulk._retries.FIRST_BACK_OFF_SECONDS", 0.01)
    monkeypatch.setattr("pupline.sources._pages.FIRST_PAUSE_SECONDS", 0.01)
    bodies = iter([b'{"items": ["/1.g', json.dumps({"items": api.images(5)}).encode()])
    api.gives(4, lambda _: Said(next(bodies)))
    api.gives(5, {"items": []})
    done = ingest(command, api, tmp_path / "data", *how)
    assert (done.code, done.rows[-1]["done"]) == (0, 5), done.stderr


@pytest.mark.slow
def test_an_empty_answer_to_a_users_param_is_told(command: Run, api: Api, tmp_path: Path) -> None:
    """No error, as the source has nothing of that; but a mistyped value is most likely why."""
    api.spec.write_text(api.spec.read_text().replace("[paginator]", "[params]\nq = 'dog'\n[paginator]"))
    api.site.pages["/list?q=dgo&offset=0&limit=50"] = Said(b'{"items": [], "total": 0}')
    done = ingest(command, api, tmp_path / "data", "--param", "q=dgo")
    assert done.code == 0
    assert done.stderr.startswith("There was nothing to fetch.\n")
    assert "answered with an empty list for q=dgo; check the values." in done.stderr
    done = command("sources", "test", api.spec, "--param", "q=dgo")
    assert (done.code, "it answered with an empty list" in done.stderr) == (1, True)
