"""URLs are read in one way only, and anything that could be read in two is refused."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Origin, Url
from pupline.text import printable

REFUSED = [
    ("", "not an absolute URL"),
    ("images/dog.jpg", "not an absolute URL"),
    ("//host/dog.jpg", "not an absolute URL"),
    ("http:/host/dog.jpg", "not an absolute URL"),
    ("ftp://host/dog.jpg", "only http and https"),
    ("file:///etc/passwd", "only http and https"),
    ("gopher://127.0.0.1:25/_x", "only http and https"),
    ("jar:http://host/!/x", "not an absolute URL"),
    ("http:///dog.jpg", "host is missing"),
    ("http://", "host is missing"),
    ("http://user@host/", "user name or password"),
    ("http://user:secret@host/", "user name or password"),
    ("http://dog.ceo@127.0.0.1/", "user name or password"),
    ("http://127.0.0.1\\@dog.ceo/", "backslash"),
    ("http://host\\path", "backslash"),
    ("ht\ntp://host/", "control character"),
    ("http://ho\tst/", "control character"),
    ("http://host/\r\nHost: other", "control character"),
    ("http://host/\x00", "control character"),
    ("http://host/\x85", "control character"),
    ("http://host/\u2028", "control character"),
    (" http://host/", "space"),
    ("http://host/ ", "space"),
    ("\u00a0http://host/", "space"),
    ("http://ho st/", "not a DNS name"),
    ("http://host../", "not a DNS name"),
    ("http://./", "not a DNS name"),
    ("http://2130706433./", "ends in a dot"),
    ("http://0x7f./", "ends in a dot"),
    ("http://127.0.0.1./", "ends in a dot"),
    ("http://a..b/", "not a DNS name"),
    ("http://.a/", "not a DNS name"),
    ("http://-a.b/", "not a DNS name"),
    ("http://a%2eb/", "not a DNS name"),
    ("http://127.0.0.1%2f@host/", "user name or password"),
    (f"http://{'a' * 64}.b/", "not a DNS name"),
    (f"http://{'a.' * 130}b/", "not a DNS name"),
    ("http://2130706433/", "oddly written IPv4"),
    ("http://0177.0.0.1/", "oddly written IPv4"),
    ("http://0x7f.0.0.1/", "oddly written IPv4"),
    ("http://0x7f000001/", "oddly written IPv4"),
    ("http://0x/", "oddly written IPv4"),
    ("http://127.1/", "oddly written IPv4"),
    ("http://127.0.1/", "oddly written IPv4"),
    ("http://127.0.0.01/", "oddly written IPv4"),
    ("http://256.0.0.1/", "oddly written IPv4"),
    ("http://1.2.3.4.5/", "oddly written IPv4"),
    ("http://a.b.c.1/", "oddly written IPv4"),
    ("http://1.1.1.0X7F/", "oddly written IPv4"),
    ("http://\uff11\uff12\uff17.0.0.1/", "systems read differently"),
    ("http://127\u30020\u30020\u30021/", "systems read differently"),
    ("http://\u2460\u2461\u2466.0.0.1/", "systems read differently"),
    ("http://loc\u00adalhost/", "systems read differently"),
    ("http://\u212aelvin.example/", "systems read differently"),
    ("http://fa\u00df.example/", "systems read differently"),
    ("http://fa\u00df\u00df.example/", "systems read differently"),
    ("http://\u03b4\u03cc\u03bc\u03bf\u03c2.example/", "systems read differently"),
    ("http://a\u200db.example/", "systems read differently"),
    ("http://\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example/", "systems read differently"),
    ("http://\ufb01x.example/", "systems read differently"),
    ("http://\u24d0.example/", "systems read differently"),
    ("http://\u2488\u0031.example/", "systems read differently"),
    ("http://a\u2024b/", "systems read differently"),
    ("http://example\uff0ecom/", "systems read differently"),
    ("http://example\uff61com/", "systems read differently"),
    ("http://\u0130stanbul.example/", "systems read differently"),
    ("http://\u017fun.example/", "systems read differently"),
    ("http://a\u037eb.example/", "systems read differently"),
    ("http://\u05d0a.example/", "systems read differently"),
    ("http://a\u202eb.example/", "systems read differently"),
    ("http://\ue000.example/", "systems read differently"),
    ("http://xn--m\u00fcnchen.example/", "systems read differently"),
    ("http://m\u00fc nchen.example/", "not a DNS name"),
    ("http://m\u00fc%2enchen.example/", "not a DNS name"),
    ("http://" + "\u00fc" * 70 + ".example/", "not a DNS name"),
    ("http://" + "\u00fc." * 2000 + "example/", "not a DNS name"),
    ("http://\u0661\u0662\u0667.0.0.1/", "oddly written IPv4"),
    ("http://u@m\u00fcnchen.example/", "user name or password"),
    ("http://[::1/", "malformed"),
    ("http://[::1]x/", "malformed"),
    ("http://[fe80::1%25eth0]/", "no IPv6 address"),
    ("http://[fe80::1%eth0]/", "no IPv6 address"),
    ("http://[127.0.0.1]/", "no IPv6 address"),
    ("http://[v1.x]/", "no IPv6 address"),
    ("http://::1/", "host is missing"),
    ("http://2001:db8::1/", "oddly written IPv4"),
    ("http://127.1:/", "oddly written IPv4"),
    ("http://:/", "host is missing"),
    ("http://host::/", "the port"),
    ("http://host:0/", "the port"),
    ("http://host:080/", "the port"),
    ("http://host:65536/", "the port"),
    ("http://host:+80/", "the port"),
    ("http://host:\uff18\uff10/", "the port"),
    ("http://host:80:80/", "the port"),
    ("http://host/\ud800", "surrogate"),
    (f"http://host/{'a' * 4085}", "4097 characters"),
]


@pytest.mark.parametrize(("text", "why"), REFUSED, ids=lambda value: ascii(value)[:40])
def test_odd_urls_are_refused(text: str, why: str) -> None:
    """Each odd spelling is refused, with a short, printable text that says which oddity it is."""
    with pytest.raises(InvalidUrl, match=re.escape(why)) as caught:
        Url.parse(text)
    assert printable(str(caught.value), 400) == str(caught.value)


@pytest.mark.parametrize(
    ("text", "as_read"),
    [
        ("https://images.dog.ceo/breeds/hound-afghan/n1.jpg", "https://images.dog.ceo/breeds/hound-afghan/n1.jpg"),
        ("HTTP://Example.COM:80", "http://example.com/"),
        ("https://example.com:443/a?b=c#d", "https://example.com/a?b=c"),
        ("http://127.0.0.1:8099/api", "http://127.0.0.1:8099/api"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://my_host.local/a b/K\u00f6ter.jpg?q=\u00e9", "http://my_host.local/a%20b/K%C3%B6ter.jpg?q=%C3%A9"),
        ("http://h/%41%2e?x=%20", "http://h/%41%2e?x=%20"),
        ("http://h?x", "http://h/?x"),
        ("http://h/\u202egpj.exe", "http://h/%E2%80%AEgpj.exe"),
        ("http://xn--fa-hia.example/", "http://xn--fa-hia.example/"),
        ("http://m\u00fcnchen.example/x.jpg", "http://xn--mnchen-3ya.example/x.jpg"),
        ("http://M\u00dcNCHEN.EXAMPLE/x.jpg", "http://xn--mnchen-3ya.example/x.jpg"),
        ("http://mu\u0308nchen.example/", "http://xn--mnchen-3ya.example/"),
        ("https://www.m\u00fcnchen.example:443", "https://www.xn--mnchen-3ya.example/"),
        ("http://m\u00fcnchen.example.:8080/", "http://xn--mnchen-3ya.example:8080/"),
        ("http://\u4f8b\u3048.\u30c6\u30b9\u30c8/\u72ac.jpg", "http://xn--r8jz45g.xn--zckzah/%E7%8A%AC.jpg"),
        ("http://\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444/", "http://xn--e1afmkfd.xn--p1ai/"),
        ("http://\u0645\u062b\u0627\u0644.example/", "http://xn--mgbh0fb.example/"),
        ("http://\u2603.example/", "http://xn--n3h.example/"),
        ("http://\U0001f436.example/", "http://xn--bp8h.example/"),
        ("http://host./a", "http://host/a"),
        ("http://rex-.dogs_of.example/a", "http://rex-.dogs_of.example/a"),
        ("http://Dog.CEO.:80/a", "http://dog.ceo/a"),
        ("http://host:/", "http://host/"),
        ("https://host:", "https://host/"),
        ("https://host:?x", "https://host/?x"),
        ("http://[::1]:/", "http://[::1]/"),
        ("http://127.0.0.1:/", "http://127.0.0.1/"),
        ('http://h/a[1]{2}|3^4`5"6<7>8', "http://h/a%5B1%5D%7B2%7D%7C3%5E4%605%226%3C7%3E8"),
        ('http://h/?a[]=1&b={}|"', "http://h/?a%5B%5D=1&b=%7B%7D%7C%22"),
        ("http://h/%zz%4?%", "http://h/%zz%4?%"),
        ("http://h/a+b;c=d,e'(f)*!$&@:~", "http://h/a+b;c=d,e'(f)*!$&@:~"),
        ("http://h/a?b?c/d#e?f#g", "http://h/a?b?c/d"),
        ("http://h//a//b", "http://h//a//b"),
        (f"http://h/{'a' * 4087}", f"http://h/{'a' * 4087}"),
    ],
)
def test_plain_urls_are_read(text: str, as_read: str) -> None:
    """A plain URL comes out in one spelling: lower-case host, no default port or fragment, encoded path."""
    assert str(Url.parse(text)) == as_read


@given(st.text(max_size=30) | st.from_regex(r"https?://[\x00-\x7f]{0,20}(:[0-9]{0,6})?/?.{0,10}", fullmatch=True))
def test_a_url_is_read_alike_twice(text: str) -> None:
    """Whatever is accepted is plain ASCII without spaces, and reading it again gives the same."""
    try:
        url = Url.parse(text)
    except InvalidUrl:
        return
    assert re.fullmatch(r"https?://[a-z0-9._\[\]:-]+/[\x21-\x7e]*", str(url))
    assert Url.parse(str(url)) == url


@given(st.text(st.characters(exclude_characters="/?#:"), max_size=12), st.sampled_from(["", ".example", ".1"]))
def test_a_host_in_other_letters_is_what_idna_makes_of_it(label: str, rest: str) -> None:
    """What is accepted resolves, in any letter case and composition, as the standard library's IDNA has it."""
    try:
        host = Url.parse(f"http://{label}{rest}/").origin.host
    except InvalidUrl:
        return
    for spelling in (label, unicodedata.normalize("NFD", label), unicodedata.normalize("NFC", label)):
        assert Url.parse(f"http://{spelling}{rest}/").origin.host == host
    if host.isascii() and not label.isascii() and "." not in label:
        assert host.encode("ascii") == f"{label}{rest}".encode("idna")
        assert host.startswith("xn--")


