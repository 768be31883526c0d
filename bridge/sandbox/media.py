"""X's endpoints for pictures and videos: enough to upload one, describe it and use it in a post.

Bytes are counted against X's limits and thrown away.
"""

from bridge.sandbox.answers import Answer, data, invalid, not_found
from bridge.sandbox.endpoints import Call, Endpoint, form_body, json_body
from bridge.sandbox.schema import APPEND, INITIALIZE, METADATA, UPLOAD
from bridge.sandbox.world import Medium, World

EXPIRES = 86_400
"""Seconds that an upload can be used, as X says in its answers."""

LARGEST = {"tweet_image": 5 << 20, "tweet_gif": 15 << 20, "tweet_video": 512 << 20}
"""Bytes, by category."""


def _find(world: World, call: Call, media_id: str) -> Medium | Answer:
    medium = world.media.get(media_id)
    if medium is None or medium.owner != call.signer.id:
        return not_found("media", "id", media_id)
    return medium


def _too_large(medium: Medium) -> Answer | None:
    return invalid("File size exceeds limit.") if medium.size > LARGEST.get(medium.category, 5 << 20) else None


def _described(medium: Medium) -> dict[str, object]:
    value: dict[str, object] = {
        "id": medium.id,
        "media_key": f"3_{medium.id}",
        "size": medium.size,
        "expires_after_secs": EXPIRES,
    }
    if medium.category in ("tweet_video", "amplify_video"):
        value["processing_info"] = {"state": "succeeded", "progress_percent": 100}
    return value


def upload(world: World, call: Call) -> Answer:
    """``POST /2/media/upload``: a picture in one go."""
    body = form_body(call, UPLOAD)
    if isinstance(body, Answer):
        return body
    medium = Medium("", call.signer.id, body["media_category"], len(body["media"]))
    if refusal := _too_large(medium):
        return refusal
    medium = world.add_medium(call.signer, medium.category, call.now, size=medium.size)
    return data(_described(medium))


def initialize(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/initialize``."""
    body = json_body(call, INITIALIZE)
    if isinstance(body, Answer):
        return body
    medium = world.add_medium(call.signer, body.get("media_category", "tweet_image"), call.now, complete=False)
    return data({"id": medium.id, "media_key": f"3_{medium.id}", "expires_after_secs": EXPIRES})


def append(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/:id/append``."""
    medium = _find(world, call, call.args["id"])
    if isinstance(medium, Answer):
        return medium
    body = form_body(call, APPEND)
    if isinstance(body, Answer):
        return body
    medium.size += len(body["media"])
    return _too_large(medium) or data({"expires_at": int(call.now) + EXPIRES})


def finalize(world: World, call: Call) -> Answer:
    """``POST /2/media/upload/:id/finalize``."""
    medium = _find(world, call, call.args["id"])
    if isinstance(medium, Answer):
        return medium
    if not medium.size:
        return invalid("No media was appended.")
    medium.complete = True
    return data(_described(medium))


def status(world: World, call: Call) -> Answer:
    """``GET /2/media/upload?command=STATUS``."""
    medium = _find(world, call, call.query.get("media_id", ""))
    return medium if isinstance(medium, Answer) else data(_described(medium))


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
