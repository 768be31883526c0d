"""The timeline pages: everybody's latest posts, one account's, one post.

It reads the world and changes nothing.
"""

from datetime import UTC, datetime
from itertools import islice

from bridge.sandbox import words
from bridge.sandbox.answers import Answer
from bridge.sandbox.pages import Markup, face, fill, joined, page
from bridge.sandbox.world import Post, User, World

SHOWN = 50
"""Posts a page."""
_NAMES = {
    "tweet_image": "picture without a description",
    "tweet_gif": "GIF without a description",
    "tweet_video": "video",
}


def home(world: World, now: float) -> Answer:
    """``/``: everybody's posts, newest first. ``now``: Unix seconds."""
    empty = _empty("Nothing posted yet", "What you post from the chat shows up here by itself.")
    return _feed("Latest posts", Markup(""), _cards(world, world.latest(SHOWN), now), empty)


def profile(world: World, handle: str, now: float) -> Answer:
    """``/<handle>``."""
    user = world.users.get(handle.lower())
    if user is None:
        return _feed("Not found", Markup(""), [], _empty("Nobody of that name", "No account here is called that."), 404)
    count = f"{len(user.posts)} post{'' if len(user.posts) == 1 else 's'}"
    cards = _cards(world, list(islice(world.newest(user), SHOWN)), now)
    return _feed(f"@{user.handle}", fill("profile", count=count, **face(user)), cards, _empty("No posts yet", ""))


def single(world: World, handle: str, post_id: str, now: float) -> Answer:
    """``/<handle>/status/<id>``."""
    post = world.post(post_id)
    if post is None or post.handle.lower() != handle.lower():
        return _feed("Not found", Markup(""), [], _empty("This post does not exist", "It may have been deleted."), 404)
    return _feed(f"@{post.handle}", Markup(""), [_card(world, post, now, large=True)], Markup(""))


def _feed(title: str, top: Markup, cards: list[Markup], empty: Markup, status: int = 200) -> Answer:
    return page(title, fill("timeline", top=top, posts=joined(cards) if cards else empty), status=status, live=True)


def _empty(heading: str, said: str) -> Markup:
    return Markup(f'<div class="empty"><h1>{heading}</h1><p>{said}</p></div>')


def _cards(world: World, posts: list[Post], now: float) -> list[Markup]:
    return [_card(world, post, now) for post in posts]


def _card(world: World, post: Post, now: float, *, large: bool = False) -> Markup:
    author = world.user(post.handle)
    above = Markup("")
    if post.repost_of is not None and (original := world.post(post.repost_of)) is not None:
        above = _said("above", "↻ ", author, " reposted")
        post, author = original, world.user(original.handle)
    at = datetime.fromtimestamp(post.at, UTC)
    return fill(
        "post",
        id=post.id,
        large=" large" if large else "",
        above=above,
        reply=_reply(world, post),
        text=Markup(words.as_html(post.text)),
        more=_more(world, post),
        stamp=at.isoformat(timespec="seconds"),
        moment=at.strftime("%d %B %Y, %H:%M:%S UTC"),
        when=ago(post.at, now),
        **face(author),
    )


def _said(kind: str, before: str, user: User, after: str = "") -> Markup:
    return Markup(f'<p class="{kind}">{before}<a href="/{user.handle}">@{user.handle}</a>{after}</p>')


def _reply(world: World, post: Post) -> Markup:
    if post.reply_to is None:
        return Markup("")
    target = world.post(post.reply_to)
    if target is None:
        return Markup('<p class="reply">Replying to a post that is gone</p>')
    return _said("reply", "Replying to ", world.user(target.handle))


def _more(world: World, post: Post) -> Markup:
    """What hangs on a post: pictures by their description (their bytes are not kept), and the choices of a poll."""
    from_media = [world.media.get(media_id) for media_id in post.media]
    items = [f"▣ {medium.alt or _NAMES.get(medium.category, '')}" for medium in from_media if medium is not None]
    items += [f"○ {option}" for option in post.options]
    return fill("more", items=joined([fill("item", said=item) for item in items])) if items else Markup("")


def ago(at: float, now: float) -> str:
    """How long ago, in a few signs: ``now``, ``42 s``, ``5 min``, ``3 h``, ``24 Nov``."""
    passed = now - at
    for unit, size, most in (("s", 1, 60), ("min", 60, 3600), ("h", 3600, 86_400)):
        if passed < most:
            count = int(passed // size)
            return f"{count} {unit}" if count > 0 else "now"
    return f"{datetime.fromtimestamp(at, UTC):%-d %b}"
