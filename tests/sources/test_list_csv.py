"""CSV: whatever separates the cells and however they are quoted, no URL is fetched that the file does not hold."""

import csv
import io
import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Url
from pupline.sources import resolve
from tests.sources.list_files import items_of, listed, urls_of

A, B = "https://a.org/1.jpg", "https://a.org/2.jpg"


def fetchable(urls: list[str]) -> list[str]:
    """The URLs that would be asked for."""
    found = []
    for url in urls:
        try:
            Url.parse(url)
        except InvalidUrl:
            continue
        found.append(url)
    return found


def csv_urls(tmp_path: Path, text: str, suffix: str = "", name: str = "dogs.csv") -> list[str]:
    """The URLs of a CSV file with this text."""
    file = tmp_path / name
    file.write_bytes(text.encode())
    return urls_of(file, suffix)


@pytest.mark.parametrize(
    "text",
    [
        f"url;title\n{A};rex\n{B};bo\n",
        f"title\turl\nrex, the dog\t{A}\nbo\t{B}\n",
        f"url|title\n{A}|rex\n{B}|bo;x\n",
        f"sep=;\nurl;title\n{A};rex\n{B};bo\n",
        f"\ufeffsep=|\r\nurl|title\r\n{A}|rex\r\n{B}|bo\r\n",
        f"Name;Image URL;Price\nrex;{A};1,5\nbo;{B};2,5\n",
        f'"url";"title"\n"{A}";"a;b"\n"{B}";"c"\n',
        f"id,image_url\n1,{A}\n2,{B}\n",
        f"id,imageUrl,link_text\n1,{A},x\n2,{B},y\n",
        f"id,contentUrl\n1,{A}\n2,{B}\n",
        f"# made by hand\nurl,title\n# of rex\n{A},rex\n\n{B},bo\n",
        f"#url,title\n{A},rex\n{B},bo\n",
        f"url,title,\n{A},rex,\n{B},bo,\n",
        f"url,title\n{A},rex,\n{B},bo,\n",
        f"url\n{A},\n{B},\n",
        f"{A},\n{B},\n",
        f"{A}\trex\n{B}\tbo\n",
        f'"{A}","rex"\n"{B}","bo"\n',
        f"url,title\n{A},rex\n,\n{B},bo\n , \n",
        f"url,title,breed\n{A}\n{B},bo\n",
        f'"Image\nURL",title\n{A},rex\n{B},bo\n',
        f"url,title\r{A},rex\r{B},bo\r",
        f"url , title\n {A} , rex\n\u00a0{B}\u200b, bo\n",
    ],
)
def test_what_separates_the_cells_is_found_out(tmp_path: Path, text: str) -> None:
    """From the header and the rows: commas, semicolons, tabs, bars, a line of Excel, one more at the end of rows."""
    assert csv_urls(tmp_path, text) == [A, B]


