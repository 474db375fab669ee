"""`pupline sources`, and `pupline run` with a spec file: what they print, how they exit, and what they never tell."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pupline.samples._pictures import pictures
from pupline.specs import presets
from tests.shared.tiny_web import Said, Site, serving

Run = Callable[..., Any]

_JPEG = next(body for path, body in pictures().items() if body.startswith(b"\xff\xd8"))


class Kennel(BaseHTTPRequestHandler):
    """An API with a key, and two images."""

    asked: list[str] = []  # noqa: RUF012 - each test has its own

    def do_GET(self) -> None:
        """The page, or an image."""
        self.asked.append(self.path)
        host = f"http://{self.headers['Host']}"
        if self.path.startswith("/v1/dogs"):
            ok = self.headers.get("X-Key") == "s3cret-key"
            items = [{"src": f"{host}/images/{n}.jpg", "by": "<b>Ann</b>"} for n in (1, 2)]
            page = {"dogs": items} if ok else {"error": "who are you?"}
            self._send("application/json", json.dumps(page).encode())
        else:
            self._send("image/jpeg", _JPEG)

    def do_POST(self) -> None:
        """The page after a cursor, which is in the body."""
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(f"{self.headers['Content-Type']} {sent}")
        number = sent["variables"].get("after", 0) + 1
        page = {"dogs": [{"src": f"/images/{number}.jpg"}], "next": number if number < 3 else None}
        self._send("application/json", json.dumps(page).encode())

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A spec file for an API that runs on 127.0.0.1."""
    monkeypatch.setenv("KENNEL_KEY", "s3cret-key")
    monkeypatch.setattr(Kennel, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Kennel)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    file = tmp_path / "kennel.toml"
    file.write_text(
        f"""
        name = "kennel"
        base_url = "http://127.0.0.1:{server.server_port}/v1"
        path = "dogs"
        ok = "!error"
        items = "dogs"
        [fields]
        url = "src"
        creator = "by"
        [auth]
        kind = "header"
        name = "X-Key"
        from = "env:KENNEL_KEY"
        """
    )
    yield file
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_list_names_every_preset(command: Run) -> None:
    """For people and for programs."""
    done = command("sources")
    assert (done.code, done.stderr) == (0, "")
    assert all(name in done.stdout for name in presets())
    rows = command("sources", "--json").rows
    assert [row["name"] for row in rows] == presets()
    assert (command("sources", "list").stdout, command("sources", "list", "--json").rows) == (done.stdout, rows)
    assert {row["name"]: row["key"] for row in rows}["pexels"] == "env:PEXELS_API_KEY"


def test_show_prints_a_preset_that_is_a_valid_spec(command: Run, tmp_path: Path) -> None:
    """Its output is where a spec of one's own begins."""
    shown = command("sources", "show", "openverse")
    assert shown.code == 0
    file = tmp_path / "mine.toml"
    file.write_text(shown.stdout)
    assert command("sources", "validate", file).code == 0
    assert command("sources", "show", "openverse", "--json").rows[0]["cap"] == 400
    assert command("sources", "show", "sample").code == 0


@pytest.mark.parametrize("name", ["opnverse", "http://127.0.0.1:8099/api", "none.toml"])
def test_show_of_what_has_no_spec_is_one_line(command: Run, name: str) -> None:
    """With what to do."""
    done = command("sources", "show", name)
    assert (done.code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)


def test_validate_lists_every_problem(command: Run, tmp_path: Path) -> None:
    """Each on its line under its path; as JSON too; exit code 2."""
    file = tmp_path / "bad.toml"
    file.write_text("naem = 'x'\nbase_url = 'https://a.org'\nitems = 'a['\n[paginator]\ntype = 'ofset'\n")
    done = command("sources", "validate", file)
    assert done.code == 2
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["naem", "name", "items", "paginator.type"]
    row = command("sources", "validate", file, "--json").rows[0]
    assert (row["valid"], [problem["path"] for problem in row["problems"]][-1]) == (False, "paginator.type")
    assert command("sources", "validate", tmp_path / "none.toml").code == 2


def test_test_shows_what_is_understood_and_fetches_no_image(command: Run, spec: Path) -> None:
    """The first images with their facts."""
    done = command("sources", "test", spec, "--count", 1)
    assert done.code == 0
    assert "/images/1.jpg" in done.stdout
    assert "creator: Ann" in done.stdout
    assert "/images/2.jpg" not in done.stdout
    assert command("sources", "test", spec, "--json").rows[1]["creator"] == "Ann"
    assert set(Kennel.asked) == {"/v1/dogs"}


def test_dry_run_asks_nothing_and_tells_no_secret(command: Run, spec: Path) -> None:
    """The request as it would be sent, with the key masked."""
    done = command("sources", "test", spec, "--dry-run")
    assert done.code == 0
    assert done.stdout.splitlines()[0].startswith("GET http://127.0.0.1:")
    assert done.stdout.splitlines()[1] == "X-Key: ***"
    row = command("sources", "test", spec, "--dry-run", "--json").rows[0]
    assert row["headers"] == {"X-Key": "***"}
    assert Kennel.asked == []


