"""Dead links compared with images: CPU of `pupline ingest` for each address that answers 403, and for each JPEG.

Old lists are a third dead. All processes count, with their start and end; the runs alternate.
"""

import os
from statistics import median

from benchmarks.builds import Form, forms
from benchmarks.ingesting import ENVIRONMENT, IMAGES, PUPLINE, ROUNDS, Setup, pupline, set_up
from benchmarks.measure import Figure
from benchmarks.nginx import CLOSING, MISSING, REFUSING, nginx_program
from benchmarks.pictures import name
from benchmarks.processes import run_measured

ALL_FAILED = 1
"""The exit status of a run without any image."""

REFUSALS = {"an address that answers 403": REFUSING, "the same, and the server closes the connection": CLOSING}


def figures(images: int = IMAGES, rounds: int = ROUNDS) -> list[Figure]:
    """Microseconds of CPU for each image, and for each refused address; the median of the rounds."""
    what = f"CPU of pupline ingest, {images:,} each"
    if nginx_program() is None:
        return [Figure(what, "an image", None, "us", MISSING)]
    with set_up(images) as here:
        return [figure for form in forms() for figure in _figures_of(here, what, form, rounds)]


def _figures_of(here: Setup, what: str, form: Form, rounds: int) -> list[Figure]:
    image: list[float] = []
    refused: dict[str, list[float]] = {who: [] for who in REFUSALS}
    for _ in range(rounds):
        image.append(pupline(here, form).usage.cpu_seconds)
        for who, path in REFUSALS.items():
            refused[who].append(_refused(here, path, form))
    share = 1e6 / here.images
    return [Figure(what, f"an image of 73 kB, {form.name}", median(image) * share, "us")] + [
        Figure(what, who, median(taken) * share, "us", f"{median(taken) / median(image):.2f} of an image")
        for who, taken in refused.items()
    ]


def _refused(here: Setup, path: str, form: Form) -> float:
    """CPU seconds for as many addresses below `path`, each of which is refused."""
    data = here.fresh("refused-")
    urls = here.urls.with_name("refused.txt")
    urls.write_text("".join(f"{here.server.origin}{path}{name(number)}\n" for number in range(here.images)))
    command = [str(PUPLINE), "ingest", str(urls), "--allow-origin", here.server.origin, "--data", str(data)]
    os.sync()
    log = urls.with_name(f"{data.name}.log")
    usage = run_measured(command, log, env={**ENVIRONMENT, **form.environment})
    assert usage.status == ALL_FAILED, log.read_text()
    return usage.cpu_seconds
