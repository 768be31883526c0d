"""Which request bodies X takes, as data, and a check that refuses everything else.

It knows shapes only. The shapes follow X's API description (version 2.167): each object is closed, an unknown property
is a mistake. Only what the product could ever send is spelled out below the first level.
"""

import re
from collections.abc import Mapping
from typing import Any

Shape = Mapping[str, Any]
"""A small subset of JSON Schema, with its words; every object is closed."""


def closed(required: tuple[str, ...] = (), /, **properties: Shape) -> Shape:
    """An object with these properties and no other."""
    return {"type": dict, "required": required, "properties": properties}


TEXT: Shape = {"type": str}
FLAG: Shape = {"type": bool}
ID: Shape = {"type": str, "pattern": re.compile(r"[0-9]{1,19}\Z")}
_WHO: Shape = {"type": str, "enum": ("following", "mentionedUsers", "subscribers", "verified")}
_CATEGORY: Shape = {
    "type": str,
    "enum": ("tweet_image", "tweet_video", "tweet_gif", "dm_image", "dm_video", "dm_gif", "subtitles", "amplify_video"),
}

NEW_POST = closed(
    text=TEXT,
    media=closed(
        ("media_ids",),
        media_ids={"type": list, "items": ID, "minimum": 1, "maximum": 4},
        tagged_user_ids={"type": list, "items": ID, "maximum": 10},
        embeddable=FLAG,
        preview_media_id=ID,
        title=TEXT,
    ),
    reply=closed(
        ("in_reply_to_tweet_id",),
        in_reply_to_tweet_id=ID,
        auto_populate_reply_metadata=FLAG,
        exclude_reply_user_ids={"type": list, "items": TEXT},
    ),
    poll=closed(
        ("options", "duration_minutes"),
        options={"type": list, "items": {"type": str, "minimum": 1, "maximum": 25}, "minimum": 2, "maximum": 4},
        duration_minutes={"type": int, "minimum": 5, "maximum": 10080},
        reply_settings=_WHO,
    ),
    reply_settings=_WHO,
    quote_tweet_id=ID,
    made_with_ai=FLAG,
    paid_partnership=FLAG,
    for_super_followers_only=FLAG,
    share_with_followers=FLAG,
    nullcast=FLAG,
    community_id=ID,
    card_uri=TEXT,
    direct_message_deep_link=TEXT,
    edit_options=closed(("previous_post_id",), previous_post_id=ID),
    geo=closed(("place_id",), place_id=TEXT),
)

REPOST = closed(("tweet_id",), tweet_id=ID)

UPLOAD = closed(
    ("media", "media_category"),
    media={"type": (bytes, str)},
    media_category=_CATEGORY,
    additional_owners=TEXT,
)

INITIALIZE = closed(
    media_category=_CATEGORY,
    media_type=TEXT,
    total_bytes={"type": int, "minimum": 0, "maximum": 17179869184},
    shared=FLAG,
    additional_owners={"type": list, "items": ID},
)

APPEND = closed(
    ("media", "segment_index"),
    media={"type": (bytes, str)},
    segment_index={"type": int, "minimum": 0, "maximum": 999},
)

METADATA = closed(
    ("id",), id=ID, metadata=closed(alt_text=closed(("text",), text={"type": str, "maximum": 1000}))
)  # fmt: skip


def mistake(value: object, shape: Shape, where: str = "$") -> str | None:
    """The first thing wrong with ``value``, in X's manner of saying it; None when it has the shape."""
    if not isinstance(value, shape["type"]) or (isinstance(value, bool) and shape["type"] is not bool):
        return f"[{where}: {type(value).__name__} found, another type expected]"
    if isinstance(value, dict):
        return _object_mistake(value, shape, where)
    if isinstance(value, str) and not _is_text(value):
        return f"[{where}: is not valid Unicode]"
    if isinstance(value, list):
        for place, item in enumerate(value):
            if wrong := mistake(item, shape["items"], f"{where}[{place}]"):
                return wrong
    if "enum" in shape and value not in shape["enum"]:
        return f"[{where}: does not have a value in the enumeration {list(shape['enum'])}]"
    if "pattern" in shape and isinstance(value, str) and not shape["pattern"].match(value):
        return f"[{where}: does not match the regex pattern]"
    size = value if isinstance(value, int) else len(value) if isinstance(value, str | list) else 0
    if size < shape.get("minimum", size) or size > shape.get("maximum", size):
        return f"[{where}: is out of bounds]"
    return None


def _is_text(value: str) -> bool:
    """False for lone surrogates, which JSON can spell and UTF-8 cannot."""
    try:
        value.isascii() or value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object_mistake(value: Mapping[str, object], shape: Shape, where: str) -> str | None:
    known = shape["properties"]
    for name, item in value.items():
        if name not in known:
            return f"[{where}.{name}: is not defined in the schema and the schema does not allow additional properties]"
        if wrong := mistake(item, known[name], f"{where}.{name}"):
            return wrong
    missing = [name for name in shape["required"] if name not in value]
    return f"[{where}.{missing[0]}: is missing but it is required]" if missing else None
