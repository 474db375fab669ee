"""Scenarios: where a redirect leads."""

from collections.abc import Callable

from tests.hostile.scenario import GOOD, Scenario, Visit, accepted, answer, failed, picture, refused


def redirect(location: str, status: str = "302 Found", *headers: str) -> bytes:
    """A redirect."""
    return answer(b"", f"Location: {location}", *headers, status=status)


def led_astray(name: str, *pieces: str | Callable[[str], str], status: str = "302 Found") -> Scenario:
    """A redirect to a good host: its picture is stored. pieces: of the Location, made from that host's origin."""
    path = f"/from-{name}.jpg"

    def serve(visit: Visit) -> None:
        origin = visit.origins[GOOD]
        visit.send(
            redirect("".join(piece if isinstance(piece, str) else piece(origin) for piece in pieces) + path, status)
        )

    return Scenario(name=name, does=serve, outcome="stored", reason="accepted", body=picture(GOOD + path))


def itself(origin: str) -> str:
    """The good host."""
    return origin


def steps(last: Callable[[bytes], bytes], count: int) -> Callable[[bytes], Callable[[Visit], None]]:
    """So many redirects on the scenario's own host, then the picture."""

    def does(body: bytes) -> Callable[[Visit], None]:
        def serve(visit: Visit) -> None:
            path, _, number = visit.path.partition("?")
            step = int(number or 0)
            visit.send(last(body) if step == count else redirect(f"{path}?{step + 1}"))

        return serve

    return does


def endless_redirect(visit: Visit) -> None:
    """A redirect with a body that never ends."""
    visit.send(b"HTTP/1.1 302 Found\r\nLocation: /robots.txt\r\n\r\n")
    visit.repeat(b"x" * 65_536)


BLOCKED = {
    "to-metadata": "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
    "to-metadata-in-ipv6": "http://[::ffff:169.254.169.254]/",
    "to-metadata-by-nat64": "http://[64:ff9b::a9fe:a9fe]/",
    "to-metadata-by-6to4": "http://[2002:a9fe:a9fe::1]/",
    "to-metadata-of-ec2": "http://[fd00:ec2::254]/latest/",
    "to-metadata-of-ecs": "http://169.254.170.2/v2/credentials/",
    "to-metadata-of-alibaba": "http://100.100.100.200/latest/",
    "to-metadata-of-azure": "http://168.63.129.16/",
    "to-metadata-of-oracle": "http://192.0.0.192/",
    "to-loopback": "http://127.0.0.1/",
    "to-loopback-2": "http://127.255.255.254:8080/",
    "to-loopback-in-ipv6": "http://[::1]/",
    "to-loopback-by-name": "http://localhost/",
    "to-loopback-compatible": "http://[::127.0.0.1]/",
    "to-nowhere": "http://0.0.0.0/",
    "to-nowhere-in-ipv6": "http://[::]/",
    "to-private-10": "http://10.0.0.1/admin",
    "to-private-172": "http://172.16.0.1/",
    "to-private-192": "http://192.168.0.1/",
    "to-private-fc": "http://[fc00::1]/",
    "to-carrier-nat": "http://100.64.0.1/",
    "to-benchmarking": "http://198.18.0.1/",
    "to-documentation": "http://203.0.113.7/",
    "to-multicast": "http://224.0.0.1/",
    "to-broadcast": "http://255.255.255.255/",
    "to-reserved": "http://240.0.0.1/",
    "to-link-local": "http://[fe80::1]/",
    "to-private-without-scheme": "//10.0.0.1/",
    "to-private-in-capitals": "HTTP://10.0.0.1/",
    "to-private-on-8080": "http://10.0.0.1:8080/",
}

