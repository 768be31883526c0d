"""X's endpoints for posts, reposts and reading them (API version 2).

Each takes the world and a checked call and gives the answer that X would give, with X's words where they are known.
"""

import base64
from datetime import UTC, datetime
from itertools import islice

from bridge.sandbox import answers, media, words
from bridge.sandbox.answers import Answer, data, forbidden, invalid, not_found
from bridge.sandbox.endpoints import Call, Endpoint, json_body
from bridge.sandbox.schema import NEW_POST, REPOST
from bridge.sandbox.world import Post, User, World

LONGEST = 280
LONGEST_PREMIUM = 25_000

_QUERY = frozenset(
    (
        *("max_results", "pagination_token", "start_time", "end_time", "since_id", "until_id", "exclude"),
        *("tweet.fields", "post.fields", "expansions", "user.fields", "media.fields", "poll.fields", "place.fields"),
    )
)


def create(world: World, call: Call) -> Answer:
    """``POST /2/tweets``."""
    body = json_body(call, NEW_POST)
    if isinstance(body, Answer):
        return body
    user = call.signer
    text: str = body.get("text", "")
    media_ids: list[str] = body.get("media", {}).get("media_ids", [])
    reply_to: str | None = body.get("reply", {}).get("in_reply_to_tweet_id")
    refusal = (
        _text_refusal(user, text, has_media=bool(media_ids))
        or media.refusal(world, user.id, media_ids, call.now)
        or (answers.QUOTE if "quote_tweet_id" in body else None)
        or (_reply_refusal(world, user, reply_to) if reply_to else None)
        or (answers.DUPLICATE if text and world.repeats(user, text, call.now) else None)
    )
    if refusal is not None:
        return refusal
    options = tuple(body.get("poll", {}).get("options", ()))
    post = Post(world.next_id(call.now), user.handle, text, call.now, reply_to, None, tuple(media_ids), options)
    world.put(post)
    return data({"id": post.id, "text": words.shown(text, world.shorten).text, "edit_history_post_ids": [post.id]}, 201)


def _text_refusal(user: User, text: str, *, has_media: bool) -> Answer | None:
    if not text.strip() and not has_media:
        return invalid("One of text or media must be provided", text=text)
    if words.length(text) > (LONGEST_PREMIUM if user.premium else LONGEST):
        return answers.TOO_LONG
    return answers.CASHTAGS if words.cashtags(text) > 1 else None


def _reply_refusal(world: World, user: User, reply_to: str) -> Answer | None:
    """Self-serve plans may reply to their own posts, and to those that mention them."""
    target = world.post(reply_to)
    if target is None:
        return answers.REPLY_GONE
    if target.handle != user.handle and user.handle.lower() not in words.mentions(target.text):
        return answers.REPLY
    return None


def delete(world: World, call: Call) -> Answer:
    """``DELETE /2/tweets/:id``."""
    post = world.post(call.args["id"])
    if post is None:
        return not_found("post", "id", call.args["id"])
    if post.handle != call.signer.handle:
        return answers.NOT_YOURS
    world.drop(post)
    return data({"deleted": True})


def show(world: World, call: Call) -> Answer:
    """``GET /2/tweets/:id``."""
    post = world.post(call.args["id"])
    return data(_render(world, post, _fields(call))) if post else not_found("post", "id", call.args["id"])


def me(world: World, call: Call) -> Answer:
    """``GET /2/users/me``."""
    user = call.signer
    return data({"id": user.id, "name": user.name, "username": user.handle})


def timeline(world: World, call: Call) -> Answer:
    """``GET /2/users/:id/tweets``: newest first."""
    user = world.user_by_id(call.args["id"])
    if user is None:
        return not_found("user", "id", call.args["id"])
    for name in call.query:
        if name not in _QUERY:
            return invalid(f"The query parameter [{name}] is not one of [{','.join(sorted(_QUERY))}]")
    try:
        found, more = _select(world, user, call)
    except ValueError as error:
        return invalid(str(error))
    fields = _fields(call)
    meta: dict[str, object] = {"result_count": len(found)}
    if not found:
        return data([], meta=meta)
    meta |= {"newest_id": found[0].id, "oldest_id": found[-1].id}
    if more:
        meta["next_token"] = base64.b32hexencode(found[-1].id.encode()).decode().rstrip("=").lower()
    return data([_render(world, post, fields) for post in found], meta=meta)


