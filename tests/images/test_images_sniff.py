"""What is not an image: told by its bytes, never by its name."""

import pytest

from pupline.images import inspect

OTHERS = {
    "empty": [b""],
    "html": [
        b"<!DOCTYPE html><title>Not found</title>",
        b"\xef\xbb\xbf \r\n<HTML lang=en>",
        b"<!-- a comment --> <html>",
        b"<!---->" * 500 + b"<p>",
        b"<!-- 1 -->\n<!--\n2 -- > -->\t<!DOCTYPE  html>",
        b"<!-- " + b"licence " * 600 + b"--><html>",
        b"<script>alert(1)</script>",
        b'<?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html xmlns="http://www.w3.org/1999/xhtml"/>',
        b"<html><body><svg></svg></body></html>",
    ],
    "svg": [
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?>\n<!-- drawn --><svg width="1">',
        b"<!-- drawn --><s:svg>",
    ],
    "xml": [b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'],
    "pdf": [b"%PDF-1.7\n"],
    "zip": [b"PK\x03\x04rest", b"PK\x05\x06" + bytes(18)],
    "gzip": [b"\x1f\x8b\x08\x00"],
    "exe": [b"MZ\x90\x00", b"\x7fELF\x02"],
    "script": [b"#!/bin/sh\n"],
    "json": [b'{"status":"error"}', b'  ["a"]'],
    "text": [b"Too many requests", "Bärenhund".encode(), b"BMW is no bitmap, though it begins like one", b"GIF8"],
    "mp4": [b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp42"],
    "riff": [b"RIFF\x24\x00\x00\x00WAVEfmt "],
    "ico": [b"\x00\x00\x01\x00\x01\x00"],
    "jp2": [b"\x00\x00\x00\x0cjP  \r\n\x87\n\x00"],
    "jxl": [b"\xff\x0a\xfa\x7f"],
    "unknown": [b"\x00\x01\x02\x03", b"\xff\xfe\xfd" * 20, b"\x89PN"],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in OTHERS.items() for body in bodies])
def test_other_types_are_no_images(kind: str, body: bytes) -> None:
    """Bodies of other types are named, and are not images."""
    found = inspect(body)
    assert (found.file_type, found.is_image, found.problem) == (kind, False, "not_an_image")
    assert found.detail.startswith("not an image: ")
    assert found.detail.isprintable()


def test_a_character_cut_where_looking_ends_is_still_text() -> None:
    """A text longer than what is looked at may have a character across that end."""
    assert inspect(b"x" + "ü".encode() * 4000).file_type == "text"


@pytest.mark.parametrize(
    ("brands", "kind"),
    [
        (b"avif\0\0\0\0mif1", "avif"),
        (b"avis\0\0\0\0msf1", "avif"),
        (b"mif1\0\0\0\0mif1avif", "avif"),
        (b"heic\0\0\0\0mif1", "heic"),
        (b"mif1\0\0\0\0mif1heix", "heic"),
        (b"mif1\0\0\0\0mif1", "heic"),
        (b"mp42\0\0\0\0isom", "mp4"),
    ],
)
def test_brands_tell_avif_from_heic(brands: bytes, kind: str) -> None:
    """The major brand decides, or, where it names only the container, the compatible brands."""
    size = (len(brands) + 8).to_bytes(4, "big")
    assert inspect(size + b"ftyp" + brands).file_type == kind
