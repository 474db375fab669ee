"""The checks of `pupline doctor` on this machine. None of them leaves anything behind."""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from pupline import __version__
from pupline.backends._port import Check, Note, RunListener
from pupline.backends._settings import RunSettings, source_of_run
from pupline.backends.machine._doctor_subscriptions import subscription_checks
from pupline.backends.machine._unfinished_ingests import unfinished_ingests
from pupline.backends.machine._unrecorded import count_unrecorded
from pupline.backends.machine._workflow import load_workflow
from pupline.errors import PuplineError, TaskFailure
from pupline.http import HttpClient, Proxy
from pupline.local import LocalBackend, layout_problem, plan_recovery
from pupline.parquet import why_unavailable
from pupline.tasks.alert_rules import AlertRules
from pupline.text import plural, printable
from pupline.workflow_files import chosen_workflow, read_definition, workflow_path

if TYPE_CHECKING:
    from pupline.sources import ImageSource

EXTRAS = {
    "aws": ("boto3",),
    "parquet": ("pyarrow",),
    "quality": ("pillow",),
    "console": ("fastapi", "jinja2", "uvicorn"),
}
"""The packages that each extra brings."""

_LOW_SPACE_BYTES = 500_000_000
_PROBE_SECONDS = 5.0
_PROXY_VARIABLES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_RESUME = "run pupline resume, unless another command is running"


def examine(data_dir: Path, source: str, proxy: Proxy | None = None, options: str = "") -> list[Check]:
    """All checks of this machine. options: that name the directory. Raises: ConfigurationError for a bad source."""
    resolved = source_of_run(source)
    checks: list[Callable[[], Check]] = [
        _version,
        _extras,
        _workflow,
        lambda: _writable(data_dir),
        lambda: _space(data_dir),
        lambda: _database(data_dir),
        lambda: _recovery(data_dir),
        lambda: _ingests(data_dir, options),
        lambda: _reachable(resolved, proxy),
    ]
    return [*(check() for check in checks), *subscription_checks(data_dir)]


def reachability_failure(source: "ImageSource", proxy: Proxy | None = None) -> TaskFailure | None:
    """Why the source cannot be reached; None when it answers, with whatever status."""
    if source.sample or source.base is None:
        return None
    try:
        policy = replace(source.policy(timeout_seconds=_PROBE_SECONDS), proxy=proxy)
        HttpClient(policy).get(f"{source.base}/")
    except TaskFailure as failure:
        return failure if failure.reason in {"connection_error", "timeout", "blocked_address"} else None
    return None


def _version() -> Check:
    return Check("version", "ok", f"pupline {__version__} on Python {platform.python_version()}, {platform.system()}")


def _extras() -> Check:
    """The packages beyond the plain installation. None of them has to be there."""
    found, missing = [], []
    for extra, packages in EXTRAS.items():
        try:
            found.append(f"{extra} ({', '.join(f'{package} {version(package)}' for package in packages)})")
        except PackageNotFoundError:
            missing.append(extra)
    detail = ", ".join(found) or "none"
    if missing:
        detail += f"; not installed: {', '.join(missing)} (pip install 'pupline[{','.join(missing)}]')"
    trouble = why_unavailable() if "parquet" not in missing else None
    return Check("extras", "warning", trouble) if trouble else Check("extras", "ok", detail)


def _workflow() -> Check:
    """The workflow that a run would use here: the user's own, or pupline's."""
    try:
        chosen, _ = chosen_workflow(os.environ, Path.cwd())
        path = workflow_path(chosen=chosen)
    except PuplineError as error:
        return Check("workflow", "error", str(error))
    try:
        states = len(load_workflow(chosen=chosen).definition["States"])
    except PuplineError as error:
        return Check("workflow", "error", str(error), f"pupline validate {_shown(path)}")
    try:
        AlertRules.of(read_definition(path), _shown(path))
    except PuplineError as error:
        detail = f"pupline run can use it, pupline ingest cannot: {error}"
        return Check("workflow", "warning", detail, f"pupline validate {_shown(path)}")
    return Check("workflow", "ok", f"{_shown(path)}: valid, {states} states")


