"""Which of a post's pictures is still to be brought to its publisher, before the post itself is claimed.

Nothing is visible of an upload, so it may be given up and repeated: the row stays QUEUED meanwhile, and a crash costs
one more. It knows what is missing; what an error means for the row, ``settling`` knows.
"""

from dataclasses import replace

from bridge.model import Medium, Post

LONGEST = 3600.0
"""Seconds for all of it. Each step has its own deadline; this is for what nobody thought of."""
_KEEPS = 20 * 3600.0
"""Seconds after which an upload is not relied on any more; X keeps them for a day."""


def missing(post: Post, now: float) -> Medium | None:
    """The first of the post's pictures that is not at the publisher."""
    return next((one for one in post.draft.media if not one.remote_id or now - one.uploaded_at > _KEEPS), None)


def changed(post: Post, medium: Medium, new: Medium) -> Post:
    """The post with ``new`` in the place of ``medium``, if it still has just that one."""
    media = tuple(new if one == medium else one for one in post.draft.media)
    return replace(post, draft=replace(post.draft, media=media))
