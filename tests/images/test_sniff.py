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
    "avi": [b"RIFF\x24\x00\x00\x00AVI LIST"],
    "mov": [b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  ", b"\x00\x00\x0f\x17moov"],
    "unknown": [b"\x00\x01\x02\x03", b"\xff\xfe\xfd" * 20, b"\x89PN"],
}


PICTURES = {
    "ico": [b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00"],
    "cur": [b"\x00\x00\x02\x00\x01\x00\x10\x10\x00\x00"],
    "icns": [b"icns\x00\x00\x10\x00TOC "],
    "jp2": [b"\x00\x00\x00\x0cjP  \r\n\x87\n\x00", b"\xff\x4f\xff\x51\x00\x2f"],
    "jxl": [b"\xff\x0a\xfa\x7f", b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00"],
    "jxr": [b"II\xbc\x01\x20\x00\x00\x00"],
    "qoi": [b"qoif\x00\x00\x00\x03\x00\x00\x00\x02\x03\x00"],
    "exr": [b"v/1\x01\x02\x00\x00\x00"],
    "dds": [b"DDS \x7c\x00\x00\x00\x07"],
    "psd": [b"8BPS\x00\x01"],
    "psb": [b"8BPS\x00\x02"],
    "eps": [b"%!PS-Adobe-3.0 EPSF-3.0\n", b"\xc5\xd0\xd3\xc6\x20\x00"],
    "hdr": [b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n"],
    "pnm": [b"P6\n3 2\n255\n", b"P4#made by hand\n# twice\n3 2\n", b"P7\nWIDTH 3\n", b"Pf\n3 2\n-1.0\n"],
    "tga": [bytes(30) + b"TRUEVISION-XFILE.\x00"],
    "pcx": [b"\x0a\x05\x01\x08" + bytes(124)],
    "emf": [b"\x01\x00\x00\x00" + bytes(36) + b" EMF"],
    "orf": [b"IIRO\x08\x00\x00\x00", b"IIRS\x08\x00\x00\x00", b"MMOR\x00\x00\x00\x08"],
    "rw2": [b"IIU\x00\x18\x00\x00\x00"],
    "raf": [b"FUJIFILMCCD-RAW 0201"],
    "cr3": [b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom"],
    "crw": [b"II\x1a\x00\x00\x00HEAPCCDR"],
}


@pytest.mark.parametrize(("kind", "body"), [(kind, body) for kind, bodies in PICTURES.items() for body in bodies])
def test_pictures_of_other_formats_have_their_names(kind: str, body: bytes) -> None:
    """They are pictures, but not of the types that are kept, and the detail says so."""
    found = inspect(body)
    assert (found.file_type, found.is_image, found.problem) == (kind, False, "not_an_image")
    assert found.detail.startswith(f"not an accepted type of image: {kind} (")


@pytest.mark.parametrize(
    "beginning", ["qoif", "icns", "FLIF", "DDS ", "FORM", "IIRO", "MMOR", "P6", "P1 ", "BM", "GIF8"]
)
def test_names_stand_on_more_than_a_few_letters(beginning: str) -> None:
    """Text that begins like a picture is text: what no text holds must follow."""
    assert inspect(f"{beginning} is how this text begins, and it goes on like this".encode()).file_type == "text"


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