def _writable(data_dir: Path) -> Check:
    """Whether files can be written to the directory, or to the nearest one above it that exists."""
    there = next(path for path in [data_dir.absolute(), *data_dir.absolute().parents] if path.exists())
    detail = f"{_shown(data_dir)} ({'exists' if there == data_dir.absolute() else 'the first run will create it'})"
    try:
        with tempfile.TemporaryFile(dir=there) as probe:
            probe.write(b"pupline")
            os.fsync(probe.fileno())
    except OSError as error:
        step = "give another one with --data, or change its permissions"
        return Check("data directory", "error", f"{detail} is not writable: {error.strerror}", step)
    return Check("data directory", "ok", f"{detail}, writable")


def _space(data_dir: Path) -> Check:
    there = next(path for path in [data_dir.absolute(), *data_dir.absolute().parents] if path.exists())
    free = shutil.disk_usage(there).free
    detail = f"{free / 1e9:.1f} GB free"
    if free < _LOW_SPACE_BYTES:
        return Check("disk space", "warning", detail, "free some, or give another data directory with --data")
    return Check("disk space", "ok", detail)


def _database(data_dir: Path) -> Check:
    if not data_dir.is_dir():
        return Check("database", "ok", "none yet; the first run creates it")
    try:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            damage = backend.database.damage()
            unfinished = backend.journal.count_unfinished()
            records = backend.audit.count()
    except PuplineError as error:
        return Check("database", "error", str(error))
    if damage:
        step = "recover what is readable: pupline doctor --repair; or restore a backup"
        return Check("database", "error", f"damaged: {printable(damage, 300)}", step)
    detail = f"{plural(records, 'audit record')}, {plural(unfinished, 'unfinished execution')}"
    if unfinished:
        return Check("database", "warning", detail, _RESUME)
    return Check("database", "ok", detail)


def _recovery(data_dir: Path) -> Check:
    """The work that the next start will do first; none of it is done here."""
    if not data_dir.is_dir():
        return Check("recovery", "ok", "nothing to do")
    if wrong := layout_problem(data_dir.absolute()):
        return Check("recovery", "error", wrong)
    try:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            found = plan_recovery(data_dir, backend.database)
            unfinished = backend.journal.count_unfinished()
            unrecorded = count_unrecorded(backend.database)
            discards = len(backend.discards.unfinished())
    except PuplineError as error:
        return Check("recovery", "error", str(error))
    temporary = f"{plural(found.temporary, 'entry', 'entries')} of tmp ({found.temporary_bytes:,} bytes)"
    to_do = {
        f"remove {temporary}": found.temporary,
        f"undo {plural(found.undone, 'file')} of an ingest that was killed": found.undone,
        f"finish or forget {plural(found.begun, 'object')} that {_was(found.begun)} being written": found.begun,
        f"finish the removal of {plural(discards, 'run')}": discards,
        f"resume {plural(unfinished, 'execution')}": unfinished,
        f"write the records of {plural(unrecorded, 'execution')} that ended without one": unrecorded,
    }
    words = [text for text, count in to_do.items() if count]
    if not words:
        return Check("recovery", "ok", "nothing to do")
    detail = f"the next start will {'; '.join(words)}"
    return Check("recovery", "warning", detail, _RESUME)


def _ingests(data_dir: Path, options: str) -> Check:
    if not data_dir.is_dir():
        return Check("ingests", "ok", "none yet")
    try:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            found = unfinished_ingests(backend, options)
    except PuplineError as error:
        return Check("ingests", "error", str(error))
    if found is None:
        return Check("ingests", "ok", "no bulk ingest is unfinished")
    return Check("ingests", "warning", found[0], f"finish it, unless a process is working on it: {found[1]}")


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _reachable(source: "ImageSource", proxy: Proxy | None) -> Check:
    failure = reachability_failure(source, proxy)
    if failure is None:
        return Check("source", "ok", f"{source.name}: {'built in' if source.sample else 'reachable'}")
    step = "without internet, the sample source works: pupline run --source sample --count 12"
    if proxy is None and any(name.lower() in _PROXY_VARIABLES for name in os.environ):
        step = "the proxy of HTTP_PROXY or HTTPS_PROXY is not used; if it is needed, give it with --proxy"
    return Check("source", "warning", f"{source.name} cannot be reached: {failure.message}", step)


def _shown(path: Path) -> str:
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def online_or_sample(settings: RunSettings, proxy: Proxy | None, listener: RunListener) -> RunSettings:
    """The settings, with the sample source in place of one that cannot be reached."""
    if reachability_failure(source_of_run(settings.source), proxy) is None:
        return settings
    name = "dog.ceo" if settings.source == "dog-ceo" else settings.source
    listener(Note(f"{name} cannot be reached from here; running on the built-in sample source instead."))
    return replace(settings, source="sample")
