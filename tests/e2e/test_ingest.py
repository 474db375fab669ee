"""`pupline ingest` from outside: what is asked for, what comes of it, and the options that leave something out."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import check_ingest, check_nothing_half_done, objects, records_of, rows
from tests.e2e.ingest_kennel import Kennel, kennel_of, serving
from tests.shared.installed import pupline


def results(done: Any) -> list[dict[str, Any]]:
    """What --json printed of the images."""
    return [json.loads(line) for line in done.stdout.splitlines()[:-1]]


def summary(done: Any) -> dict[str, Any]:
    """The last line of what --json printed."""
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def plain_kennel(count: int) -> Kennel:
    """`count` sound images of one breed."""
    return Kennel({f"pug/n{number:04}.jpg": jpeg(number) for number in range(count)})


def test_everything_that_a_source_names_is_there_once(tmp_path: Path) -> None:
    """Breeds and sub-breeds, flaws and hostile names: each image once, each flaw by its name, one line for each."""
    kennel = kennel_of(160)
    with serving(kennel) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--dataset", "dogs", "--run-id", "r", "--json")
        assert done.returncode == 1, done.stderr
        outcomes = check_ingest(tmp_path, kennel, "r")
    lines = results(done)
    assert {line["execution"]: line["outcome"] for line in lines} == {
        name: record["outcome"] for name, record in records_of(tmp_path, "r").items()
    }
    assert {line["status"] for line in lines if line["outcome"] in {"failed", "refused"}} == {"FAILED"}
    assert {line["status"] for line in lines if line["outcome"] not in {"failed", "refused"}} == {"SUCCEEDED"}
    assert Counter(summary(done)["outcomes"]) == outcomes
    assert "execution" not in summary(done)


def test_no_name_leaves_its_directory(tmp_path: Path) -> None:
    """Whatever the URLs say, all files are below the dataset's prefixes; names that differ in case are two files."""
    kennel = kennel_of(48)
    with serving(kennel) as base_url:
        pupline(tmp_path / "data", "ingest", base_url, "--dataset", "dogs", "--run-id", "r")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    root = tmp_path / "data" / "buckets" / "dog-images"
    assert {path.relative_to(root).parts[:2] for path in objects(tmp_path / "data", "html")} == {("html", "dogs")}
    names = [path.name for path in objects(tmp_path / "data", "html")]
    assert len({name.casefold() for name in names}) == len(names)


def test_a_second_run_asks_with_validators_and_gets_no_bytes(tmp_path: Path) -> None:
    """What the server says is unchanged is a duplicate, recorded as such; no body is sent again."""
    kennel = plain_kennel(40)
    with serving(kennel) as base_url:
        assert pupline(tmp_path, "ingest", base_url, "--run-id", "one").returncode == 0
        kennel.forget()
        done = pupline(tmp_path, "ingest", base_url, "--run-id", "two", "--json")
    assert done.returncode == 0, done.stderr
    assert (kennel.total_sent, kennel.held.total()) == (0, 40)
    assert {(line["outcome"], line["reason"]) for line in results(done)} == {("duplicate", "not_modified")}
    assert len(objects(tmp_path, "html")) == 40


def test_incremental_does_not_ask_for_what_the_dataset_has(tmp_path: Path) -> None:
    """Known addresses are counted and get no record; new ones are fetched."""
    kennel = plain_kennel(30)
    with serving(kennel) as base_url:
        pupline(tmp_path, "ingest", base_url, "--run-id", "one")
        kennel.forget()
        kennel.images["pug/new.jpg"] = jpeg(1000)
        done = pupline(tmp_path, "ingest", base_url, "--run-id", "two", "--incremental", "--json")
    assert done.returncode == 0, done.stderr
    assert kennel.asked == {"pug/new.jpg": 1}
    assert [line["source_url"] for line in results(done)] == [kennel.url("pug/new.jpg")]
    assert summary(done)["known"] == 30


def test_stop_after_known_ends_the_listing(tmp_path: Path) -> None:
    """So many known addresses in a row, and what comes behind them is not listed."""
    kennel = plain_kennel(30)
    listing = tmp_path / "urls.txt"
    with serving(kennel):
        urls = [kennel.url(path) for path in kennel.images]
        options = ("--dataset", "dogs", "--allow-origin", kennel.origin, "--json")
        listing.write_text("\n".join(urls[:20]) + "\n")
        assert pupline(tmp_path / "data", "ingest", listing, *options).returncode == 0
        newest_first = tmp_path / "newest.txt"
        newest_first.write_text("\n".join([*urls[20:25], *urls[:20], *urls[25:]]) + "\n")
        kennel.forget()
        done = pupline(tmp_path / "data", "ingest", newest_first, *options, "--incremental", "--stop-after-known", 5)
    assert done.returncode == 0, done.stderr
    assert kennel.asked == dict.fromkeys([f"pug/n{number:04}.jpg" for number in range(20, 25)], 1)


def test_count_is_of_different_images(tmp_path: Path) -> None:
    """An address that is named twice counts once, and is fetched once."""
    kennel = plain_kennel(10)
    listing = tmp_path / "urls.txt"
    with serving(kennel):
        urls = [kennel.url(path) for path in kennel.images]
        listing.write_text("\n".join(url for url in urls for _ in range(2)))
        options = ("--allow-origin", kennel.origin, "--count", 6, "--json")
        done = pupline(tmp_path / "data", "ingest", listing, *options)
    assert done.returncode == 0, done.stderr
    assert kennel.asked == dict.fromkeys(list(kennel.images)[:6], 1)
    assert len(results(done)) == 6


