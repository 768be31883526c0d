"""Brings a picture or video from a room onto the disk and cleans it: exactly what would be published of it. Shared by
whoever shows it to its approvers and whoever sends it.

A file that is not encrypted is known by its address only, and a homeserver can put other bytes behind that: so its hash
is taken here the first time, and each later file is held to it. It knows files and what is wrong with them, and no row.
"""

import asyncio
import base64
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from bridge import pictures, scaling
from bridge.errors import ChatError, ChatRefused, OutcomeUnknown, Rejected, UsageError
from bridge.interfaces import ChatNetwork, Publisher
from bridge.model import Medium

log = structlog.get_logger(__name__)

_SPARE = 256 << 20
"""Bytes of the disk that files of rooms leave to the database."""


class NeedsScaling(Rejected):
    """The picture has ``size`` bytes, which is too many, and nobody has said yet that it may be scaled down."""

    def __init__(self, size: int) -> None:
        super().__init__("its picture is too large")
        self.size = size


@dataclass(frozen=True, slots=True)
class Clean:
    """The file that would be published, and what it really is: type, size, seconds. Of a plain one, ``sha256`` is
    that of the file as it was sent.
    """

    file: Path
    medium: Medium


class Fetcher:
    """Fetches and cleans. ``folder`` is where files lie for a moment; None: where the system has its own."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._one_by_one = asyncio.Lock()  # an opened picture may fill hundreds of megabytes

    @asynccontextmanager
    async def cleaned(self, network: ChatNetwork | None, publisher: Publisher, medium: Medium) -> AsyncIterator[Clean]:
        """The picture, until the block ends. Raises PublishError: OutcomeUnknown where a later try may bring it, and
        Rejected (NeedsScaling) where none will. The same for an OSError of the disk in the block.
        """
        most = publisher.largest(medium.mime)
        if network is None or not most:
            raise Rejected("its picture cannot be had any more")
        if scaling.is_too_large(medium, publisher.largest) and not medium.scaled:
            raise NeedsScaling(medium.size)
        try:
            self._find_room(medium, most)
            with tempfile.TemporaryDirectory(prefix="picture-", dir=self._folder) as place:
                fetched, cleaned = Path(place) / "fetched", Path(place) / "cleaned"
                await _fetch(network, medium, fetched, most)
                medium = await _held(medium, fetched)
                os.close(os.open(cleaned, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                yield Clean(cleaned, await self._clean(publisher, medium, fetched, cleaned))
        except OSError as error:
            if error.errno is None:
                raise
            log.warning("no room for a file of a room", reason=error.strerror)
            why = f"there is no room for it on this machine's disk ({error.strerror}); its operator must make some"
            raise OutcomeUnknown(why) from error

    def _find_room(self, medium: Medium, most: int) -> None:
        """Raises OSError where the disk would be full with the file."""
        free = shutil.disk_usage(self._folder or tempfile.gettempdir()).free
        if free < min(medium.size or most, most) + _SPARE:
            raise OSError(28, "it is nearly full")

    async def _clean(self, publisher: Publisher, medium: Medium, fetched: Path, cleaned: Path) -> Medium:
        """Gives it as it really is. Raises Rejected when it cannot be used, or is too much."""
        given_up = threading.Event()
        async with self._one_by_one:
            try:
                clean = await asyncio.to_thread(_cleaned, fetched, cleaned, medium, publisher.largest, given_up)
            except pictures.TooLarge as error:
                if not pictures.is_scalable(medium.mime):  # its sender's client says so, and then nobody is asked
                    raise Rejected("its picture is too large, and is not of the type that it is said to be") from error
                raise NeedsScaling(error.size) from error
            except pictures.NotAPicture as error:
                raise Rejected(f"its picture cannot be used: {error}") from error
            finally:
                given_up.set()
        try:
            publisher.check_medium(clean)
        except UsageError as error:
            raise Rejected(str(error)) from error
        return clean


def _cleaned(fetched: Path, into: Path, medium: Medium, largest: scaling.Largest, given_up: threading.Event) -> Medium:
    """It with its true type, bytes and seconds, when it is clean."""
    mime, unwanted = pictures.really(fetched, medium.mime), given_up.is_set
    mime = mime if largest(mime) else medium.mime
    seconds = pictures.clean(fetched, into, mime, most=largest(mime), scaled=medium.scaled, unwanted=unwanted)
    return replace(medium, mime=mime, size=into.stat().st_size, duration=seconds)


async def _held(medium: Medium, fetched: Path) -> Medium:
    """It with the hash of its bytes, where the network did not hold it to one. Raises Rejected when it had another."""
    if medium.key:
        return medium
    found = await asyncio.to_thread(_hash, fetched)
    if medium.sha256 not in ("", found):
        raise Rejected(
            "its picture is not the one that was there when it was shown for approval: the homeserver gives another "
            "file now. Send the picture anew"
        )
    return replace(medium, sha256=found)


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return base64.b64encode(hashlib.file_digest(opened, "sha256").digest()).decode("ascii")


async def _fetch(network: ChatNetwork, medium: Medium, into: Path, most: int) -> None:
    """Of a picture that may be scaled, more than the publisher takes."""
    if pictures.is_scalable(medium.mime):
        most = max(most, pictures.LARGEST_SCALED)
    try:
        await network.fetch(medium, into, most=most)
    except ChatRefused as error:
        raise Rejected(f"its picture cannot be had: {error}") from error
    except ChatError as error:
        raise OutcomeUnknown(f"its picture cannot be had now: {error}") from error
