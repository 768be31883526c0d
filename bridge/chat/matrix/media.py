"""Brings a file of a room onto the disk: from the bot's own homeserver, decrypted, and held against its hash. And puts
one there, encrypted with a key of its own.

It asks for content URIs only (``mxc://``), at the authenticated endpoint (Matrix specification v1.11, "Content
repository"); the homeserver gets what lies elsewhere. Files are read and written piece by piece, and never run whole
through memory. It knows nothing of what a file is for.
"""

import base64
import binascii
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from aiohttp import ClientError, ClientResponse, ClientTimeout
from cryptography.hazmat.primitives.ciphers import Cipher, CipherContext
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR
from nio import AsyncClient
from yarl import URL

from bridge.chat.matrix.calls import meaning, parsed
from bridge.chat.matrix.events import mxc_parts
from bridge.errors import ChatRefused, ChatUnreachable, KantterError
from bridge.model import Medium

_CHUNK = 1 << 16
_SECONDS = 30.0
_SLOWEST = 512 << 10
"""Bytes a second: a large file gets the time that it takes at this speed."""
_STALLED = 30.0
"""Seconds without a byte; the homeserver may have to get the whole file first."""
_LARGEST_REFUSAL = 1 << 16
_SPARE = 128 << 20
"""Bytes of the disk that no file of a room gets: several may come at once, and each is as large as its sender says only
if its sender is honest.
"""


async def fetch(client: AsyncClient, medium: Medium, into: Path, most: int) -> None:
    """See ``ChatNetwork.fetch``. Raises also ConfigError (DeadToken)."""
    opener = _opener(medium)
    digest = hashlib.sha256()
    size = 0
    descriptor = os.open(into, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        async with _download(client, medium, _SECONDS + most / _SLOWEST) as response:
            async for chunk in response.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > most:
                    raise ChatRefused(f"the file is larger than {most >> 20} MB")
                if shutil.disk_usage(into.parent).free < _SPARE:
                    raise OSError(errno.ENOSPC, "it is nearly full")
                digest.update(chunk)
                file.write(chunk if opener is None else opener.update(chunk))
    if opener is not None and digest.digest() != _decoded(medium.sha256):
        raise ChatRefused("the file is not what was sent: it was changed on its way")


async def upload(client: AsyncClient, file: Path, medium: Medium, *, encrypted: bool) -> Medium:
    """See ``ChatNetwork.upload``; the key is not sealed. Raises also ConfigError (DeadToken).

    The key is used once, and half of the counter's start is zero, so that it never wraps (specification, "Sending
    encrypted attachments"). The homeserver hears neither the name nor the type of an encrypted file.
    """
    key, start = os.urandom(32), os.urandom(8) + bytes(8)
    sealer = Cipher(AES(key), CTR(start)).encryptor() if encrypted else None
    digest = hashlib.sha256()
    size = os.stat(file).st_size  # noqa: PTH116 - what is asked is in memory

    async def pieces() -> AsyncIterator[bytes]:
        with file.open("rb") as opened:
            while piece := opened.read(_CHUNK):
                sent = piece if sealer is None else sealer.update(piece)
                digest.update(sent)
                yield sent

    kind = "application/octet-stream" if encrypted else medium.mime
    answer = await _put(client, pieces(), size, kind, _SECONDS + size / _SLOWEST)
    source = answer.get("content_uri") if isinstance(answer, dict) else None
    if not isinstance(source, str) or mxc_parts(source) is None:
        raise ChatUnreachable("the homeserver did not name the file")
    there = replace(medium, source=source, size=size, key="", iv="", sha256=_encoded(digest.digest()))
    if not encrypted:
        return there
    return replace(there, key=_encoded(key, urlsafe=True), iv=_encoded(start))


async def _put(client: AsyncClient, pieces: AsyncIterator[bytes], size: int, kind: str, seconds: float) -> object:
    """Have the homeserver keep a file of ``size`` bytes; the JSON of its answer."""
    session = client.client_session
    if session is None:
        raise ChatUnreachable("the connection to the homeserver is closed")
    headers = {
        "Authorization": f"Bearer {client.access_token}",
        "Content-Type": kind,
        "Content-Length": str(size),
    }
    try:
        async with session.post(
            f"{client.homeserver}/_matrix/media/v3/upload",
            data=pieces,
            headers=headers,
            timeout=ClientTimeout(total=seconds),
            allow_redirects=False,
        ) as response:
            answer = parsed(await response.content.read(_LARGEST_REFUSAL))
            if response.status != 200:
                raise _refusal(response.status, answer)
            return answer
    except (ClientError, TimeoutError, ConnectionError) as error:  # an OSError of the disk is our caller's
        raise ChatUnreachable(f"the file cannot be put there: {type(error).__name__}") from None


def _refusal(status: int, answer: object) -> KantterError:
    code = answer.get("errcode") if isinstance(answer, dict) else ""
    if code == "M_TOO_LARGE" or status == 413:
        return ChatRefused("the homeserver takes no file that large")
    return meaning(status, code if isinstance(code, str) else "")


def _encoded(data: bytes, *, urlsafe: bool = False) -> str:
    """Base64 without padding; of keys in the other alphabet (RFC 7517)."""
    return (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode("ascii").rstrip("=")


def _opener(medium: Medium) -> CipherContext | None:
    """What decrypts the file (AES-CTR, 256 bits); None for a plain one. Raises ChatRefused."""
    if not medium.key:
        return None
    key, start = _decoded(medium.key), _decoded(medium.iv)
    if len(key) != 32 or len(start) != 16:
        raise ChatRefused("the file's key is damaged")
    return Cipher(AES(key), CTR(start)).decryptor()


def _decoded(text: str) -> bytes:
    """Base64 without padding, in either alphabet. Raises ChatRefused."""
    try:
        plain = text.rstrip("=").replace("-", "+").replace("_", "/")
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ChatRefused("the file's key is damaged") from error


@asynccontextmanager
async def _download(client: AsyncClient, medium: Medium, seconds: float) -> AsyncIterator[ClientResponse]:
    named = mxc_parts(medium.source)
    session = client.client_session
    if named is None:
        raise ChatRefused("that is no file of a room")
    if session is None:
        raise ChatUnreachable("the connection to the homeserver is closed")
    server, media_id = (quote(one, safe="") for one in named)
    # No redirect is followed: the token, and we ourselves, stay with the homeserver.
    url = URL(f"{client.homeserver}/_matrix/client/v1/media/download/{server}/{media_id}", encoded=True)
    # Nothing is unpacked on its way: what is counted is what came.
    headers = {"Authorization": f"Bearer {client.access_token}", "Accept-Encoding": "identity"}
    try:
        async with session.get(
            url,
            headers=headers,
            timeout=ClientTimeout(total=seconds, sock_read=_STALLED),
            allow_redirects=False,
            auto_decompress=False,
        ) as response:
            if response.status != 200:
                raise _refusal(response.status, parsed(await response.content.read(_LARGEST_REFUSAL)))
            yield response
    except (ClientError, TimeoutError, ConnectionError) as error:  # an OSError of the disk is our caller's
        raise ChatUnreachable(f"the file cannot be fetched: {type(error).__name__}") from None
