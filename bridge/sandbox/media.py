"""X's endpoints for pictures and videos: enough to upload one, describe it and use it in a post.

Bytes are counted against X's limits and thrown away.
"""

import math
from collections.abc import Sequence

from bridge.sandbox.answers import TYPES, Answer, data, invalid, not_found
from bridge.sandbox.endpoints import Call, Endpoint, form_body, json_body
from bridge.sandbox.schema import APPEND, INITIALIZE, METADATA, UPLOAD
from bridge.sandbox.world import Medium, World

EXPIRES = 86_400
"""Seconds that an upload can be used, as X says in its answers."""

LARGEST = {"tweet_image": 5 << 20, "tweet_gif": 15 << 20, "tweet_video": 512 << 20}
"""Bytes, by category."""

LARGEST_CHUNK = 5 << 20
_KEYS = {"tweet_gif": 16, "tweet_video": 7, "amplify_video": 13}
"""What a media key begins with."""


def _find(world: World, call: Call, media_id: str) -> Medium | Answer:
    medium = world.media.get(media_id)
    if medium is None or medium.owner != call.signer.id:
        return not_found("media", "id", media_id)
    return medium


def _too_large(medium: Medium) -> Answer | None:
    size = max(medium.size, medium.total)
    return invalid("File size exceeds limit.") if size > LARGEST.get(medium.category, 5 << 20) else None


def _described(medium: Medium, now: float) -> Answer:
    value: dict[str, object] = {
        "id": medium.id,
        "media_key": f"{_KEYS.get(medium.category, 3)}_{medium.id}",
        "size": medium.size,
        "expires_after_secs": EXPIRES,
    }
    left = medium.ready_at - now
    if medium.category == "tweet_image":
        return data(value)
    if left > 0:
        state = {"state": "in_progress", "check_after_secs": max(math.ceil(left / 2), 1), "progress_percent": 50}
        return data(value | {"processing_info": state})
    if medium.unfit:
        return data(
            value | {"processing_info": {"state": "failed", "progress_percent": 0}},
            errors=[{"title": "Invalid Request", "detail": medium.unfit, "type": f"{TYPES}invalid-request"}],
        )
    return data(value | {"processing_info": {"state": "succeeded", "progress_percent": 100}})


def refusal(world: World, owner: str, media: Sequence[str], now: float) -> Answer | None:
    """Why a post of that account cannot have these uploads; None when it can."""
    found = []
    for media_id in media:
        medium = world.media.get(media_id)
        usable = medium is not None and medium.complete and medium.ready_at <= now and not medium.unfit
        if medium is None or medium.owner != owner or not usable:
            return invalid("Your media IDs are invalid.", media_ids=media_id)
        found.append(medium)
    if len(found) > 1 and any(medium.category != "tweet_image" for medium in found):
        return invalid("A post may have up to 4 photos, or 1 animated GIF, or 1 video.", media_ids=",".join(media))
    return None


def upload(world: World, call: Call) -> Answer:
    """``POST /2/media/upload``: a picture in one go."""
    body = form_body(call, UPLOAD)
    if isinstance(body, Answer):
        return body
    medium = Medium("", call.signer.id, body["media_category"], len(body["media"]))
    if refused := _too_large(medium):
        return refused
    medium = world.add_medium(call.signer, medium.category, call.now, size=medium.size)
    return _described(medium, call.now)


def initialize(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/initialize``."""
    body = json_body(call, INITIALIZE)
    if isinstance(body, Answer):
        return body
    category, total = body.get("media_category", "tweet_image"), body.get("total_bytes", 0)
    if refused := _too_large(Medium("", call.signer.id, category, total=total)):
        return refused
    medium = world.add_medium(call.signer, category, call.now, complete=False)
    medium.total = total
    return data({"id": medium.id, "media_key": f"{_KEYS.get(category, 3)}_{medium.id}", "expires_after_secs": EXPIRES})


def append(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/:id/append``. The same chunk again takes the place of the first."""
    medium = _find(world, call, call.args["id"])
    if isinstance(medium, Answer):
        return medium
    body = form_body(call, APPEND)
    if isinstance(body, Answer):
        return body
    content, index = body["media"], body["segment_index"]
    if medium.complete or len(content) > LARGEST_CHUNK or index > len(medium.segments):
        return invalid("Invalid segment.", segment_index=index)
    medium.segments[index] = len(content)
    medium.size = sum(medium.segments.values())
    if medium.size > medium.total:
        return invalid("Segments exceed the size that was announced.", segment_index=index)
    return data({"expires_at": int(call.now) + EXPIRES})


def finalize(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/:id/finalize``."""
    medium = _find(world, call, call.args["id"])
    if isinstance(medium, Answer):
        return medium
    if not medium.size or medium.size != medium.total:
        return invalid(f"Segments do not add up to provided total file size: {medium.size} of {medium.total}.")
    if not medium.complete and medium.category != "tweet_image":
        medium.ready_at = call.now + world.processing
        medium.unfit = world.unfit
    medium.complete = True
    return _described(medium, call.now)


def status(world: World, call: Call) -> Answer:
    """``GET /2/media/upload?command=STATUS``."""
    medium = _find(world, call, call.query.get("media_id", ""))
    return medium if isinstance(medium, Answer) else _described(medium, call.now)


def describe(world: World, call: Call) -> Answer:
    """``POST /2/media/metadata``: the alt text."""
    body = json_body(call, METADATA)
    if isinstance(body, Answer):
        return body
    medium = _find(world, call, body["id"])
    if isinstance(medium, Answer):
        return medium
    medium.alt = body.get("metadata", {}).get("alt_text", {}).get("text", "")
    return data({"id": medium.id, "associated_metadata": {"alt_text": {"text": medium.alt}}})


ENDPOINTS = (
    Endpoint("POST", "/2/media/upload", upload, limit="media", writes=True),
    Endpoint("GET", "/2/media/upload", status, limit="media"),
    Endpoint("POST", "/2/media/upload/initialize", initialize, limit="media", writes=True),
    Endpoint("POST", "/2/media/upload/{id}/append", append, limit="media", writes=True),
    Endpoint("POST", "/2/media/upload/{id}/finalize", finalize, limit="media", writes=True),
    Endpoint("POST", "/2/media/metadata", describe, limit="media", writes=True),
)