INVALID = {
    "to-a-file": "file:///etc/passwd",
    "to-ftp": "ftp://10.0.0.1/dog.jpg",
    "to-gopher": "gopher://10.0.0.1:6379/_FLUSHALL",
    "to-data": "data:image/jpeg;base64,/9j/4AAQ",
    "to-javascript": "javascript:alert(1)",
    "to-decimal": "http://2130706433/",
    "to-octal": "http://0177.0.0.1/",
    "to-hex": "http://0x7f000001/",
    "to-hex-in-parts": "http://0x7f.0.0.1/",
    "to-short": "http://127.1/",
    "to-zero": "http://0/",
    "to-a-dot-behind": "http://127.0.0.1./",
    "to-five-parts": "http://127.0.0.1.1/",
    "to-large-parts": "http://127.0.0.256/",
    "to-userinfo": "http://images.example@10.0.0.1/",
    "to-empty-userinfo": "http://@10.0.0.1/",
    "to-userinfo-in-percent": "http://images.example%40good@10.0.0.1/",
    "to-a-percent-host": "http://127%2e0%2e0%2e1/",
    "to-a-zone": "http://[fe80::1%25lo]/",
    "to-a-bracket": "http://[127.0.0.1]/",
    "to-half-a-bracket": "http://[::1/",
    "to-port-0": "http://10.0.0.1:0/",
    "to-port-99999": "http://10.0.0.1:99999/",
    "to-a-signed-port": "http://10.0.0.1:+80/",
    "to-two-ports": "http://10.0.0.1:80:80/",
    "to-no-host": "http:///dog.jpg",
    "to-no-host-without-scheme": "///10.0.0.1/",
    "to-one-slash": "http:/10.0.0.1/",
    "to-no-slash": "http:10.0.0.1",
    "to-a-backslash": "http://good.example\\@10.0.0.1/",
    "to-backslashes": "\\\\10.0.0.1\\dog.jpg",
    "to-a-tab": "http://10.0.\t0.1/",
    "to-a-long-url": "/" + "a" * 5000,
    "to-a-long-name": "http://" + "a" * 300 + ".example/",
    "to-full-width": "http://\uff11\uff12\uff17.0.0.1/".encode().decode("latin-1"),
    "to-ideographic-dots": "http://127\u30020\u30020\u30021/".encode().decode("latin-1"),
    "to-a-soft-hyphen": "http://loc\u00adalhost/".encode().decode("latin-1"),
    "to-circled-digits": "http://\u2460\u2461\u2466.0.0.1/".encode().decode("latin-1"),
}

SCENARIOS = [
    *[led_astray(f"moved-{code}", itself, status=f"{code} Moved") for code in (301, 302, 303, 307, 308)],
    led_astray("moved-without-scheme", lambda origin: origin.removeprefix("http:")),
    accepted("five-steps", steps(answer, 5)),
    accepted(
        "one-step-in-dots",
        lambda body: (
            lambda visit: visit.send(
                answer(body) if "?" in visit.path else redirect("./.././../one-step-in-dots.jpg?x")
            )
        ),
    ),
    accepted(
        "a-query-of-line-ends",
        lambda body: lambda visit: visit.send(answer(body) if "?" in visit.path else redirect("?a%0d%0aHost:%20x%00")),
    ),
    *[refused(name, redirect(location), "blocked_address") for name, location in BLOCKED.items()],
    *[refused(name, redirect(location), "invalid_url") for name, location in INVALID.items()],
    refused("to-itself", redirect("/to-itself.jpg"), "too_many_redirects"),
    refused("to-itself-by-a-fragment", redirect("#x"), "too_many_redirects"),
    refused("to-itself-by-nothing", redirect(""), "too_many_redirects"),
    refused(
        "to-and-fro",
        lambda visit: visit.send(redirect("/to-and-fro.jpg" if "?" in visit.path else "?x")),
        "too_many_redirects",
    ),
    refused("six-steps", steps(answer, 6)(b""), "too_many_redirects"),
    failed("endless-redirect", endless_redirect, "not_found"),
    failed("without-a-location", answer(b"", status="302 Found"), "http_error"),
    failed("with-two-locations", answer(b"", "Location: /a", "Location: /b", status="302 Found"), "http_error"),
    failed("multiple-choices", answer(b"", "Location: http://10.0.0.1/", status="300 Multiple Choices"), "http_error"),
    accepted("refreshed", lambda body: answer(body, "Refresh: 0; url=http://10.0.0.1/", "Location: http://10.0.0.1/")),
    failed("refused-and-moved", answer(b"", "Location: http://10.0.0.1/", status="403 Forbidden"), "http_error"),
]
