"""The sandbox's small world: one app, people, their tokens and their posts. All in memory, all bounded.

It knows what X remembers and nothing of HTTP, signatures or pages. Times are arguments, in Unix seconds.
"""

import secrets
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from bridge.model import Credentials

POSTS_KEPT = 20_000
"""Posts kept of each account; older ones are forgotten."""
LINKS_KEPT = 20_000
PENDING_KEPT = 1_000
PENDING_SECONDS = 900.0
"""How long a request token can be approved and traded."""
DUPLICATE_SECONDS = 86_400.0
"""How long the same text is refused. X does not say; a day is a guess on the strict side."""

_SNOWFLAKE_EPOCH = 1_288_834_974_657
"""Milliseconds: what the time inside X's post ids counts from."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Post:
    """A post, or (with ``repost_of``) a repost. ``text`` is raw, as it was sent; ``at`` in Unix seconds."""

    id: str
    handle: str
    text: str
    at: float
    reply_to: str | None = None
    repost_of: str | None = None
    media: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


@dataclass(slots=True)
class User:
    """A person's account here. ``posts`` by id, oldest first."""

    id: str
    handle: str
    name: str
    premium: bool = False
    posts: OrderedDict[str, Post] = field(default_factory=OrderedDict)
    texts: dict[str, str] = field(default_factory=dict)
    reposts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """An access token: whose, and what it may do. ``write`` is what the app was allowed when it was given out."""

    user: User
    credentials: Credentials
    write: bool


@dataclass(slots=True)
class Pending:
    """A request token on its way to an access token."""

    credentials: Credentials
    callback: str
    made_at: float
    handle: str | None = None
    pin: str | None = field(default=None, repr=False)


@dataclass(slots=True)
class Medium:
    """An upload. Its bytes are counted and thrown away. ``segments``: the size of each chunk, by its number;
    ``total``: what was announced. ``ready_at``: when it has been worked on, in Unix seconds; ``unfit``: why it cannot
    be used then.
    """

    id: str
    owner: str
    category: str
    size: int = 0
    alt: str = ""
    complete: bool = True
    total: int = 0
    segments: dict[int, int] = field(default_factory=dict)
    ready_at: float = 0.0
    unfit: str = ""


