"""The routes of stored bytes and of thumbnails."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from pupline.console.gallery._cache import VERSION, ThumbnailCache, Undecodable
from pupline.console.gallery._object_kinds import object_headers
from pupline.console.gallery._object_response import OBJECT_POLICY, ObjectResponse, matches
from pupline.console.gallery._placeholder import drawn
from pupline.console.gallery._thumbnails import LIMITS, Busy, OpenPicture, Picture, Thumbnails, decoder_version
from pupline.console.web import Console, Problem, Text, is_sha256, not_found
from pupline.decoding import Decoders
from pupline.errors import StorageError
from pupline.tasks.layout import QUARANTINE
from pupline.tasks.ports import OpenObject, ReadableStore

_KEY_BYTES = 1024
_LASTING = "private, max-age=31536000, immutable"


def byte_routes(console: Console) -> APIRouter:
    """`/objects/{key}` and `/thumbnails/{sha256}`."""
    router = APIRouter()
    thumbnails = _start_thumbnails(console)

    @router.get("/objects/{key:path}")
    def stored_object(request: Request, key: str, sha256: Text = None) -> Response:
        """The bytes of a stored object; with `sha256` only those, which are then found by it, too."""
        if request.scope["path"] != f"/objects/{key}":  # the route matches a path with a line feed after the key
            raise not_found("nothing is stored under this key")
        opened = _opened(console, key, sha256)
        try:
            return ObjectResponse(opened, object_headers(opened), request.headers)
        except BaseException:
            opened.close()
            raise

    @router.get("/thumbnails/{sha256}")
    async def thumbnail(request: Request, sha256: str, key: Text = None) -> Response:
        """A small picture of a stored image, found by its hash, or by its key, as on a stack.

        Where the key is given and the image is gone, a drawing says so.
        """
        if not is_sha256(sha256):
            raise not_found("there is no such image: its address has the SHA-256 in 64 hex digits")
        etag = f"{sha256[:32]}-{VERSION}"
        if matches(request.headers.get("if-none-match"), etag):
            return Response(status_code=304, headers={"ETag": f'"{etag}"', "Cache-Control": _LASTING})
        return _response(await _picture(thumbnails, sha256, lambda: _opened_picture(console, sha256, key), key), etag)

    return router


def _start_thumbnails(console: Console) -> Thumbnails:
    decoder = decoder_version()
    cache = ThumbnailCache(console.settings.data_dir, decoder or "")
    decoders = Decoders(2, LIMITS) if decoder is not None else None
    found = Thumbnails(cache, decoders)
    console.on_close(found.close)
    return found


async def _picture(
    thumbnails: Thumbnails, sha256: str, open_picture: OpenPicture, key: str | None
) -> Picture | Undecodable:
    """The picture, or why there is none. Raises: Problem where the address names nothing that was ever stored."""
    try:
        ready = await run_in_threadpool(thumbnails.ready, sha256, open_picture)
        if ready is not None:
            return ready
        # Shielded: one who leaves does not cancel what others wait for.
        return await asyncio.shield(asyncio.wrap_future(thumbnails.make(sha256, open_picture)))
    except KeyError as err:
        if key is None:
            raise not_found("no stored object has this SHA-256") from err
        return Undecodable("gone", "")
    except Busy as err:
        raise Problem(503, "busy", str(err)) from err


def _response(found: Picture | Undecodable, etag: str) -> Response:
    headers = {"Content-Security-Policy": OBJECT_POLICY}
    if isinstance(found, Undecodable):
        return Response(drawn(found.reason, found.detail), media_type="image/svg+xml", headers=headers)
    headers |= {"ETag": f'"{etag}"', "Cache-Control": _LASTING}
    return Response(found.body, media_type=found.media_type, headers=headers)


def _opened_picture(console: Console, sha256: str, key: str | None) -> OpenObject:
    """The object with these bytes that may be shown. Raises: KeyError; StorageError."""
    with console.reader() as backend:
        return _find(backend.bucket(), sha256, key)


def _opened(console: Console, key: str, sha256: str | None) -> OpenObject:
    """Raises: Problem; StorageError."""
    if key.startswith(QUARANTINE):
        raise Problem(403, "quarantined", "files in quarantine are not served; the record's page says where they are")
    if sha256 is not None and not is_sha256(sha256):
        raise not_found("sha256 is not a hash in 64 hex digits")
    with console.reader() as backend, suppress(KeyError):
        return _find(backend.bucket(), sha256, key)
    raise not_found("nothing is stored under this key" + (" with this SHA-256" if sha256 else ""))


def _find(store: ReadableStore, sha256: str | None, key: str | None) -> OpenObject:
    """The object under the key, if it has the hash; else another one that has it; never one of quarantine.

    Raises: KeyError; StorageError.
    """
    keys = [] if key is None or not _is_key(key) else [key]
    failure: KeyError | StorageError = KeyError(key)
    for name in [*keys, *([] if sha256 is None else store.keys_of(sha256))]:
        if name.startswith(QUARANTINE):
            continue
        try:
            opened = store.open_object(name)
        except KeyError:
            continue
        except StorageError as err:
            failure = err
            continue
        if sha256 is None or opened.facts.sha256 in {sha256, None}:
            return opened
        opened.close()
    raise failure


def _is_key(key: str) -> bool:
    try:
        return 0 < len(key.encode()) <= _KEY_BYTES
    except UnicodeEncodeError:
        return False
