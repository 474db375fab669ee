"""The records that the filters select as a file: streamed, a page of records in memory.

A file that cannot be completed never looks complete: its response ends without the last chunk, which every client
reports, and Parquet lacks its end.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from fastapi.responses import StreamingResponse

from pupline.console.audit._filters import ExportFilters
from pupline.console.web import Console, Problem
from pupline.parquet import why_unavailable
from pupline.tasks.pages import PAGE_LIMIT
from pupline.tasks.record_files import MEDIA_TYPES, record_file
from pupline.tasks.records import AuditRecord

_AT_ONCE = 4
"""Exports at the same time: each keeps a thread busy as fast as its client reads."""


class Exports:
    """Exports of one console. Each borrows a reader for one page at a time, so a slow client holds none."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def response(self, filters: ExportFilters) -> StreamingResponse:
        """The file as a download. Raises: Problem where it cannot be made now; PuplineError of the first page."""
        if filters.format == "parquet" and (why := why_unavailable()) is not None:
            raise Problem(422, "parquet_unavailable", why)
        chunks = self._chunks(filters)
        # The first piece is made before the status is sent; and a generator that has begun releases its place.
        body = chain([next(chunks)], chunks)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        name = f'attachment; filename="pupline-audit-{stamp}.{filters.format}"'
        headers = {"Content-Disposition": name, "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(body, media_type=MEDIA_TYPES[filters.format], headers=headers)

    def _chunks(self, filters: ExportFilters) -> Iterator[bytes]:
        if not self._places.acquire(blocking=False):
            text = f"{_AT_ONCE} exports are running, which is the most at the same time; try again when one has ended"
            raise Problem(503, "busy", text)
        try:
            pages = self._pages(filters)
            first = next(pages)  # CSV would begin with its header, before anything was read
            yield from record_file(chain([first], pages), filters.format)
        finally:
            self._places.release()

    def _pages(self, filters: ExportFilters) -> Iterator[Sequence[AuditRecord]]:
        query = filters.query(PAGE_LIMIT)
        while True:
            with self._console.reader() as backend:
                page = backend.pages.record_page(query)
            yield [item.record for item in page.items]
            if page.next is None:
                return
            query = replace(query, after=page.next)