def test_test_says_what_the_api_said(command: Run, spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1 where the source does not answer as its spec says, 2 where its key is missing."""
    monkeypatch.setenv("KENNEL_KEY", "wrong-key")
    done = command("sources", "test", spec)
    assert (done.code, done.stdout) == (1, "")
    assert "who are you?" in done.stderr
    monkeypatch.delenv("KENNEL_KEY")
    done = command("sources", "test", spec)
    assert (done.code, len(done.stderr.splitlines())) == (2, 1)
    assert "export KENNEL_KEY=" in done.stderr


def test_test_reads_lists_and_samples(command: Run, tmp_path: Path) -> None:
    """Without internet."""
    file = tmp_path / "dogs.txt"
    file.write_text("https://a.org/1.jpg\nhttps://a.org/2.jpg\n")
    assert len(command("sources", "test", file, "--json").rows) == 2
    assert "2 images of 2. Fetch them" in command("sources", "test", file).stdout, "no request was made"
    assert len(command("sources", "test", "sample", "--count", 3, "--json").rows) == 3


def test_run_takes_an_image_of_a_spec(command: Run, spec: Path, tmp_path: Path) -> None:
    """Through the workflow, as any other; the key is in no record and no line."""
    data = tmp_path / "data"
    done = command("run", "--source", spec, "--count", 4, "--data", data, "--json")
    assert (done.code, done.stderr) == (0, "")
    records = command("audit", "--json", "--data", data).rows
    assert [record["source"] for record in records] == ["kennel"] * 4
    assert {record["outcome"] for record in records} <= {"stored", "duplicate"}
    assert "s3cret" not in done.stdout + json.dumps(records)
    assert b"s3cret" not in b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())


def test_run_refuses_what_it_cannot_draw_from(command: Run, spec: Path, tmp_path: Path) -> None:
    """Breeds of a spec, sources of many pages, lists that are absent or in a bucket, misspelt names: one line each."""
    refused: list[tuple[list[object], str]] = [
        (["--source", spec, "--breed", "hound"], "does not know breeds"),
        (["--source", "the-met"], "pupline ingest the-met"),
        (["--source", tmp_path / "absent.txt"], "it cannot be read: No such file or directory"),
        (["--source", "s3://bucket/dogs.txt"], "pupline ingest s3://bucket/dogs.txt"),
        (["--source", "random-foxy"], "did you mean random-fox"),
    ]
    for words, expected in refused:
        done = command("run", *words, "--data", tmp_path / "data")
        assert (done.code, len(done.stderr.splitlines())) == (2, 1)
        assert expected in done.stderr
    assert not (tmp_path / "data").exists()


def test_run_takes_the_rows_of_a_list_in_turn(command: Run, tmp_path: Path) -> None:
    """Execution N takes row N, from the first again after the last; what is wrong in the list ends in the audit."""
    file, data = tmp_path / "dogs.csv", tmp_path / "data"
    file.write_text("url,title\nhttp://127.0.0.1:9/1.jpg,a\nnot a url,b\nhttp://127.0.0.1:9/3.jpg,c\n")
    done = command("run", "--source", file, "--count", 4, "--run-id", "rows", "--data", data, "--json")
    assert done.code == 1
    records = {one["execution"]: one for one in command("audit", "--json", "--data", data).rows}
    urls = [records[f"rows-{number:05}"]["source_url"] for number in range(1, 5)]
    assert urls == [
        "http://127.0.0.1:9/1.jpg",
        "line 3: a blank in the URL; write it as %20: not a url",
        "http://127.0.0.1:9/3.jpg",
        urls[0],
    ]
    assert [records[f"rows-{number:05}"]["reason"] for number in (1, 2)] == ["blocked_address", "invalid_url"]
    assert {one["source"] for one in records.values()} == {"dogs.csv"}


def test_doctor_reaches_the_api_of_a_spec(command: Run, spec: Path, tmp_path: Path) -> None:
    """Whatever it answers, it is there."""
    rows = command("doctor", "--source", spec, "--json", "--data", tmp_path / "d").rows
    assert {row["check"]: row["status"] for row in rows}["source"] == "ok"


def test_an_empty_list_has_no_spec_to_look_into(command: Run, tmp_path: Path) -> None:
    """The advice is about what the user gave."""
    file = tmp_path / "none.txt"
    file.write_text("# nothing yet\n")
    done = command("sources", "test", file)
    assert (done.code, done.stdout) == (1, "")
    assert "listed no image; check the list" in done.stderr


@pytest.mark.slow
def test_params_are_given_on_the_command_line(command: Run, spec: Path, tmp_path: Path) -> None:
    """In a test of the source, in a preview and in a run, of whose identity they are; one without a value is told."""
    spec.write_text(spec.read_text().replace("[fields]", "[params]\n        kind = 'dog'\n        [fields]"))
    asked = command("sources", "test", spec, "--param", "kind=cat", "--dry-run", "--json").rows[0]
    assert asked["url"].endswith("/dogs?kind=cat")
    where = ("--data", tmp_path / "data", "--ignore-robots", "--json")
    for words in (("sources", "test"), ("ingest", "--dry-run"), ("ingest", *where)):
        assert command(*words, spec, "--param", "kind=cat").code == 0
        assert "/v1/dogs?kind=cat" in Kennel.asked
        Kennel.asked.clear()
    assert command("ingest", *where, "--dataset", "kennel-cat", spec, "--run-id", "r", "--param", "kind=cat").code == 0
    other = command("ingest", *where, "--dataset", "kennel-cat", spec, "--run-id", "r", "--param", "kind=dog")
    assert (other.code, "another source" in other.stderr) == (2, True)
    for wrong in ("kind", "=x", "knd=cat"):
        assert command("sources", "test", spec, "--param", wrong).code == 2
    twice = command("sources", "test", spec, "--param", "kind=cat", "--param", "kind=dog")
    assert "kind is given twice" in twice.stderr
    assert command("ingest", "--resume", "--param", "kind=cat", *where).code == 2


@pytest.mark.slow
@pytest.mark.parametrize("words", [("sources", "test"), ("ingest",), ("ingest", "--workflow"), ("ingest", "--dry-run")])
def test_a_refused_key_and_a_busy_api(command: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """401 names the key's variable and the words of the API; a transient error in a 200 is waited out everywhere."""
    site = Site({"/list": Said(b'{"error": "who is no-such-key?"}', status=401)})
    spec = tmp_path / "kennel.toml"
    options = () if "--dry-run" in words or "test" in words else ("--ignore-robots", "--data", tmp_path / "data")
    with serving(site):
        spec.write_text(
            f"name = 'kennel'\nbase_url = '{site.origin}'\npath = 'list'\nitems = 'items'\n"
            "retry_if = \"error.code == 'maxlag'\"\n"
            "[auth]\nkind = 'header'\nname = 'X-Key'\nfrom = 'env:KENNEL_KEY'\noptional = true\n"
        )
        done = command(*words, spec, *options)
        assert done.code == 1
        assert "none was sent: set the environment variable KENNEL_KEY" in done.stderr
        assert "the API says: who is no-such-key?" in done.stderr
        asked: list[str] = []

        def busy(_: Any) -> Said:
            asked.append("")
            if len(asked) < 3:
                return Said(b'{"error": {"code": "maxlag"}}', headers={"Retry-After": "0"})
            return Said(b'{"items": ["/1.gif"]}')

        site.pages = {
            "/list": busy,
            "/1.gif": Said(b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"),
        }
        done = command(*words, spec, *options)
        assert done.code == 0, done.stderr
        assert len(asked) == 3


@pytest.mark.slow
@pytest.mark.parametrize("how", [(), ("--workflow",)])
def test_an_api_is_asked_by_post(command: Run, spec: Path, tmp_path: Path, how: tuple[str, ...]) -> None:
    """Its body is shown before anything is sent; an ingest sends the cursor of each page in it."""
    text = spec.read_text().replace("[auth]", "[params]\nkind = 'dog'\n[body.variables]\nkind = '{kind}'\n[auth]")
    paginator = "[paginator]\ntype = 'cursor'\ncursor_path = 'next'\ncursor_body_path = 'variables.after'\n"
    spec.write_text(f"method = 'POST'\n{text}\n{paginator}")
    shown = command("sources", "test", spec, "--dry-run")
    assert "POST http://127.0.0.1" in shown.stdout
    assert '{"variables":{"kind":"dog"}}' in shown.stdout
    assert command("sources", "test", spec, "--dry-run", "--json").rows[0]["body"] == '{"variables":{"kind":"dog"}}'
    assert len(command("sources", "test", spec, "--json").rows) == 3
    Kennel.asked.clear()
    where = ("--data", tmp_path / "data", "--ignore-robots", "--json")
    done = command("ingest", spec, "--param", "kind=cat", *where, *how)
    assert (done.code, done.rows[-1]["listed"]) == (0, 3), done.stderr
    assert "application/json {'variables': {'kind': 'cat', 'after': 2}}" in Kennel.asked


@pytest.mark.slow
def test_breeds_of_a_source_are_tested_and_fetched(command: Run, tmp_path: Path) -> None:
    """The next step names them; the run lists nothing else; another run of other breeds is another dataset."""
    shown = command("sources", "test", "sample", "--breed", "pug", "--breed", "hound/afghan")
    assert shown.code == 0
    assert shown.stdout.rstrip().endswith("ingest sample --breed pug --breed hound/afghan")
    done = command("ingest", "sample", "--breed", "pug", "--breed", "hound/afghan", "--json", "--data", tmp_path / "d")
    assert done.code == 0, done.stderr
    assert {row["source_url"].split("/breeds/")[1].split("/")[0] for row in done.rows[:-1]} == {"pug", "hound-afghan"}
    assert done.rows[-1]["dataset"] == "sample-pug-hound-afghan"
    unknown = command("ingest", "sample", "--breed", "pugg", "--data", tmp_path / "d")
    assert (unknown.code, "did you mean pug?" in unknown.stderr) == (1, True)
    assert command("ingest", "random-fox", "--breed", "pug", "--data", tmp_path / "d").code == 2
