"""The pages of executions: the list, one execution, its tabs and its panel."""

import re
from html import unescape
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from tests.console.executions.conftest import ITEMS, MARKUP, PREFIX
from tests.shared.console_world import FAILED, HOSTILE_RUN, REFUSED, SUCCEEDED

MANY, LOOP, HOSTILE, SLOW = (f"/executions/{PREFIX}:{name}:one" for name in ("Many", "Loop", "Hostile", "Slow"))


def _text(page: str) -> str:
    """What a reader sees of a page, on one line."""
    body = page[page.index("<main") : page.index("</main>")]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def _names(client: TestClient, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, _text(answer.text)
    return re.findall(r'data-pick value="([^"]+)"', answer.text)


def test_the_list_has_every_execution_newest_first_with_its_error(client: TestClient) -> None:
    """The error stands in the list, in plain words."""
    names = _names(client, f"/executions?run={HOSTILE_RUN}")
    assert len(names) == 12
    text = _text(client.get("/executions").text)
    assert "NotFound" in text
    assert "errorMessage" not in text


def test_failed_ones_come_first_on_demand(client: TestClient) -> None:
    """All that failed, and then the rest."""
    names = _names(client, f"/executions?run={HOSTILE_RUN}&order=failed")
    assert set(names[:3]) == {FAILED, REFUSED, "hostile-00011"}
    assert len(names) == 12


def test_filters_add_up_and_several_values_mean_any_of_them(client: TestClient) -> None:
    """They are all in the URL."""
    assert len(_names(client, f"/executions?run={HOSTILE_RUN}&status=FAILED&status=SUCCEEDED")) == 12
    assert _names(client, f"/executions?run={HOSTILE_RUN}&status=FAILED&error=NotFound") == [FAILED]
    assert _names(client, f"/executions?q={quote('NotFound ' + FAILED)}") == [FAILED]


def test_each_filter_that_is_on_can_be_removed(client: TestClient) -> None:
    """A chip leads to the same list without it."""
    page = client.get(f"/executions?run={HOSTILE_RUN}&status=FAILED&error=NotFound").text
    assert f'href="/executions?run={HOSTILE_RUN}&amp;status=FAILED"' in page
    assert 'href="/executions?status=FAILED&amp;error=NotFound"' in page


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("stauts=FAILED", "did you mean status"),
        ("status=BROKEN", "status"),
        ("since=someday", "since"),
        ("after=nonsense", "first page"),
        ("limit=0", "limit"),
        ("order=best", "order"),
    ],
)
def test_a_filter_that_cannot_be_understood_is_refused(client: TestClient, query: str, why: str) -> None:
    """With one clear line, on the page and in the API."""
    assert client.get(f"/executions?{query}").status_code == 400
    answer = client.get(f"/api/executions?{query}")
    assert answer.status_code == 400
    assert why in answer.json()["message"]


def test_pages_follow_each_other_without_gaps_and_repetitions(client: TestClient) -> None:
    """Forwards and back again."""
    every = _names(client, "/executions?limit=500")
    seen, path, before = [], "/executions?limit=7", ""
    while path:
        page = client.get(path).text
        seen += re.findall(r'data-pick value="([^"]+)"', page)
        before = path
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = unescape(found.group(1)) if found else ""
    assert seen == every
    found = re.search(r'rel="prev" href="([^"]+)"', client.get(before).text)
    assert found
    assert _names(client, unescape(found.group(1))) == every[-len(_names(client, before)) - 7 :][:7]


def test_an_empty_list_says_what_to_do(empty_client: TestClient) -> None:
    """A button, and the command that does the same."""
    text = _text(empty_client.get("/executions").text)
    assert "No executions yet" in text
    assert "pupline run --source sample" in text


def test_a_list_that_nothing_matches_offers_to_clear_the_filters(client: TestClient) -> None:
    """It does not look like an empty directory."""
    text = _text(client.get("/executions?q=zzzzzz").text)
    assert "No execution matches" in text
    assert "Clear all" in text


def test_the_failure_stands_above_the_graph(client: TestClient) -> None:
    """State, attempt, error in plain words, and what to do next."""
    page = client.get(f"/executions/{FAILED}").text
    text = _text(page)
    assert page.index('id="failure-title"') < page.index('id="graph"')
    assert "FetchAndUploadDogImage failed on its only attempt" in text
    assert "Nothing is at this URL any more" in text
    assert "What to do next." in text
    assert "ended in FailState" in text
    assert " --data " in text.split("A redrive would not help")[1].split("Graph")[0]


def test_the_state_that_failed_is_open_at_first(client: TestClient) -> None:
    """With its input, output, attempt and definition."""
    text = _text(client.get(f"/executions/{REFUSED}").text)
    for word in ("Input", "Output", "Attempt 1", "Definition", "Run again from here"):
        assert word in text


def test_the_image_stands_next_to_the_execution(client: TestClient) -> None:
    """With its record."""
    page = client.get(f"/executions/{SUCCEEDED}").text
    assert "image-card" in page
    assert "<img" in page


@pytest.mark.parametrize("tab", ["graph", "table", "events", "timeline"])
@pytest.mark.parametrize("path", [MANY, LOOP, HOSTILE, SLOW])
def test_every_tab_of_every_machine_shows(machines: TestClient, path: str, tab: str) -> None:
    """Executions of the Step Functions API are shown as those of pupline; text from outside stays text."""
    answer = machines.get(f"{path}?tab={tab}")
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert "<script>alert" not in answer.text
    assert "\u202e" not in answer.text
    assert "\x1b" not in answer.text
    assert "style=" not in answer.text