def test_more_failures_than_tolerated_stop_the_run(tmp_path: Path) -> None:
    """Exit code 3, with the reason in the summary; --resume, with a larger tolerance, fetches what is left."""
    kennel = plain_kennel(400)
    kennel.flaws = dict.fromkeys(list(kennel.images)[:80], "gone")
    kennel.delay_seconds = 0.01
    command = ("ingest", "--dataset", "dogs", "--run-id", "r", "--tolerate", 5, "--concurrency", 8, "--json")
    with serving(kennel) as base_url:
        done = pupline(tmp_path, *command, base_url)
        assert done.returncode == 3, done.stderr
        told = summary(done)
        assert (told["status"], told["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")
        assert kennel.asked.total() < 400
        kennel.mend()
        done = pupline(tmp_path, "ingest", "--resume", "--dataset", "dogs", "--tolerate", 50, "--json")
    assert done.returncode == 1, done.stderr
    assert len(records_of(tmp_path, "r")) == 400
    assert summary(done)["status"] == "SUCCEEDED"
    check_nothing_half_done(tmp_path)


def test_the_same_bytes_in_another_dataset_are_kept_once(tmp_path: Path) -> None:
    """Datasets share what they hold: the second one's records point to the object of the first."""
    kennel = plain_kennel(12)
    with serving(kennel) as base_url:
        pupline(tmp_path, "ingest", base_url, "--dataset", "one", "--run-id", "one")
        pupline(tmp_path, "ingest", base_url, "--dataset", "two", "--run-id", "two")
    assert len(objects(tmp_path, "html")) == 12
    first, second = records_of(tmp_path, "one"), records_of(tmp_path, "two")
    assert {record["outcome"] for record in second.values()} == {"duplicate"}
    assert sorted(record["image_url"] for record in second.values()) == sorted(
        record["image_url"] for record in first.values()
    )


def test_dry_run_asks_for_no_image_and_keeps_nothing(tmp_path: Path) -> None:
    """The addresses on stdout, how many on stderr; with --json the items themselves."""
    kennel = plain_kennel(50)
    with serving(kennel) as base_url:
        done = pupline(tmp_path / "data", "ingest", base_url, "--dry-run", "--count", 5)
        as_json = pupline(tmp_path / "data", "ingest", base_url, "--dry-run", "--json")
    assert done.stdout.splitlines() == [kennel.url(f"pug/n{number:04}.jpg") for number in range(5)]
    assert "Nothing was fetched" in done.stderr
    assert [json.loads(line)["url"] for line in as_json.stdout.splitlines()] == [
        kennel.url(path) for path in kennel.images
    ]
    assert kennel.asked.total() == 0
    assert not (tmp_path / "data").exists()


def test_robots_are_heeded_unless_told_not_to(tmp_path: Path) -> None:
    """robots.txt is asked for once, before any image; what it disallows is refused without a request."""
    kennel = plain_kennel(6)
    kennel.images |= {f"husky/n{number}.jpg": jpeg(100 + number) for number in range(4)}
    kennel.robots = "User-agent: *\nDisallow: /images/breeds/husky/\n"
    with serving(kennel) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--run-id", "r", "--json")
        assert done.returncode == 1, done.stderr
        refused = [line for line in results(done) if line["outcome"] == "refused"]
        assert {line["reason"] for line in refused} == {"robots_disallowed"}
        assert {path.partition("/")[0] for path in kennel.asked} == {"pug"}
        assert (len(refused), kennel.lists["/robots.txt"]) == (4, 1)
        done = pupline(tmp_path, "ingest", base_url, "--run-id", "s", "--ignore-robots", "--json")
    assert done.returncode == 0, done.stderr
    assert kennel.lists["/robots.txt"] == 1


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with one finished run of the sample, twelve records. Only to be read."""
    data = tmp_path_factory.mktemp("ingested")
    assert pupline(data, "ingest", "sample", "--run-id", "done").returncode == 0
    return data


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "name a source"),
        ("smaple", "sample"),
        ("sample --resume --dataset other", "other"),
        ("--retry-failed nothing", "nothing"),
        ("--retry-failed done --dry-run", "leave --retry-failed out"),
        ("sample --retry-failed done --dry-run", "leave --retry-failed out"),
        ("sample --incremental --dry-run", "leave --incremental out"),
        ("--resume", "unfinished"),
        ("sample --run-id done --count 3", "done"),
        ("sample --count 0", "--count"),
        ("sample --tolerate 101", "--tolerate"),
        ("sample --rate 0", "--rate"),
        ("sample --backend aws --stack s", "--workflow"),
        ("sample --stack s", "--backend aws"),
        ("sample --allow-origin http://h/path", "origin"),
        ("sample --run-id a/b", "run id"),
        ("sample --dataset ../x", "dataset"),
    ],
)
def test_what_cannot_work_is_one_clear_line_and_exit_code_2(ingested: Path, words: str, says: str) -> None:
    """It names what is wrong; nothing is printed on stdout, nothing is begun."""
    done = pupline(ingested, "ingest", *words.split())
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert len(rows(ingested, "audit")) == 12