PLAIN = st.from_regex(r"https?://[a-zA-Z0-9._-]{1,9}(:[0-9]{1,6})?(/[!-~]{0,9})?(\?[!-~]{0,9})?", fullmatch=True)


@given(PLAIN)
def test_the_short_way_of_reading_is_the_same(text: str) -> None:
    """Plain URLs are read in one go; what that gives, a refusal included, is what careful reading gives."""

    def read(parse: Callable[[str], Url]) -> Url | str:
        try:
            return parse(text)
        except InvalidUrl as err:
            return str(err)

    assert read(Url.parse) == read(Url._parse_carefully)


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/b", "http://h:81/b"),
        ("b?c", "http://h:81/x/b?c"),
        ("//other/b", "http://other/b"),
        ("https://other/b", "https://other/b"),
        ("../b#frag", "http://h:81/b"),
        ("?q", "http://h:81/x/y?q"),
        ("//other:/b c", "http://other/b%20c"),
        ("//m\u00fcnchen.example./b", "http://xn--mnchen-3ya.example/b"),
        ("k\u00f6ter.jpg", "http://h:81/x/k%C3%B6ter.jpg"),
        ("k%F6ter.jpg", "http://h:81/x/k%F6ter.jpg"),
        ("/a[1]|b", "http://h:81/a%5B1%5D%7Cb"),
        ("#frag", "http://h:81/x/y"),
        ("./../../b", "http://h:81/b"),
    ],
)
def test_locations_are_relative_to_where_they_came_from(location: str, there: str) -> None:
    """A Location is resolved against the URL that answered with it."""
    assert str(Url.parse("http://h:81/x/y").join(location)) == there


