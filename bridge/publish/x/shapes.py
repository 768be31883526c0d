"""The shapes of X's API: the bodies that go out, and what is taken from the answers that come back.

It knows JSON and forms, and no HTTP. The bodies follow X's API description, where anything unknown is refused. What
comes back is believed only as far as it has the expected form.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bridge.model import Credentials, Draft, Linked

_ID = re.compile(r"[0-9]{1,19}")
_TOKEN = re.compile(r"[!-~]{1,500}")
_HANDLE = re.compile(r"[A-Za-z0-9_]{1,20}")
"""X gives out at most 15 characters; some old handles are longer."""
_POST_PATH = re.compile(
    r"/(?:[A-Za-z0-9_]{1,20}/status(?:es)?|i/web/status|i/status)/([0-9]{1,19})(?:/(?:photo|video)/[0-9]+)?/?"
)
_HOSTS = frozenset({"x.com", "www.x.com", "mobile.x.com", "twitter.com", "www.twitter.com", "mobile.twitter.com"})
_LONGEST_ADDRESS = 2048
_SNOWFLAKE_EPOCH = 1_288_834_974.657
"""Unix seconds: what the time inside X's ids counts from."""
_FIRST_SNOWFLAKE = 10**15
_EARLIEST = datetime(2010, 11, 7, tzinfo=UTC).timestamp()
"""X takes no ``start_time`` before that."""


def is_id(text: str) -> bool:
    """Whether X's description takes it as the id of a post or a user."""
    return _ID.fullmatch(text) is not None


def post_body(draft: Draft) -> bytes:
    """For ``POST /2/tweets``. Raises ValueError for a text that is none, or for what should be an id and is none."""
    body: dict[str, object] = {"text": draft.text}
    if draft.reply_to is not None:
        body["reply"] = {"in_reply_to_tweet_id": _checked(draft.reply_to)}
    if draft.media:
        body["media"] = {"media_ids": [_checked(one.remote_id) for one in draft.media]}
    return _dump(body)


def _category(mime: str) -> str:
    return "tweet_gif" if mime == "image/gif" else "tweet_video" if mime.startswith("video/") else "tweet_image"


def upload_fields(mime: str) -> dict[str, str]:
    """What stands beside the file in ``POST /2/media/upload``."""
    return {"media_category": _category(mime)}


def initialize_body(mime: str, size: int) -> bytes:
    """For ``POST /2/media/upload/initialize``: what will come in chunks, ``size`` bytes in all."""
    return _dump({"media_category": _category(mime), "media_type": mime, "total_bytes": size})


@dataclass(frozen=True, slots=True)
class Processing:
    """How far X is with an upload: its ``state`` (empty: there is nothing to wait for), when to look again, and why it
    failed.
    """

    state: str
    seconds: float = 1.0
    reason: str = ""


def processing(answer: dict[str, Any]) -> Processing:
    """What an answer about an upload says. X's description has a list of ``errors`` beside ``data``; its first API
    told the reason inside ``processing_info``.
    """
    info = data(answer).get("processing_info")
    if not isinstance(info, dict):
        return Processing("" if data(answer) else "pending")
    state, seconds = info.get("state"), info.get("check_after_secs")
    listed = answer.get("errors")
    told = [info.get("error"), *(listed if isinstance(listed, list) else [])]
    reasons = [one.get(name) for one in told if isinstance(one, dict) for name in ("message", "detail", "title")]
    return Processing(
        state if isinstance(state, str) else "pending",
        float(seconds) if isinstance(seconds, int | float) and 0 < seconds < 1e6 else 1.0,
        next((reason for reason in reasons if isinstance(reason, str) and reason), ""),
    )


def alt_body(media_id: str, alt: str) -> bytes:
    """For ``POST /2/media/metadata``: the alt text of an upload. Raises ValueError for what is no id."""
    return _dump({"id": _checked(media_id), "metadata": {"alt_text": {"text": alt}}})


def repost_body(remote_id: str) -> bytes:
    """For ``POST /2/users/:id/retweets``. Raises ValueError for what is no id."""
    return _dump({"tweet_id": _checked(remote_id)})


