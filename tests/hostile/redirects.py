"""Scenarios: where a redirect leads."""

from tests.hostile.scenario import answer, refused


def redirect(location: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return answer(b"", f"Location: {location}", status=status)


SCENARIOS = [
    refused("to-metadata", redirect("http://169.254.169.254/latest/meta-data/"), "blocked_address"),
    refused("to-a-file", redirect("file:///etc/passwd"), "invalid_url"),
    refused("to-itself", redirect("/to-itself.jpg"), "too_many_redirects"),
]