def _select(world: World, user: User, call: Call) -> tuple[list[Post], bool]:
    """The posts of one page, and whether there are more. Raises ValueError for a query that X refuses."""
    query = call.query
    count = int(query.get("max_results", "10"))
    if not 5 <= count <= 100:
        raise ValueError(f"The `max_results` query parameter value [{count}] is not between 5 and 100")
    since, until = int(query.get("since_id", "0")), int(query.get("until_id", "0"))
    if token := query.get("pagination_token", "").upper():
        until = int(base64.b32hexdecode(token + "=" * (-len(token) % 8)))
    start, end = _moment(query.get("start_time")), _moment(query.get("end_time"))
    without = set(query.get("exclude", "").split(","))
    chosen = (
        post
        for post in world.newest(user)
        if int(post.id) > since
        and (not until or int(post.id) < until)
        and (start is None or post.at >= start)
        and (end is None or post.at < end)
        and call.now - post.at >= world.lag
        and not ("retweets" in without and post.repost_of)
        and not ("replies" in without and post.reply_to)
    )
    found = list(islice(chosen, count + 1))
    return found[:count], len(found) > count


def _moment(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _fields(call: Call) -> set[str]:
    """The fields asked for. X's description calls the parameter ``post.fields``, its pages ``tweet.fields``."""
    return set(",".join((call.query.get("tweet.fields", ""), call.query.get("post.fields", ""))).split(","))


def _render(world: World, post: Post, fields: set[str]) -> dict[str, object]:
    shown = words.shown(post.text, world.shorten)
    value: dict[str, object] = {"id": post.id, "text": shown.text, "edit_history_tweet_ids": [post.id]}
    if post.media:
        full = f"https://x.com/{post.handle}/status/{post.id}/photo/1"
        short = world.shorten(full)
        value["text"] = f"{shown.text} {short}".lstrip()
        shown.urls.append({"url": short, "expanded_url": full, "display_url": f"pic.x.com/{short[-10:]}"})
    if "attachments" in fields and post.media:
        value["attachments"] = {"media_keys": [f"3_{media_id}" for media_id in post.media]}
    if "created_at" in fields:
        at = datetime.fromtimestamp(post.at, UTC)
        value["created_at"] = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if "author_id" in fields:
        value["author_id"] = world.user(post.handle).id
    if "entities" in fields and shown.urls:
        value["entities"] = {"urls": shown.urls}
    links = [("replied_to", post.reply_to), ("retweeted", post.repost_of)]
    if "referenced_tweets" in fields and any(target for _, target in links):
        value["referenced_tweets"] = [{"type": kind, "id": target} for kind, target in links if target]
    return value


def repost(world: World, call: Call) -> Answer:
    """``POST /2/users/:id/retweets``. The same again is the same repost."""
    if refusal := _other(call):
        return refusal
    body = json_body(call, REPOST)
    if isinstance(body, Answer):
        return body
    target = world.post(body["tweet_id"])
    if target is None:
        return not_found("post", "tweet_id", body["tweet_id"])
    user = call.signer
    if target.id not in user.reposts:
        text = f"RT @{target.handle}: {target.text}"
        world.put(Post(world.next_id(call.now), user.handle, text, call.now, repost_of=target.id))
    return data({"retweeted": True, "rest_id": target.id})


def unrepost(world: World, call: Call) -> Answer:
    """``DELETE /2/users/:id/retweets/:source_tweet_id``. Taking back what is not there is no error."""
    if refusal := _other(call):
        return refusal
    post = world.post(call.signer.reposts.get(call.args["source_tweet_id"], ""))
    if post is not None:
        world.drop(post)
    return data({"retweeted": False})


def _other(call: Call) -> Answer | None:
    if call.args["id"] == call.signer.id:
        return None
    return forbidden("The `id` in the path must be that of the authenticating user.")


ENDPOINTS = (
    Endpoint("POST", "/2/tweets", create, limit="post", writes=True),
    Endpoint("DELETE", "/2/tweets/{id}", delete, limit="delete", writes=True),
    Endpoint("GET", "/2/tweets/{id}", show, limit="read"),
    Endpoint("GET", "/2/users/me", me, limit="me"),
    Endpoint("GET", "/2/users/{id}/tweets", timeline, limit="timeline"),
    Endpoint("POST", "/2/users/{id}/retweets", repost, limit="repost", writes=True),
    Endpoint("DELETE", "/2/users/{id}/retweets/{source_tweet_id}", unrepost, limit="repost", writes=True),
)
