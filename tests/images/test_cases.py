"""Small files with the verdicts of the field's readers: `shared/cases/images`, read in place."""

from pathlib import Path

import pytest

from pupline.images import inspect

CASES = Path(__file__).resolve().parents[2].parent / "shared" / "cases" / "images"

# Of files that readers judge differently; docs/images.md says why.
DECISIONS = {
    "apng-last-frame-missing.png": "damaged",
    "avif-trailing-jpeg.avif": "intact",
    "bmp-last-row-unpadded.bmp": "intact",
    "bmp-offset-zero.bmp": "intact",
    "jpg-eoi-replaced-by-padding.jpg": "damaged",
    "jpg-leading-newline.jpg": "not_an_image",
    "jpg-no-eoi.jpg": "damaged",
    "jpg-second-soi.jpg": "damaged",
    "png-ancillary-before-ihdr.png": "damaged",
    "png-iend-crc-cut.png": "intact",
    "png-leading-newline.png": "not_an_image",
    "png-no-iend.png": "intact",
    "tiff-signed-width.tif": "intact",
    "tiff-strip-missing-rows.tif": "intact",
    "webp-last-chunk-without-pad.webp": "damaged",
    "webp-riff-size-two-short.webp": "damaged",
    "webp-three-spare-bytes-inside-riff.webp": "damaged",
}


def _cases() -> list[tuple[str, str, str]]:
    """Name, verdict and size of each case, from the table of its README."""
    if not CASES.is_dir():
        return []
    rows = [line.split("|") for line in (CASES / "README.md").read_text(encoding="utf-8").splitlines()]
    cases = [tuple(cell.strip() for cell in row[1:4]) for row in rows if len(row) > 5]
    return [(name, verdict, size) for name, verdict, size in cases if (CASES / name).is_file()]


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases lie beside the project, in shared/cases/images")
def test_every_case_is_known() -> None:
    """Every file of the folder is in the table, and every debatable one has a decision."""
    cases = _cases()
    files = {path.name for path in CASES.iterdir()} - {"README.md"}
    assert {name for name, _, _ in cases} == files
    assert {name for name, verdict, _ in cases if verdict == "debatable"} == set(DECISIONS)


@pytest.mark.parametrize(("name", "verdict", "size"), [pytest.param(*case, id=case[0]) for case in _cases()])
def test_cases_have_the_verdict_of_the_readers(name: str, verdict: str, size: str) -> None:
    """What every reader shows has no problem and its size; what none shows is damaged."""
    found = inspect((CASES / name).read_bytes())
    verdict = DECISIONS.get(name, verdict)
    expected = {"intact": None, "damaged": "damaged_image", "not_an_image": "not_an_image"}[verdict]
    assert found.problem == expected, found.detail
    if verdict == "intact":
        assert f"{found.width}x{found.height}" == size
