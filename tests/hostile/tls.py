"""Scenarios: TLS."""

import ssl

from pupline.errors import Outcome, Reason
from tests.hostile.redirects import redirect
from tests.hostile.scenario import ATTEMPTS, GOOD, Behaviour, Scenario, Tls, Visit, answer, closing, picture


def secure(name: str, does: Behaviour, ended: tuple[Outcome, Reason], *, tls: Tls = "proper") -> Scenario:
    """A host with https URLs."""
    outcome, reason = ended
    return Scenario(
        name=name,
        does=does,
        outcome=outcome,
        reason=reason,
        body=picture(name) if outcome == "stored" else None,
        requests=ATTEMPTS,
        tls=tls,
        in_bulk=ended if tls != "proper" else None,
        is_alone=tls != "proper",
        needs_names=True,
    )


def downgraded(visit: Visit) -> None:
    """A redirect from https to http."""
    visit.send(redirect(visit.origins[GOOD] + "/downgraded.jpg"))


def ended_properly(visit: Visit) -> None:
    """A body until the end of the connection, which TLS announces."""
    visit.send(b"HTTP/1.0 200 OK\r\n\r\n" + picture("tls-ended"))
    assert isinstance(visit.sock, ssl.SSLSocket)
    visit.sock.unwrap()


STORED: tuple[Outcome, Reason] = ("stored", "accepted")

SCENARIOS = [
    secure("tls", answer(picture("tls")), STORED),
    secure("tls-ended", ended_properly, STORED),
    secure("tls-cut", closing(b"HTTP/1.0 200 OK\r\n\r\n" + picture("x")), ("failed", "incomplete_body")),
    secure("tls-downgraded", downgraded, ("refused", "blocked_address")),
    secure("tls-of-another-name", answer(b"x"), ("failed", "connection_error"), tls="other-name"),
    secure("tls-that-is-plain", closing(answer(b"x")), ("failed", "connection_error"), tls="plain"),
    secure("tls-that-is-silent", lambda visit: visit.hang(), ("failed", "timeout"), tls="plain"),
]
