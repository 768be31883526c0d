"""Brings a post's pictures to its publisher, before the post itself is claimed.

Nothing is visible of an upload, so it may be given up and repeated: the row stays QUEUED meanwhile, and a crash costs
one more. It knows files and what is missing; what an error means for the row, ``settling`` knows.
"""

import asyncio
import os
import shutil
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import structlog

from bridge import pictures, scaling
from bridge.errors import ChatError, ChatRefused, OutcomeUnknown, Rejected, UsageError
from bridge.interfaces import ChatNetwork, Publisher
from bridge.model import Credentials, Medium, Post, Receipt

log = structlog.get_logger(__name__)

LONGEST = 3600.0
"""Seconds for all of it. Each step has its own deadline; this is for what nobody thought of."""
_KEEPS = 20 * 3600.0
"""Seconds after which an upload is not relied on any more; X keeps them for a day."""
_SPARE = 256 << 20
"""Bytes of the disk that files of rooms leave to the database."""


class NeedsScaling(Rejected):
    """The picture has ``size`` bytes, which is too many, and nobody has said yet that it may be scaled down."""

    def __init__(self, size: int) -> None:
        super().__init__("its picture is too large")
        self.size = size


def missing(post: Post, now: float) -> Medium | None:
    """The first of the post's pictures that is not at the publisher."""
    return next((one for one in post.draft.media if not one.remote_id or now - one.uploaded_at > _KEEPS), None)


def changed(post: Post, medium: Medium, new: Medium) -> Post:
    """The post with ``new`` in the place of ``medium``, if it still has just that one."""
    media = tuple(new if one == medium else one for one in post.draft.media)
    return replace(post, draft=replace(post.draft, media=media))


class Porter:
    """Carries files from a network to a publisher. ``folder`` is where they lie for a moment; None: where the system
    has its own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._one_by_one = asyncio.Lock()  # an opened picture may fill hundreds of megabytes

    async def bring(
        self, network: ChatNetwork | None, publisher: Publisher, credentials: Credentials, medium: Medium
    ) -> Receipt:
        """Fetch, clean, upload; the receipt names the upload. Raises PublishError, which tells nothing of a post."""
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
                os.close(os.open(cleaned, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                clean = await self._clean(publisher, medium, fetched, cleaned)
                return Receipt(await publisher.upload(credentials, cleaned, clean.mime, clean.alt))
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
