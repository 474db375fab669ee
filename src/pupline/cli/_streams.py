"""Standard output and standard error, as the command line needs them.

Python leaves three cases open: a stream that was closed before the start, an encoding that cannot encode the output,
and a reader that is gone (`pupline audit | head`) or a disk that is full. click and rich each end the process in their
own way when a pipe breaks; a run with executions under way needs an exception as for any other trouble.
"""

import codecs
import errno
import io
import os
import sys
from types import TracebackType
from typing import Self, TextIO

import click

from pupline.errors import PuplineError

PLAIN = "pupline-plain"
"""The codec error handler that writes drawings in ASCII and everything else as an escape."""

_IN_ASCII = str.maketrans("┌┐└┘─│▼█━╸╺✔✘…•·", "++++-|v#=--+x...")


class OutputLost(PuplineError):
    """The output could not be written.

    reader_gone: because the pipe has no reader any more, which may be intended. next_step: what becomes of the work,
    and what to do.
    """

    def __init__(self, err: OSError) -> None:
        super().__init__(f"the output could not be written: {err.strerror}")
        self.reader_gone = err.errno == errno.EPIPE
        self.next_step: str | None = None


class SummaryOutput:
    """A `with` block around the output after the work. Losing it does not undo the work, but is reported.

    A reader that is gone wants no summary; that is not an error.
    """

    def __init__(self) -> None:
        self._lost = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, OutputLost):
            return False
        if not error.reader_gone:
            self._lost = True
            click.echo(f"pupline: {error}", err=True)
        return True

    def exit_code(self, code: int) -> int:
        """`code` of the work; 1 where that is 0 and the summary was lost."""
        return code or int(self._lost)


class _Output(io.TextIOWrapper):
    """A text stream that raises OutputLost once, and discards what is written later."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as err:
            raise self._lost(err) from err

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as err:
            raise self._lost(err) from err

    def _lost(self, err: OSError) -> OutputLost:
        # The rest of the buffer has to go somewhere when the interpreter flushes at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.fileno())
        os.close(nowhere)
        return OutputLost(err)


def prepare_streams() -> None:
    """Make stdout and stderr writable, whatever their state. Called once, before anything is printed or opened."""
    _occupy_closed_descriptors()
    sys.stdout = _prepared(sys.stdout, 1)
    sys.stderr = _prepared(sys.stderr, 2)


def _occupy_closed_descriptors() -> None:
    """Open /dev/null as a closed descriptor 0, 1 or 2, before a file gets that number, and then messages."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free


def _prepared(stream: TextIO | None, descriptor: int) -> TextIO:
    if stream is None:
        return _Output(open(descriptor, "wb", closefd=False), encoding="utf-8", errors=PLAIN)
    if type(stream) is not io.TextIOWrapper:  # a program that captures the output has its own type
        return stream
    encoding, line_buffering = stream.encoding, stream.line_buffering
    out = stream.detach()
    if isinstance(out, io.RawIOBase):  # PYTHONUNBUFFERED: a raw stream drops what an interrupted write leaves
        out, line_buffering = io.BufferedWriter(out), True
    return _Output(out, encoding=encoding, errors=PLAIN, line_buffering=line_buffering)


def _encode_plainly(err: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(err, UnicodeEncodeError):
        raise err
    text = err.object[err.start : err.end].translate(_IN_ASCII)
    return text.encode("ascii", "backslashreplace").decode("ascii"), err.end


codecs.register_error(PLAIN, _encode_plainly)
