"""`pupline sources`: list, show, validate and test sources before anything is ingested."""

import json
import shlex
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._columns_view import column_lines, column_objects
from pupline.cli._command import Group
from pupline.cli._listed import can_be_fetched, nothing_usable
from pupline.cli._options import contact_option, delimiter_option, fetch_options, json_option, param_option
from pupline.cli._output import cell, console, message, print_json, program, tell_waiting
from pupline.cli._table import Column, show_table
from pupline.errors import ConfigurationError, TaskFailure
from pupline.files import read_input
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.http import HttpClient, Proxy
    from pupline.sources import ImageSource, Listing, PageRequest
    from pupline.specs import SourceSpec
    from pupline.tasks.items import SourceItem

_SPARE_REQUESTS = 3
"""The most requests of `test` beyond one for each image: for a token, a page of ids, an empty page."""


@click.group(cls=Group, invoke_without_command=True)
@json_option
@click.pass_context
def sources(context: click.Context, as_json: bool) -> None:
    """List the built-in sources; show, validate and test them and your own.

    A SOURCE is one of them (openverse, or with params openverse?q=beagle), a spec file (my.toml), the base URL of a
    Dog-CEO-compatible API, or a list of URLs (.txt, .csv, .jsonl, .parquet).
    """
    if context.invoked_subcommand is None:
        _list(as_json=as_json)


@sources.command("list", short_help="List the built-in sources.")
@json_option
def list_sources(as_json: bool) -> None:
    """List the built-in sources, as `pupline sources` does."""
    _list(as_json=as_json)


def _list(*, as_json: bool) -> None:
    from pupline.specs import presets, spec_named

    specs = [spec for name in presets() if (spec := spec_named(name)) is not None]
    if as_json:
        for spec in specs:
            print_json(_summary(spec))
        return
    rows = [[cell(spec.name), cell(spec.title), cell(_key(spec)), cell(_bulk(spec))] for spec in specs]
    show_table(console(), [Column("source"), Column("what", 30), Column("key", 12), Column("in bulk")], rows)
    click.echo("\nTry one: pupline sources test sample. Write your own: pupline sources show dog-ceo > my.toml")


def _key(spec: "SourceSpec") -> str:
    if spec.auth.kind == "none":
        return "none"
    needed = "optional" if spec.auth.optional or spec.auth.demo else "needed"
    return f"{needed}, {spec.auth.secret}"


def _bulk(spec: "SourceSpec") -> str:
    return f"{spec.terms.cap:,} at most" if spec.terms.cap is not None else spec.terms.bulk


def _summary(spec: "SourceSpec") -> dict[str, Any]:
    auth, terms = spec.auth, spec.terms
    return {
        "name": spec.name,
        "title": spec.title,
        "base_url": str(spec.base_url),
        "key": auth.secret,
        "key_required": auth.kind != "none" and not auth.optional and auth.demo is None,
        "contact_required": spec.contact_required,
        "bulk": terms.bulk,
        "cap": terms.cap,
        "terms": terms.url,
        "note": terms.note,
        "params": dict(spec.params),
        "paginator": spec.paginator.type,
    }


# ---- show


@sources.command(short_help="Show a preset or spec file.")
@click.argument("name")
@json_option
def show(name: str, as_json: bool) -> None:
    """Show the TOML of a preset or spec file, or with --json its summary.

    The TOML of a preset is a start for a spec of your own: pupline sources show dog-ceo > my.toml
    """
    from pupline.sources import resolve
    from pupline.specs import spec_named, spec_text

    spec = spec_named(name)
    if spec is None:
        source = resolve(name)  # raises for an invalid name
        raise ConfigurationError(f"{source.name} has no spec to show; try it with pupline sources test")
    if as_json:
        print_json(_summary(spec))
    else:
        text = spec_text(name)
        click.echo(text if text is not None else json.dumps(_summary(spec), indent=2), nl=text is None)


# ---- validate