@pytest.mark.parametrize(
    ("text", "urls", "words"),
    [
        ("url\nhttp://h/a/w_303,h_170/x.jpg\n", ["http://h/a/w_303,h_170/x.jpg"], []),
        (f"url\nhttp://h/a/w_303,h_170/x.jpg\n{A}\n", ["http://h/a/w_303,h_170/x.jpg", A], []),
        ("url,title\nhttp://h/w_303,h_170/x.jpg,rex\n", [], ["line 2: 3 cells where the header has 2"]),
        ("url,title\nhttp://h/w_1,h_2,c_3/x.jpg,\n" + f"{A},b\n", [A], ["line 2: 4 cells"]),
        ("url,title\nhttp://h/w_1,h_2/x.jpg,\nhttp://h/w_3,h_4/x.jpg,\n", [], ["line 2: 3 cells", "line 3: 3 cells"]),
        ("url,title,size\nhttp://h/w_1,h_2/x.jpg,,\n" + f"{A},b,1\n", [A], ["line 2: 4 cells"]),
        (f'url,title\n{A},"rex\n{B},bo\n', [B], ["line 2: its quotes cannot be read"]),
        (f'url,title\n{A},"rex" the dog\n{B},bo\n', [B], ["line 2: its quotes cannot be read"]),
        (f'url,title\n{A},5" pug\n{B},bo\n', [A, B], []),
        (f'url,title\n{A},"a\nb"\nx,y,z\n{B},bo\n', [A, B], ["line 4: 3 cells"]),
        (f"id,title,url\n1,rex the\ndog,{A}\n2,bo,{B}\n", [B], ["line 2: 2 cells", "line 3: 2 cells"]),
        (f"id,url,title\n1,{A},x\n2,https://a.org/2", [A], ["line 3: the file ends in this row"]),
        (f"url,title\n,rex\n{B},bo\n", [B], ["line 2: no URL"]),
        (f"url,title\n{A}\x00b,rex\n{B},bo\n", [B], [f"{A}\x00b"]),
        (f"url,title\n{A},{'x' * 2**20}\n{B},bo\n", [B], ["line 2: longer than 1 MiB"]),
        (f'url,title\n{A},"{"x" * 2**18}"\n{B},bo\n', [B], ["line 2: its quotes cannot be read (field larger"]),
        (f"url,title\n{A} {B},two\n{B},bo\n", [B], ["line 2: a blank in the URL"]),
        (f"url\n{A};rex\n{B}\n", [B], ["line 2: it goes on after what may be the whole URL"]),
        (f"url\n{A},rex\n{B}|bo\n", [], ["line 2: it goes on", "line 3: it goes on"]),
        (f'url\n"{A},rex"\n{B}\n', [f"{A},rex", B], []),
        (f"{A};rex\n{B}\n", [B], ["line 1: it goes on"]),
    ],
)
def test_rows_that_cannot_be_read_in_one_way_are_items_that_say_so(
    tmp_path: Path, text: str, urls: list[str], words: list[str]
) -> None:
    """Each at its place, and none of them can be fetched; the rows around them are as they would be without them."""
    found = csv_urls(tmp_path, text)
    assert fetchable(found) == urls
    others = [url for url in found if url not in urls]
    assert len(others) == len(words)
    assert all(other.startswith(word) for other, word in zip(others, words, strict=True)), others


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{A},rex\n{B},bo\n", "no header, and ',' may separate"),
        ("http://h/w_303,h_170/x.jpg\n", "no header, and ',' may separate"),
        (f"url,URL\n{A},{B}\n", "several columns may hold the URLs, url, URL. Name one"),
        (f"url,url\n{A},{B}\n", "several columns are called 'url'.*FILE#1 or FILE#2"),
        (f"image_url,thumb,photo_url\n{A},x,{B}\n", "several columns may hold the URLs, image_url, photo_url"),
        ("a,b;c\n1,2;3\n", "',' or ';'; say which with --delimiter"),
        ("a,b\n1,2\n", "no column 'url'; it has a, b"),
    ],
)
def test_what_cannot_be_told_is_asked(tmp_path: Path, text: str, words: str) -> None:
    """A wrong guess would fetch another URL."""
    file = tmp_path / "dogs.csv"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=f"dogs.csv: .*{words}"):
        resolve(str(file)).open()


@pytest.mark.parametrize(
    ("text", "suffix", "delimiter", "urls"),
    [
        (f"{A},rex\n{B},bo\n", "", ",", [A, B]),
        (f"1,{A},{B}\n2,{B},{A}\n", "#3", "comma", [B, A]),
        ("http://h/w_303,h_170/x.jpg\n", "", "none", ["http://h/w_303,h_170/x.jpg"]),
        (f"url\n{A};jsessionid=1\n", "", "none", [f"{A};jsessionid=1"]),
        (f"url,url\n{A},{B}\n", "#2", None, [B]),
        (f"url~title\n{A}~rex\n", "", "~", [A]),
        (f"url;title\n{A};rex\n", "", "semicolon", [A]),
        (f"page,image\n{A},{B}\n", "#PAGE", None, [A]),
    ],
)
def test_what_the_user_says_of_a_file_is_heeded(
    tmp_path: Path, text: str, suffix: str, delimiter: str | None, urls: list[str]
) -> None:
    """Its delimiter, in a character or a word, and its column, by name or by number."""
    file = tmp_path / "dogs.csv"
    file.write_text(text)
    assert [item.url for item in listed(resolve(f"{file}{suffix}").open(delimiter=delimiter))] == urls


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n", "é"])
def test_delimiters_that_are_none(tmp_path: Path, delimiter: str) -> None:
    """In one line."""
    file = tmp_path / "dogs.csv"
    file.write_text(f"url,title\n{A},x\n")
    with pytest.raises(ConfigurationError, match=r"--delimiter .*one character"):
        resolve(str(file)).open(delimiter=delimiter)


def test_columns_and_values_that_cannot_be_read_are_left_out_and_told(tmp_path: Path) -> None:
    """The row is kept."""
    file = tmp_path / "dogs.csv"
    file.write_bytes(f"url,title,title,creator,width\n{A},a,b,Andr\xe9,640.0\n".encode("latin-1"))
    listing = resolve(str(file)).open()
    page = listing.read(None, {})
    assert [item.as_dict() for item in page.items] == [{"url": A, "width": 640}]
    assert any("the column 'title' is not kept: several columns have this name" in note for note in page.notes)
    assert any("creator: values that are not UTF-8 are left out" in note for note in page.notes)


def test_rows_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    """With each kind told once, and also over a restart."""
    file = tmp_path / "dogs.csv"
    file.write_text("url,title\n" + f"{A},x\n{A},x,y\n" * 800)
    first = resolve(str(file)).open()
    notes = list(first.read(None, {}).notes)
    assert [note[:23] for note in notes] == ["line 3: 3 cells where t"]
    rest = resolve(str(file)).open(position=first.position()).read(None, {})
    assert rest.notes[-1].startswith("800 of 1,600 rows name no URL")


