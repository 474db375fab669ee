"""`pupline quality`: what the pictures of a dataset are like, and which of them are the same."""

import re
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._count_line import CountLine
from pupline.cli._dataset_names import dataset_summaries
from pupline.cli._numbers import NumberRange
from pupline.cli._options import json_option, with_options
from pupline.cli._output import message, print_json, print_json_lines
from pupline.cli._quality_view import show
from pupline.cli._signals import INTERRUPTED
from pupline.errors import ConfigurationError
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.local import Decision, QualityTable
    from pupline.quality import ContactSheet, DatasetState

Decisions: TypeAlias = "Mapping[Decision | None, Sequence[str]]"
"""SHA-256 of images as they were typed, by decision; None: to be forgotten."""

_LINES_TOGETHER = 200
_DIGITS = 8
_PREFIX = re.compile(rf"[0-9a-fA-F]{{{_DIGITS},64}}")
_POSITIVE = click.IntRange(min=1)


def _decoding_options(command: Any) -> Any:
    """Options of decoding; the command gets them by name."""
    return with_options(
        command,
        click.option("--workers", type=_POSITIVE, metavar="N", help="Decoder processes. [default: one per CPU]"),
        click.option(
            "--decode-seconds",
            type=NumberRange(min=0, min_open=True, max=3600),
            default=30.0,
            show_default=True,
            metavar="S",
            help="Time for one image.",
        ),
        click.option(
            "--decode-memory",
            type=click.IntRange(min=64, max=1 << 20),
            default=2048,
            show_default=True,
            metavar="MIB",
            help="Memory for one image.",
        ),
        click.option(
            "--decode-pixels",
            type=_POSITIVE,
            default=250_000_000,
            show_default=True,
            metavar="N",
            help="Pixels of one image.",
        ),
        click.option("--retry", is_flag=True, help="Decode again what could not be decoded."),
    )


def _review_options(command: Any) -> Any:
    """Options of decisions about images; the command gets them by name."""
    metavar = "SHA256"
    return with_options(
        command,
        click.option("--keep", multiple=True, metavar=metavar, help="Decide to keep this image. May be repeated."),
        click.option("--drop", multiple=True, metavar=metavar, help="Decide to drop this image. May be repeated."),
        click.option("--undecide", multiple=True, metavar=metavar, help="Forget the decision. May be repeated."),
    )


@click.command(cls=Command)
@click.argument("dataset")
@click.option(
    "--distance",
    type=click.IntRange(min=0, max=12),
    default=8,
    show_default=True,
    metavar="BITS",
    help="Bits of 64 in which the hashes of near-duplicates may differ.",
)
@click.option(
    "--contact-sheet",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write an HTML page with the groups and the worst pictures.",
)
@_review_options
@_decoding_options
@backend_options
@json_option
def quality(
    dataset: str,
    distance: int,
    contact_sheet: Path | None,
    backend: "Backend",
    as_json: bool,
    **options: Any,
) -> int:
    """Decode every picture of a dataset; find near-duplicates, and score blur, darkness and more.

    \b
    An image is decoded once, whatever the dataset; interrupted, repeat the command.
    Nothing is deleted or rejected: export with --where "keeper = true", say.

    \b
    With --keep, --drop or --undecide nothing is decoded: decisions about images
    are remembered, by the first 8 digits of their SHA-256 or more.

    \b
    Exit codes: 0 done, whatever was found; 1 images are missing from the bucket;
    2 usage or configuration error; 130 interrupted.
    """
    from pupline.quality import DecoderLimits, QualityRequest, examine_dataset, publish, read_dataset, recall

    dataset_summaries(backend, dataset)
    limits = DecoderLimits(options["decode_seconds"], options["decode_memory"], options["decode_pixels"])
    request = QualityRequest(
        dataset=dataset, workers=options["workers"], distance=distance, limits=limits, retry=options["retry"]
    )
    decisions: Decisions = {"keep": options["keep"], "drop": options["drop"], None: options["undecide"]}
    with ExitStack() as opened:
        table = opened.enter_context(backend.quality_journal())
        progress = opened.enter_context(CountLine())
        if any(decisions.values()):
            state = read_dataset(backend.bucket(), request, progress)
            _decide(table, state, decisions)
            recall(table, state)
        else:
            try:
                state = examine_dataset(table, backend.bucket(), request, progress)
            except KeyboardInterrupt:
                message("pupline: interrupted. What was examined is kept: repeat the command to continue")
                return INTERRUPTED
        lines = _Lines(as_json=as_json, wants_sheet=contact_sheet is not None)
        try:
            report = publish(table, state, backend.writable_bucket, lines.add)
        except ConfigurationError as err:  # another process has the data directory
            raise ConfigurationError(f"{err}. What was examined is kept: repeat the command to write it") from err
        lines.end()
        if contact_sheet is not None and lines.sheet is not None:
            _write_sheet(contact_sheet, lines.sheet, state, backend)
    if as_json:
        print_json(report.as_dict())
    else:
        show(report, backend, contact_sheet)
    return 1 if report.missing else 0