@sources.command(short_help="Check a spec file; all problems at once.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def validate(file: Path, as_json: bool) -> int:
    """Check FILE, a spec, and list every problem with the path of its field. Exits with 2 when there are any."""
    from pupline.specs import Problem, SpecError, read_spec

    problems: tuple[Problem, ...] = ()
    try:
        read_spec(_bytes_of(file), str(file))
    except SpecError as error:
        problems = error.problems
    if as_json:
        found = [{"path": problem.path, "message": problem.message} for problem in problems]
        print_json({"file": str(file), "valid": not problems, "problems": found})
    elif problems:
        for problem in problems:
            click.echo(printable(str(problem), 1000))
        message(f"{printable(str(file))}: {plural(len(problems), 'problem')}")
    else:
        click.echo(f"{printable(str(file))}: valid. Try it: pupline sources test {printable(str(file))}")
    return 2 if problems else 0


def _bytes_of(file: Path) -> bytes:
    try:
        return read_input(file)
    except OSError as error:
        raise ConfigurationError(f"{printable(str(file))}: cannot be read: {error.strerror}") from error


# ---- test


@sources.command(short_help="List the first images of a source.")
@click.argument("source")
@click.option("--count", type=click.IntRange(1, 1000), default=5, show_default=True, help="Images to show.")
@click.option("--dry-run", is_flag=True, help="Show the first request, and send nothing.")
@param_option
@click.option("--breed", "breeds", multiple=True, metavar="B", help="Only this breed, as in ingest. May be repeated.")
@delimiter_option
@contact_option
@fetch_options
@json_option
def test(
    source: str,
    params: dict[str, str],
    breeds: tuple[str, ...],
    count: int,
    dry_run: bool,
    delimiter: str | None,
    contact: str | None,
    allow_origins: tuple[str, ...],
    metadata_addresses: tuple[str, ...],
    proxy: "Proxy | None",
    timeout_seconds: float,
    as_json: bool,
) -> int:
    """List the first images of SOURCE with their fields. No image is fetched, nothing is stored.

    Exits with 1 when the answers of the source do not match its spec.
    """
    from pupline.http import HttpClient
    from pupline.sources import join_params, piped_for_now, resolve

    source = join_params(source, params)
    with ExitStack() as stack:
        resolved = resolve(stack.enter_context(piped_for_now(source))).only_breeds(breeds)
        policy = resolved.policy(
            allow_origins=allow_origins,
            metadata_addresses=metadata_addresses,
            timeout_seconds=timeout_seconds,
            contact=contact,
            sample_port=_sample_port(resolved, stack),
        )
        listing = resolved.open(contact=contact, delimiter=delimiter)
        stack.callback(listing.close)
        named = " ".join([shlex.quote(source), *(f"--breed {shlex.quote(breed)}" for breed in breeds)])
        trial = _Trial(resolved, named, HttpClient(replace(policy, proxy=proxy)), listing)
        request = listing.request()
        if dry_run and request is not None:
            _show_request(request, as_json=as_json)
            return 0
        return trial.show(count, as_json=as_json)


class _Trial:
    """One listing, read for its first items."""

    def __init__(self, source: "ImageSource", named: str, client: "HttpClient", listing: "Listing") -> None:
        self._source = source
        self._named = named
        self._client = client
        self.listing = listing
        self.notes: list[str] = []
        self.requests = 0

    def show(self, count: int, *, as_json: bool) -> int:
        shown = usable = 0
        try:
            for item in islice(self._items(count + _SPARE_REQUESTS), count):
                shown += 1
                usable += can_be_fetched(item)
                _show_item(shown, item, as_json=as_json)
        except TaskFailure as failure:
            self._print_notes()
            message(f"pupline: {printable(failure.message, 500)}")
            return 1
        self._print_notes()
        if as_json and self.listing.columns:
            print_json({"columns": column_objects(self.listing.columns)})
        for line in () if as_json else column_lines(self.listing.columns):
            message(line)
        if self.listing.shortfall is not None and shown < count:
            message(f"pupline: not all that the source has: {printable(self.listing.shortfall, 400)}")
            return 1
        if not shown:
            why = f"{self._request_count()}; check items and ok in its spec" if self.requests else "; check the list"
            if self.requests and self.listing.complete:
                why = f"{self._request_count()}: it answered with an empty list; check its params, and its spec"
            message(f"pupline: {printable(self._source.name)} listed no image{why}")
            return 1
        if not usable:
            message(f"pupline: {nothing_usable(shown)}")
            return 1
        if not as_json:
            self._print_next_step(shown)
        return 0

    def _print_notes(self) -> None:
        for note in self.notes:
            message(f"Note: {printable(note, 300)}")

    def _items(self, most_requests: int) -> "Iterator[SourceItem]":
        from pupline.sources import Pages

        pages = replace(Pages.of_source(self._client, self._source), waiting=tell_waiting).of(self.listing)
        for page, request in islice(pages, most_requests):
            self.requests += request is not None
            self.notes += [request.mask(note) if request else note for note in page.notes]
            yield from page.items

    def _print_next_step(self, shown: int) -> None:
        total = self.listing.total
        of = f" of {total:,}" if total is not None else ""
        command = f"{program()} ingest {self._named}"
        click.echo(f"\n{plural(shown, 'image')}{of}{self._request_count()}. Fetch them: {printable(command)}")

    def _request_count(self) -> str:
        """The number of requests; a list file needs none."""
        return f" in {plural(self.requests, 'request')}" if self.requests else ""


def _sample_port(source: "ImageSource", stack: ExitStack) -> int | None:
    if source.sample is None:
        return None
    from pupline.samples import SampleServer

    return stack.enter_context(SampleServer(hostile=source.sample == "hostile")).port


def _show_request(request: "PageRequest", *, as_json: bool) -> None:
    """The request with its secrets masked."""
    method = "GET" if request.content is None else "POST"
    headers = {name: request.mask(value) for name, value in request.headers.items()}
    content = None if request.content is None else request.mask(request.content.decode("utf-8", "replace"))
    if as_json:
        body = {} if content is None else {"body": content}
        print_json({"method": method, "url": request.mask(request.url), "headers": headers, **body})
        return
    click.echo(f"{method} {printable(request.mask(request.url), 4000)}")
    for name, value in headers.items():
        click.echo(f"{printable(name)}: {printable(value)}")
    if content is not None:
        click.echo(f"Content-Type: {request.content_type}\n\n{printable(content, 8000)}")


def _show_item(number: int, item: "SourceItem", *, as_json: bool) -> None:
    facts = item.as_dict()
    if as_json:
        print_json(facts)
        return
    click.echo(f"{number:>4}  {printable(facts.pop('url'), 2000)}")
    for name, value in facts.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        if isinstance(value, dict):
            shown = json.dumps(value, ensure_ascii=False)
        click.echo(f"      {name}: {printable(shown, 120)}")