@pytest.mark.parametrize(
    "location",
    [
        *("file:///etc/passwd", "//127.1/", "http://u@h/", "/a\tb", " /b", "http://[::1", "javascript:alert(1)"),
        *("http:///10.0.0.1/", "///10.0.0.1/", "http:/b", "http:b"),  # a path to some, a host to others
    ],
)
def test_locations_are_guarded_like_urls(location: str) -> None:
    """A Location gets no milder reading than a URL."""
    with pytest.raises(InvalidUrl):
        Url.parse("http://h/x/y").join(location)


def test_origins_are_exact() -> None:
    """An origin is scheme, host and port; the default port and the case of the host make no difference."""
    assert Origin.parse("http://127.0.0.1:8099") == Origin("http", "127.0.0.1", 8099)
    assert Origin.parse("HTTPS://Dog.ceo:443/") == Origin("https", "dog.ceo", 443)
    assert Origin.parse("http://h") != Origin.parse("https://h")
    assert Origin.parse("http://localhost:1") != Origin.parse("http://127.0.0.1:1")
    assert [str(Origin.parse(text)) for text in ("http://[::1]:80", "https://h:80")] == ["http://[::1]", "https://h:80"]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("127.0.0.1:8099", "write scheme, host and port"),
        ("http://*.dog.ceo", "write scheme, host and port"),
        ("http://127.1:80", "write four decimal numbers"),
        ("http://h/api", "write http://h to allow all its paths"),
        ("http://h?x", "write http://h to allow all its paths"),
    ],
)
def test_origins_that_are_none_are_explained(text: str, advice: str) -> None:
    """Who types something else than an origin is told how to write one."""
    with pytest.raises(ConfigurationError, match=re.escape(advice)):
        Origin.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "line 16: a blank in the URL; write it as %20: http://ex ample.org/x.png",
        "line 2: an invisible character in the URL; take it out: http://a\\u200b.org/x.png",
        "value 7: no URL",
        "row 12: 'url' is not a URL: http://h\\x",
    ],
)
def test_a_row_that_says_why_it_has_no_url_has_the_last_word(text: str) -> None:
    """A second reason, or other advice, behind the row's own would mislead."""
    with pytest.raises(InvalidUrl) as caught:
        Url.parse(text)
    assert str(caught.value) == text
