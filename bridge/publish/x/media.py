"""What X takes with a post: up to four pictures, or one GIF, or one video. Pure rules, in words for the person.

It knows what a file is said to be; what it really is, ``bridge.pictures`` finds out.
"""

from collections.abc import Sequence

from bridge.errors import UsageError
from bridge.model import Medium
from bridge.pictures import LARGEST_SCALED
from bridge.text import first_words

_MB = 1 << 20
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp"})
LARGEST = {
    **dict.fromkeys(PICTURES, 5 * _MB),
    "image/gif": 15 * _MB,
    "video/mp4": 512 * _MB,
    "video/quicktime": 512 * _MB,
}
"""Bytes, by type."""
MOST_PICTURES = 4
LONGEST_ALT = 1000
LONGEST_VIDEO = 140.0
_ROUNDED = 0.5
"""Seconds by which a length may be off: it is said in frames, milliseconds or ticks."""


def check(media: Sequence[Medium]) -> None:
    """Hold the pictures of a post against X's rules, as far as their sender says what they are. Raises UsageError."""
    if len(media) > MOST_PICTURES or (len(media) > 1 and any(one.mime not in PICTURES for one in media)):
        raise UsageError(f"X takes at most {MOST_PICTURES} pictures in a post, or one GIF, or one video: never both.")
    for one in media:
        check_one(one)


def check_one(medium: Medium) -> None:
    """The same for one of them. A picture that is too large passes where it can be scaled down."""
    largest = LARGEST.get(medium.mime, 0)
    if not largest:
        kind = first_words(medium.mime) or "file of that kind"
        raise UsageError(f"X takes no {kind}: pictures are JPEG, PNG, WebP or GIF, videos MP4 or MOV.")
    what = "video" if medium.mime.startswith("video/") else "GIF" if medium.mime == "image/gif" else "picture"
    if medium.size > max(largest, LARGEST_SCALED if medium.mime in PICTURES else 0):
        size = f"{medium.size / _MB:.1f}"
        if medium.mime in PICTURES:
            raise UsageError(f"The picture is too large even to be scaled down: it has {size} MB.")
        raise UsageError(f"The {what} is too large: X takes {largest // _MB} MB of it, and it has {size}.")
    if medium.duration > LONGEST_VIDEO + _ROUNDED:
        raise UsageError(
            f"The video is too long: X takes {_length(LONGEST_VIDEO)}, and it has {_length(medium.duration)}."
        )
    if medium.alt and what == "video":
        raise UsageError("X takes alt texts for pictures and GIFs, and none for a video. Leave it out.")
    if len(medium.alt) > LONGEST_ALT:
        raise UsageError(f"The alt text has {len(medium.alt)} characters; X takes {LONGEST_ALT}.")


def _length(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
