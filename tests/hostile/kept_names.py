"""Scenarios: names in URLs, and under which name each picture is kept, the same on any file system."""

from tests.hostile.scenario import Scenario, answer, picture

_LONG = "z" * 400

KEPT_AS: dict[str, tuple[str, str]] = {
    "climbing": ("/a/%2e%2e%2f%2e%2e%2fescape.jpg", "_.._.._escape.jpg"),
    "backslashes": ("/%5c..%5cwindows.jpg", "_.._windows.jpg"),
    "dots-only": ("/a/%2e%2e%2e.jpg", "_....jpg"),
    "encoded-twice": ("/%252e%252e%252ftwice.jpg", "_2e_2e_2ftwice.jpg"),
    "absolute": ("/%2Fetc%2Fpasswd", "_etc_passwd.jpg"),
    "a-nul": ("/nul%00byte.jpg", "nul_byte.jpg"),
    "line-ends": ("/line%0d%0aSet-Cookie%3a.jpg", "line__Set-Cookie_.jpg"),
    "an-escape": ("/%1b%5b31mred.jpg", "_[31mred.jpg"),
    "c1-control": ("/c1%c2%9bcontrol.jpg", "c1_control.jpg"),
    "right-to-left": ("/rtl%e2%80%aegpj.exe", "rtl_gpj.exe.jpg"),
    "isolates": ("/%e2%81%a6isolate%e2%81%a9.jpg", "_isolate_.jpg"),
    "zero-width": ("/zero%e2%80%8bwidth.jpg", "zero_width.jpg"),
    "a-tag": ("/tag%f3%a0%81%81.jpg", "tag_.jpg"),
    "a-device": ("/CON", "_CON.jpg"),
    "a-device-twice": ("/com1.tar.jpg", "_com1.tar.jpg"),
    "a-superscript-device": ("/LPT%c2%b9.jpg", "_LPT\u00b9.jpg"),
    "a-device-and-blanks": ("/aux%20%20.jpg", "_aux  .jpg"),
    "trailing-dots": ("/trailing-dots.jpg...", "trailing-dots.jpg"),
    "trailing-blanks": ("/trailing-blanks.jpg%20%20", "trailing-blanks.jpg"),
    "leading-blank": ("/%20leading.jpg", "leading.jpg"),
    "hidden": ("/.htaccess", "_.htaccess.jpg"),
    "an-option": ("/--help.jpg", "_--help.jpg"),
    "a-home": ("/~root.jpg", "_~root.jpg"),
    "a-formula": ("/=cmd()%7cx!a1.jpg", "=cmd()_x!a1.jpg"),
    "a-page": ("/page.php", "page.jpg"),
    "a-program": ("/dog.exe", "dog.exe.jpg"),
    "no-extension": ("/no-extension", "no-extension.jpg"),
    "no-name": ("/a/?id=7", "unnamed.jpg"),
    "a-query": ("/queried.jpg?name=../../x.png", "queried.jpg"),
    "composed": ("/caf%c3%a9.jpg", "caf\u00e9.jpg"),
    "decomposed": ("/cafe%cc%81.jpg", "cafe\u0301.jpg"),
    "an-emoji": ("/%f0%9f%90%b6.jpg", "\U0001f436.jpg"),
    "not-utf8": ("/%ff%fe.jpg", "\ufffd\ufffd.jpg"),
    "half-a-pair": ("/half%ed%a0%80.jpg", "half\ufffd\ufffd\ufffd.jpg"),
    "not-an-escape": ("/not%zz.jpg", "not%zz.jpg"),
    "upper-case": ("/CASE.JPG", "CASE.JPG"),
    "lower-case": ("/case.jpg", "case.jpg"),
    "too-long": (f"/{_LONG}.jpg", f"{'z' * 251}.jpg"),
    "too-many-bytes": (f"/{'%c3%a9' * 300}.jpg", f"{'é' * 125}.jpg"),
    "a-long-extension": (f"/y.{_LONG}", f"y.{'z' * 249}.jpg"),
}
"""Paths, and the names that their pictures get. Where two are equal but for case or Unicode form, both are kept."""


def _named(label: str, path: str, kept_as: str) -> Scenario:
    body = picture(label)
    does = answer(body, "Content-Type: image/jpeg")
    return Scenario(name=label, does=does, outcome="stored", reason="accepted", body=body, path=path, kept_as=kept_as)


SCENARIOS = [_named(f"name-{label}", path, kept_as) for label, (path, kept_as) in KEPT_AS.items()]