class _Lines:
    """What becomes of the lines of `quality.jsonl`: they are printed with --json, and noted for the contact sheet."""

    def __init__(self, *, as_json: bool, wants_sheet: bool) -> None:
        from pupline.quality import ContactSheet

        self.sheet: ContactSheet | None = ContactSheet() if wants_sheet else None
        self._as_json = as_json
        self._waiting: list[Mapping[str, Any]] = []

    def add(self, line: Mapping[str, Any]) -> None:
        """Take one line."""
        if self.sheet is not None:
            self.sheet.add(line)
        if self._as_json:
            self._waiting.append(line)
            if len(self._waiting) >= _LINES_TOGETHER:
                self.end()

    def end(self) -> None:
        """Print what is waiting."""
        print_json_lines(self._waiting)
        self._waiting = []


def _decide(table: "QualityTable", state: "DatasetState", decisions: Mapping["Decision | None", Sequence[str]]) -> None:
    """Remember the decisions. Raises: ConfigurationError where a SHA-256 names no image, several, or is given twice."""
    found = {decision: [_image_named(text, state) for text in texts] for decision, texts in decisions.items()}
    names = [name for chosen in found.values() for name in dict.fromkeys(chosen)]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigurationError(
            f"image {twice[:_DIGITS]} is given to two of --keep, --drop and --undecide; decide once"
        )
    for decision, chosen in found.items():
        if chosen:
            table.decide(state.request.dataset, chosen, decision)
            verb = {"keep": "To keep", "drop": "To drop"}.get(decision or "", "Undecided")
            message(f"{verb}: {plural(len(set(chosen)), 'image')}")


def _image_named(text: str, state: "DatasetState") -> str:
    """The SHA-256 that begins with these digits. Raises: ConfigurationError."""
    if _PREFIX.fullmatch(text) is None:
        raise ConfigurationError(
            f"'{printable(text, 80)}' is not the SHA-256 of an image, nor its first {_DIGITS} hex digits or more"
        )
    found = [name for name in state.images if name.startswith(text.lower())]
    if len(found) == 1:
        return found[0]
    where = f"the dataset '{printable(state.request.dataset)}'"
    problem = (
        f"{len(found)} images of {where} begin with it; give more digits" if found else f"{where} has no such image"
    )
    raise ConfigurationError(f"'{printable(text, 80)}': {problem}")


def _write_sheet(path: Path, sheet: "ContactSheet", state: "DatasetState", backend: "Backend") -> None:
    from pupline.quality import contact_sheet_pictures, write_contact_sheet

    pictures = contact_sheet_pictures(state, backend.bucket(), sheet)
    write_contact_sheet(path, sheet, state.request.dataset, pictures)