class World:
    """Everything that the stand-in remembers."""

    def __init__(self) -> None:
        self.write = True
        self.suspended = False
        self.fresh_pairs = False
        self.lag = 0.0
        self.processing = 1.0
        """Seconds that GIFs and videos are worked on."""
        self.unfit = ""
        """Why the next videos cannot be used; empty: they can."""
        self.users: dict[str, User] = {}
        self.media: dict[str, Medium] = {}
        self.taken = 0
        self._users_by_id: dict[str, User] = {}
        self._posts: dict[str, Post] = {}
        self._reposted: dict[str, set[str]] = {}
        self._latest: deque[Post] = deque(maxlen=200)
        self._access: dict[str, Access] = {}
        self._given: dict[str, Access] = {}
        self._pending: OrderedDict[str, Pending] = OrderedDict()
        self._short: OrderedDict[str, str] = OrderedDict()
        self._last_id = 0

    # ------------------------------------------------------------ people

    def add_user(self, handle: str, name: str = "", *, premium: bool = False) -> User:
        """A new account; the one there is when the handle is taken."""
        key = handle.lower()
        if key not in self.users:
            shown = name or handle.replace("_", " ").title()
            user = User(str(2_244_994_945 + 7919 * len(self.users)), handle, shown, premium)
            self.users[key] = self._users_by_id[user.id] = user
        return self.users[key]

    def user(self, handle: str) -> User:
        """Raises KeyError when there is none of that handle."""
        return self.users[handle.lower()]

    def user_by_id(self, user_id: str) -> User | None:
        """None when there is no such account."""
        return self._users_by_id.get(user_id)

    # ------------------------------------------------------------ tokens

    def ask(self, callback: str, now: float) -> Pending:
        """A new request token."""
        pending = Pending(Credentials(_random(27), _random(32)), callback, now)
        self._pending[pending.credentials.token] = pending
        while len(self._pending) > PENDING_KEPT:
            self._pending.popitem(last=False)
        return pending

    def pending(self, token: str, now: float) -> Pending | None:
        """The request token's record; None when it is unknown, used, burnt or too old."""
        pending = self._pending.get(token)
        if pending is not None and now - pending.made_at > PENDING_SECONDS:
            self.burn(token)
            return None
        return pending

    def burn(self, token: str) -> None:
        """Make a request token worthless."""
        self._pending.pop(token, None)

    def approve(self, pending: Pending, handle: str) -> str:
        """The person said yes: a PIN of seven digits (or, for a callback, a longer verifier)."""
        pending.handle = self.user(handle).handle
        pending.pin = f"{secrets.randbelow(9_000_000) + 1_000_000}" if pending.callback == "oob" else _random(32)
        return pending.pin

    def issue(self, handle: str) -> Access:
        """The access token of this user and app: the same pair as before, unless permissions changed between."""
        user = self.user(handle)
        access = self._given.get(user.id)
        living = access is not None and access.credentials.token in self._access
        if access is not None and living and access.write == self.write and not self.fresh_pairs:
            return access
        access = Access(user, Credentials(f"{user.id}-{_random(32)}", _random(45)), self.write)
        self._access[access.credentials.token] = self._given[user.id] = access
        return access

    def access(self, token: str) -> Access | None:
        """None when the token is unknown or dead."""
        return self._access.get(token)

    def revoke(self, token: str) -> None:
        """Kill one access token."""
        self._access.pop(token, None)

    def revoke_user(self, handle: str) -> None:
        """The person took the app's right away: all their access tokens die."""
        user = self.user(handle)
        self._access = {token: access for token, access in self._access.items() if access.user is not user}

    # ------------------------------------------------------------ posts

    def next_id(self, now: float) -> str:
        """A snowflake: milliseconds since X's own epoch, then 22 bits that count; always growing."""
        made = max(int(now * 1000) - _SNOWFLAKE_EPOCH, 0) << 22
        self._last_id = max(made, self._last_id + 1)
        return str(self._last_id)

    def put(self, post: Post) -> Post:
        """Keep a post; its author's oldest is forgotten when there are too many."""
        user = self.user(post.handle)
        user.posts[post.id] = self._posts[post.id] = post
        self._latest.append(post)
        if post.repost_of is not None:
            user.reposts[post.repost_of] = post.id
            self._reposted.setdefault(post.repost_of, set()).add(post.id)
        else:
            user.texts[post.text] = post.id
        self.taken += 1
        if len(user.posts) > POSTS_KEPT:
            self.drop(next(iter(user.posts.values())))
        return post

    def add_post(self, handle: str, text: str, now: float, *, reply_to: str | None = None) -> Post:
        """A post that somebody made on X itself."""
        user = self.user(handle)
        return self.put(Post(self.next_id(now), user.handle, text, now, reply_to))

    def drop(self, post: Post) -> None:
        """Delete a post, and with it its reposts; or take a repost back."""
        user = self.user(post.handle)
        user.posts.pop(post.id, None)
        self._posts.pop(post.id, None)
        index, key = (user.reposts, post.repost_of) if post.repost_of else (user.texts, post.text)
        if key is not None and index.get(key) == post.id:
            del index[key]
        if post.repost_of is not None:
            self._reposted.get(post.repost_of, set()).discard(post.id)
        for repost_id in self._reposted.pop(post.id, ()):
            if (repost := self._posts.get(repost_id)) is not None:
                self.drop(repost)

    def post(self, post_id: str) -> Post | None:
        """None when there is none, or no longer."""
        return self._posts.get(post_id)

    def repeats(self, user: User, text: str, now: float) -> bool:
        """Whether that user has this text up already, from the last day."""
        post = user.posts.get(user.texts.get(text, ""))
        return post is not None and now - post.at < DUPLICATE_SECONDS

    def latest(self, count: int) -> list[Post]:
        """Everybody's newest posts, newest first."""
        living = (post for post in reversed(self._latest) if post.id in self._posts)
        return list(islice(living, count))

    def all_posts(self) -> list[Post]:
        """Everybody's posts, newest first, all of them."""
        return list(reversed(self._posts.values()))

    @staticmethod
    def newest(user: User) -> Iterator[Post]:
        """One account's posts, newest first."""
        return reversed(user.posts.values())

    def shorten(self, address: str) -> str:
        """The t.co form of an address; the same each time."""
        if address not in self._short:
            self._short[address] = f"https://t.co/{_random(10)}"
            if len(self._short) > LINKS_KEPT:
                self._short.popitem(last=False)
        return self._short[address]

    # ------------------------------------------------------------ media

    def add_medium(self, owner: User, category: str, now: float, *, size: int = 0, complete: bool = True) -> Medium:
        """A new upload."""
        medium = Medium(self.next_id(now), owner.id, category, size, complete=complete)
        self.media[medium.id] = medium
        while len(self.media) > PENDING_KEPT:
            del self.media[next(iter(self.media))]
        return medium


def _random(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))