# ---- any table


TEXTS = st.text(st.sampled_from('ab1 ,;|\t"\néЖ'), max_size=6)
PATHS = st.text(st.sampled_from("ab,;|_/.%-"), max_size=8)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), columns=st.integers(0, 3))
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_csv_writes_is_read_back(
    tmp_path: Path, data: st.DataObject, quoting: int, columns: int, delimiter: str
) -> None:
    """The same URLs in the same order, with any delimiter, quotes, and lines within cells."""
    at = data.draw(st.integers(0, columns))
    rows = []
    for number, path in enumerate(data.draw(st.lists(PATHS, min_size=1, max_size=8))):
        cells = data.draw(st.lists(TEXTS, min_size=columns, max_size=columns))
        rows.append([*cells[:at], f"https://h/{number}{path}x", *cells[at:]])
    names = ["name", "size", "note"][:columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=quoting, lineterminator="\n")  # type: ignore[arg-type]
    writer.writerows([[*names[:at], "url", *names[at:]], *rows])
    file = tmp_path / "any.csv"
    file.write_bytes(out.getvalue().encode())
    assert urls_of(file) == [row[at] for row in rows]


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.text(st.sampled_from('url,;|\t" #\n\r\x00é:/h'), max_size=12), max_size=12))
def test_no_table_gives_a_url_that_is_not_a_whole_cell_or_line_of_it(tmp_path: Path, lines: list[str]) -> None:
    """Whatever is in it; and nothing but our own errors comes of it."""
    text = "url,title\n" + "\n".join(line.replace("h", "https://h/") for line in lines)
    file = tmp_path / "any.csv"
    file.write_bytes(text.encode())
    items = []
    with suppress(ConfigurationError):
        items = items_of(resolve(str(file)))
    for item in items:
        item.url.encode()
        for url in fetchable([item.url]):
            assert re.search(rf"(?:^|[\n\r, \t\"'\0]){re.escape(url)}(?:[\n\r, \t\"'\0]|$)", text), url


@pytest.mark.parametrize("separator", [b"\xff", b'"', b"'", b"a", b"7"])
def test_a_separator_that_is_none_is_passed_over(tmp_path: Path, separator: bytes) -> None:
    """Half a character, a quote or a letter cannot stand between cells; what does is found out then."""
    file = tmp_path / "dogs.csv"
    file.write_bytes(b"sep=" + separator + b"\nurl,name\nhttps://a.org/1.jpg,rex\n")
    assert urls_of(file) == ["https://a.org/1.jpg"]


def test_a_header_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """Cut at the limit, it would have fewer columns than its rows, which would all be unusable."""
    (tmp_path / "dogs.csv").write_text(f"url,{'column,' * 200_000}last\nhttps://x.org/1.jpg{',' * 200_001}\n")
    with pytest.raises(ConfigurationError, match=r"dogs\.csv: its first row is longer than 1 MiB"):
        resolve(str(tmp_path / "dogs.csv")).open()


@pytest.mark.parametrize("letter", ["a", '"', " x"])
def test_a_first_row_that_is_too_long_is_told(tmp_path: Path, letter: str) -> None:
    """It can be no header, and what the columns are nobody knows."""
    file = tmp_path / "dogs.csv"
    file.write_text(letter * 2_000_000 + "\nurl,name\nhttps://a.org/1.jpg,rex\n")
    with pytest.raises(ConfigurationError, match=r"dogs\.csv: its first row (has a cell that is too long|is longer)"):
        resolve(str(file)).open()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dogs.csv", f'url,n\n{A},"a \\"b\\", c"\n{B},"5\\""\n'),
        ("dogs.csv", f'n,url\n"5\\"",{A}\n"6\\"",{B}\n'),
        ("dogs.tsv", f'n\turl\n"Spot" the dog\t{A}\n"a \\"b" c\t{B}\n'),
        ("dogs.tsv", f'n\turl\n"five\t{A}\nsix\t{B}\n'),
    ],
)
def test_quotes_in_other_dialects_are_read(tmp_path: Path, name: str, text: str) -> None:
    """A backslash before a quote, and in files with tabs a quote that means itself, lose no row."""
    assert csv_urls(tmp_path, text, name=name) == [A, B]


@pytest.mark.parametrize("row", ['"a" b\tc" d\t' + A, f'"a" b\t"{A}', '"a\\" b\t' + A + '"'])
def test_a_row_with_tabs_whose_quotes_leave_its_url_in_doubt_is_told(tmp_path: Path, row: str) -> None:
    """Where the cells are not as many as the header's, or the URL has a quote, nothing is fetched."""
    assert fetchable(csv_urls(tmp_path, f"n\turl\n{row}\nx\t{B}\n", name="dogs.tsv")) == [B]
