"""What the quality pass found stands next to the image, as facts."""

from pathlib import Path

import pytest

from pupline.console import ConsoleSettings, create_app
from pupline.local import GroupRow, LocalBackend, QualityRow
from tests.console.conftest import console_client

_FOUND = {"blur": 0.25, "darkness": 0.5, "camera": "Canon <b>EOS</b>", "has_gps": True}


@pytest.mark.slow
def test_findings_groups_and_reviews_are_facts(own_world: Path) -> None:
    """Scores, camera, near-duplicates with their pictures, and what a person decided."""
    with console_client(create_app(ConsoleSettings(data_dir=own_world))) as client:
        items = client.get("/api/gallery?dataset=sample&outcome=stored&outcome=duplicate").json()["items"]
        by_hash = {item["sha256"]: item for item in items}
        first, second = list(by_hash)[:2]
        assert client.get(f"/api/gallery/{by_hash[first]['id']}").json()["quality"] is None
        with LocalBackend.open(own_world, exclusive=True) as backend:
            table = backend.quality()
            table.save([QualityRow(name, "1", "Pillow", _FOUND) for name in (first, second)])
            table.add_groups("sample", "rule", [GroupRow(first, first, 0), GroupRow(second, first, 3)])
            table.decide("sample", [second], "drop")
        found = client.get(f"/api/gallery/{by_hash[second]['id']}").json()["quality"]
        assert found["findings"] == _FOUND
        assert (found["decision"], found["group_size"], len(found["near"])) == ("drop", 2, 1)
        near = client.get(f"/api/gallery/{found['near'][0]}").json()
        assert near["image"]["sha256"] == first
        page = client.get(f"/gallery/{by_hash[second]['id']}").text
        for fact in ("Near-duplicates", "drop", "Canon &lt;b&gt;EOS&lt;/b&gt;", f"/gallery/{found['near'][0]}"):
            assert fact in page
        assert "this image came first" in client.get(f"/gallery/{by_hash[first]['id']}").text
