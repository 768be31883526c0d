"""Brings a post's pictures to its publisher, before the post itself is claimed.

Nothing is visible of an upload, so it may be repeated: the row stays QUEUED meanwhile, and a crash costs one more. It
knows files and what is missing; what an error means for the row, ``settling`` knows.
"""

import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

from bridge.errors import ChatError, ChatRefused, OutcomeUnknown, Rejected
from bridge.interfaces import ChatNetwork, Publisher
from bridge.model import Credentials, Medium, Post, Receipt
from bridge.pictures import NotAPicture, clean

LONGEST = 75.0
"""Seconds for all of it: fetching, cleaning, uploading."""
_KEEPS = 20 * 3600.0
"""Seconds after which an upload is not relied on any more; X keeps them for a day."""


def missing(post: Post, now: float) -> Medium | None:
    """The first of the post's pictures that is not at the publisher."""
    return next((one for one in post.draft.media if not one.remote_id or now - one.uploaded_at > _KEEPS), None)


def noted(post: Post, medium: Medium, remote_id: str, now: float) -> Post:
    """The post with that picture uploaded, if it still has just that one."""
    here = replace(medium, remote_id=remote_id, uploaded_at=now)
    media = tuple(here if one == medium else one for one in post.draft.media)
    return replace(post, draft=replace(post.draft, media=media))


async def bring(
    network: ChatNetwork | None, publisher: Publisher, credentials: Credentials, medium: Medium, folder: Path | None
) -> Receipt:
    """Fetch, clean, upload; the receipt names the upload. Raises PublishError, which tells nothing of a post."""
    most = publisher.largest(medium.mime)
    if network is None or not most:
        raise Rejected("its picture cannot be had any more")
    with tempfile.TemporaryDirectory(prefix="picture-", dir=folder) as place:
        fetched, cleaned = Path(place) / "fetched", Path(place) / "cleaned"
        try:
            await network.fetch(medium, fetched, most=most)
        except ChatRefused as error:
            raise Rejected(f"its picture cannot be had: {error}") from error
        except ChatError as error:
            raise OutcomeUnknown(f"its picture cannot be had now: {error}") from error
        os.close(os.open(cleaned, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            await asyncio.to_thread(clean, fetched, cleaned, medium.mime)
        except NotAPicture as error:
            raise Rejected(f"its picture cannot be used: {error}") from error
        if cleaned.stat().st_size > most:
            raise Rejected(f"its picture has more than {most >> 20} MB without its hidden data; make it smaller")
        return Receipt(await publisher.upload(credentials, cleaned, medium.mime, medium.alt))