def test_events_come_by_page(machines: TestClient) -> None:
    """Each once, whatever the length of the history."""
    api = f"/api{LOOP}"
    events = machines.get(api).json()["events"]
    seen: list[int] = []
    after = ""
    while True:
        answer = machines.get(f"{api}/events?limit=40{after}").json()
        seen += [item["id"] for item in answer["items"]]
        assert answer["count"] == events
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert seen == list(range(1, events + 1))
    last = machines.get(f"{LOOP}?tab=events&order=newest").text
    assert last.index(f'id="event-{events}"') < last.index(f'id="event-{events - 1}"')


def test_events_of_one_type_only(machines: TestClient) -> None:
    """The form counts what there is."""
    answer = machines.get(f"/api{LOOP}/events?type=ChoiceStateEntered").json()
    assert answer["count"] == 50
    assert "ChoiceStateEntered (50)" in _text(machines.get(f"{LOOP}?tab=events").text)


def test_a_state_that_was_visited_often_has_each_visit(machines: TestClient) -> None:
    """With links to the one before and the one after."""
    visits = machines.get(f"/api{LOOP}/visits?limit=200").json()["items"]
    third = [visit["visit"] for visit in visits if visit["state"] == "Count"][2]
    page = machines.get(f"{LOOP}?state=Count&visit={third}")
    assert "Visit 3 of 50" in _text(page.text)
    assert '"n": 3' in unescape(page.text)


def test_a_state_or_visit_that_does_not_exist_is_not_found(machines: TestClient) -> None:
    """One clear line."""
    assert machines.get(f"{LOOP}?state=Nowhere").status_code == 404
    assert machines.get(f"{LOOP}?state=Count&visit=1").status_code == 404
    assert machines.get(f"{LOOP}?visit=1").status_code == 400
    assert machines.get("/executions/nothing").status_code == 404


def test_a_map_leads_to_its_children_by_status(machines: TestClient) -> None:
    """One node with counts; the list filters, pages and searches."""
    failed = ITEMS // 4
    text = _text(machines.get(f"{MANY}?state=Each").text)
    assert f"{failed} failed" in text
    answer = machines.get(f"/api{MANY}/children?status=FAILED&limit=10").json()
    assert answer["count"] == failed
    assert {item["error"] for item in answer["items"]} == {"Odd"}
    rest = machines.get(f"/api{MANY}/children?status=FAILED&limit=10&after={answer['next']}").json()
    assert len({item["execution"] for item in answer["items"] + rest["items"]}) == failed
    assert machines.get(f"/api{MANY}/children?q=not+wanted").json()["count"] == failed
    assert f"Failed {failed}" in _text(machines.get(f"{MANY}/children").text)


def test_a_child_execution_has_a_page_like_any_other(machines: TestClient) -> None:
    """It names its parent, and says that it is redriven with it."""
    child = machines.get(f"/api{MANY}/children?status=FAILED&limit=1").json()["items"][0]["execution"]
    text = _text(machines.get(f"{MANY}/children/{child}").text)
    assert "Refuse failed" in text
    assert "this one is not wanted" in text
    assert machines.get(f"/api{MANY}/children/{child}").json()["parent"] == f"{PREFIX}:Many:one"
    assert machines.get(f"{MANY}/children/nobody").status_code == 404


def test_all_state_machines_are_listed(machines: TestClient) -> None:
    """With their latest execution, and how many run."""
    found = {item["name"]: item for item in machines.get("/api/machines").json()["items"]}
    assert found.keys() == {"Many", "Loop", "Hostile", "Surrogate", "Slow"}
    assert found["Slow"]["running"] == 1
    assert "Many" in _text(machines.get("/machines").text)


def test_variables_are_shown_as_text(machines: TestClient) -> None:
    """Those that the state assigned."""
    page = machines.get(f"{HOSTILE}?state={quote(MARKUP)}").text
    assert "assigned here" in page
    assert "&lt;script&gt;" in page


def test_documents_can_be_downloaded_whole(machines: TestClient) -> None:
    """As JSON."""
    assert machines.get(f"/api{HOSTILE}/documents/input").json() == {"x": MARKUP}
    assert machines.get(f"/api{HOSTILE}/documents/definition").json()["StartAt"] == MARKUP
    assert machines.get(f"/api{HOSTILE}/documents/history").json()[0]["type"] == "ExecutionStarted"
    assert machines.get(f"/api{HOSTILE}/documents/secrets").status_code == 400


def test_a_search_that_fits_on_one_page_is_not_made_twice(client: TestClient) -> None:
    """The page itself is the count."""
    answer = client.get(f"/api/executions?q={FAILED}").json()
    assert (answer["count"], answer["count_is_capped"]) == (1, False)
    assert len(answer["items"]) == 1


def test_a_page_of_the_longest_histories_stays_small(machines: TestClient) -> None:
    """Each tab shows a part of them, whatever their length."""
    for tab in ("graph", "table", "events", "timeline"):
        assert len(machines.get(f"{LOOP}?tab={tab}").content) < 130_000


HALF = f"/executions/{PREFIX}:Surrogate:one"


@pytest.mark.parametrize(
    "path",
    [
        *(f"{HALF}?tab={tab}" for tab in ("graph", "table", "events", "timeline")),
        f"{HALF}?state=End",
        "/executions",
        "/machines/Surrogate",
        f"/api{HALF}",
        f"/api{HALF}/events",
        f"/api{HALF}/visits",
        f"/api{HALF}/state?state=End",
        f"/api{HALF}/documents/history",
        f"/api{HALF}/documents/definition",
        "/api/executions",
        "/api/machines/Surrogate",
    ],
)
def test_half_a_surrogate_pair_breaks_no_page(machines: TestClient, path: str) -> None:
    """JSON can name characters that UTF-8 cannot write."""
    assert machines.get(path).status_code == 200