def _checked(remote_id: str) -> str:
    if not is_id(remote_id):
        raise ValueError("an id of digits is expected")
    return remote_id


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _dump(body: dict[str, object]) -> bytes:
    return _json(body).encode("utf-8")


def timeline_query(since: float, *, long_texts: bool, media: bool = False) -> str:
    """For ``GET /2/users/:id/tweets``: what was made from ``since`` (Unix seconds, X's clock) on. ``long_texts``: asks
    for the whole text of posts longer than 280; ``media``: for the keys of their pictures.
    """
    start = datetime.fromtimestamp(max(since, _EARLIEST), UTC).strftime("%Y-%m-%dT%H%%3A%M%%3A%SZ")
    fields = "created_at%2Centities" + "%2Cnote_tweet" * long_texts + "%2Cattachments" * media
    return f"max_results=100&exclude=retweets&start_time={start}&tweet.fields={fields}"


def new_id(answer: dict[str, Any]) -> str | None:
    """The id in ``{"data": {"id": ...}}``; None when there is none."""
    found = data(answer).get("id")
    return found if isinstance(found, str) and is_id(found) else None


def data(answer: dict[str, Any]) -> dict[str, Any]:
    """The object under ``data``; an empty one when there is none."""
    found = answer.get("data")
    return found if isinstance(found, dict) else {}


def posts(answer: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The posts of a timeline, with usable ids and texts; None when the answer is no timeline."""
    found = answer.get("data", [] if isinstance(answer.get("meta"), dict) else None)
    if not isinstance(found, list):
        return None
    return [
        post
        for post in found
        if isinstance(post, dict)
        and isinstance(post.get("text"), str)
        and isinstance(post.get("id"), str)
        and is_id(post["id"])
    ]


def made_at(post: dict[str, Any]) -> float | None:
    """When a post was made, in Unix seconds by X's clock: from its id, or from ``created_at`` of an old one."""
    number = int(post["id"])
    if number >= _FIRST_SNOWFLAKE:
        return (number >> 22) / 1000 + _SNOWFLAKE_EPOCH
    try:
        return datetime.fromisoformat(post.get("created_at", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def request_token(form: str) -> Credentials | None:
    """The pair in the answer of the first leg (RFC 5849, section 2.1); None when it is not whole."""
    fields = _form(form)
    return _pair(fields) if fields.get("oauth_callback_confirmed") == "true" else None


def linked(form: str) -> Linked | None:
    """The account in the answer of the last leg; None when anything is missing or odd."""
    fields = _form(form)
    pair, remote_id, handle = _pair(fields), fields.get("user_id", ""), fields.get("screen_name", "")
    if pair is None or not is_id(remote_id) or _HANDLE.fullmatch(handle) is None:
        return None
    return Linked(remote_id, handle, pair)


def _pair(fields: dict[str, str]) -> Credentials | None:
    token, secret = fields.get("oauth_token", ""), fields.get("oauth_token_secret", "")
    if _TOKEN.fullmatch(token) is None or _TOKEN.fullmatch(secret) is None:
        return None
    return Credentials(token, secret)


def _form(form: str) -> dict[str, str]:
    try:
        return {
            name: values[0] for name, values in parse_qs(form.strip(), max_num_fields=50).items() if len(values) == 1
        }
    except ValueError:
        return {}


def id_in(text: str, web_url: str) -> str | None:
    """The id in the address of a post at X (or at ``web_url``), or in a bare number; None for anything else."""
    text = text.strip().removeprefix("<").removesuffix(">")
    if len(text) > _LONGEST_ADDRESS or not text.isprintable() or " " in text:  # urlsplit would drop line ends
        return None
    if is_id(text):
        return text
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        known = parts.hostname in _HOSTS and parts.port in (None, 443, 80)
    except ValueError:
        return None
    at_home = f"{parts.scheme}://{parts.netloc}".lower() == web_url.lower()
    if parts.scheme not in ("http", "https") or parts.username is not None or not (known or at_home):
        return None
    path = _POST_PATH.fullmatch(parts.path)
    return path[1] if path is not None else None
