"""Brings files to X: pictures in one request; GIFs and videos in chunks, which X then takes a while to work on.

Nothing of an upload is visible, so any of it may be repeated. Each request has a deadline of its own; how long all of
it may take is the caller's business. It knows what X says about an upload; signing and refusals are its caller's.
"""

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import aiohttp

from bridge.errors import OutcomeUnknown, Rejected, Unreachable
from bridge.model import Credentials
from bridge.publish.x import shapes
from bridge.publish.x.refusals import quoted
from bridge.publish.x.wire import Reply, deadline_from_now, form

CHUNK = 4 << 20
"""Bytes. X takes up to 1000 chunks, so that its largest video fits several times."""
CHUNKED = frozenset({"image/gif", "video/mp4", "video/quicktime"})
_REQUEST = 60.0
"""Seconds for a request that carries a picture or a chunk, so that 0.6 Mbit a second suffice."""
_TRIES = 3
"""Of one chunk, and of one look. X takes the same chunk again in the place of the first."""
_PAUSE = 1.0
_PROCESSING = 900.0
"""Seconds that X may work on a video."""
_LONGEST_WAIT = 30.0


class Call(Protocol):
    """One signed exchange. With ``absent``, a 404 is a success. Raises PublishError."""

    async def __call__(
        self,
        method: str,
        path: str,
        credentials: Credentials,
        body: bytes | aiohttp.FormData | None = None,
        *,
        absent: bool = False,
        deadline: float | None = None,
    ) -> Reply: ...


class Uploads:
    """Uploads by ``call``. ``chunk``: bytes of one."""

    def __init__(self, call: Call, chunk: int = CHUNK) -> None:
        self._call = call
        self._chunk = chunk

    async def bring(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        """See ``Publisher.upload``."""
        if mime in CHUNKED:
            media_id = await self._in_chunks(credentials, file, mime)
        else:
            media_id = await self._at_once(credentials, file, mime)
        if alt:
            await self._call("POST", "/2/media/metadata", credentials, shapes.alt_body(media_id, alt))
        return media_id

    async def _at_once(self, credentials: Credentials, file: Path, mime: str) -> str:
        with file.open("rb") as opened:
            body = form(shapes.upload_fields(mime), opened, mime)
            deadline = deadline_from_now(_REQUEST)
            reply = await self._call("POST", "/2/media/upload", credentials, body, deadline=deadline)
        return _named(reply)

    async def _in_chunks(self, credentials: Credentials, file: Path, mime: str) -> str:
        with file.open("rb") as opened:
            said = shapes.initialize_body(mime, opened.seek(0, io.SEEK_END))
            opened.seek(0)
            media_id = _named(await self._call("POST", "/2/media/upload/initialize", credentials, said))
            path = f"/2/media/upload/{media_id}"
            index = 0
            while chunk := await asyncio.to_thread(opened.read, self._chunk):
                await self._append(credentials, f"{path}/append", index, chunk)
                index += 1
        reply = await self._call(
            "POST", f"{path}/finalize", credentials, absent=True, deadline=deadline_from_now(_REQUEST)
        )
        await self._processed(credentials, media_id, reply)
        return media_id

    async def _append(self, credentials: Credentials, path: str, index: int, chunk: bytes) -> None:
        """One chunk."""

        async def send() -> Reply:
            body = form({"segment_index": str(index)}, io.BytesIO(chunk), "application/octet-stream")
            deadline = deadline_from_now(_REQUEST)
            return await self._call("POST", path, credentials, body, absent=True, deadline=deadline)

        _there(await _patiently(send))

    async def _processed(self, credentials: Credentials, media_id: str, reply: Reply) -> None:
        """Wait until X has worked on it. ``reply``: the last one about it. Raises Rejected when X cannot."""
        path = f"/2/media/upload?command=STATUS&media_id={media_id}"
        until = deadline_from_now(_PROCESSING)
        while True:
            _there(reply)
            info = shapes.processing(reply.json())
            if info.state == "failed":
                why = quoted(info.reason)
                raise Rejected(f"X cannot use the file{f', saying: “{why}”' if why else ''}. Try another one.")
            if info.state in ("", "succeeded"):
                return
            if asyncio.get_running_loop().time() > until:
                raise OutcomeUnknown("X has worked on the file for long, and is not done.")
            await asyncio.sleep(min(max(info.seconds, 0.2), _LONGEST_WAIT))
            reply = await _patiently(lambda: self._call("GET", path, credentials, absent=True))


async def _patiently(ask: Callable[[], Awaitable[Reply]]) -> Reply:
    """What ``ask`` gives. It is asked again when no clear answer came: of hundreds of chunks one may be lost."""
    for _ in range(_TRIES - 1):
        try:
            return await ask()
        except (OutcomeUnknown, Unreachable):
            await asyncio.sleep(_PAUSE)
    return await ask()


def _named(reply: Reply) -> str:
    media_id = shapes.new_id(reply.json())
    if media_id is None:
        raise OutcomeUnknown("X took the file, but its answer does not name it.")
    return media_id


def _there(reply: Reply) -> None:
    """Raises OutcomeUnknown when X knows nothing of the upload: with a new one all may go well."""
    if reply.status == 404:
        raise OutcomeUnknown("X does not know the upload any more.")
