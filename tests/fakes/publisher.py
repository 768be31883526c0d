"""A publisher in memory, at our own seam: what the tests of bot and outbox publish to.

It keeps the promises of ``Publisher`` (``tests/contract/test_publisher.py`` holds it to them), counts what it is asked,
and goes wrong on demand. It knows nothing of X, HTTP or OAuth.

    x = FakePublisher(clock=clock)
    ana = x.person("ana")                                  # an account with a token pair, as if linked
    x.fail("post", OutcomeUnknown("cut"), taken=True)      # the next post is made, and the answer is lost
    gate = x.hold("post"); ...; await gate.entered.wait(); gate.release()
    assert x.texts("ana") == ["hello"] and x.count("post") == 1
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bridge.errors import LinkBroken, LinkRefused, Rejected, TooLong, UsageError
from bridge.interfaces import Clock
from bridge.model import Account, Credentials, Draft, Linked, LinkStart, Medium, Receipt

T = TypeVar("T")

WEB = "https://x.example"


@dataclass(frozen=True, slots=True)
class Made:
    """A post that is out. ``repost_of`` is the id of what it reposts."""

    id: str
    text: str
    at: float
    reply_to: str | None = None
    repost_of: str | None = None
    media: tuple[str, ...] = ()


@dataclass(slots=True)
class Person:
    """An account at the fake. ``posts``: what is out now, oldest first. ``dead``: its pair was revoked."""

    remote_id: str
    handle: str
    credentials: Credentials
    posts: list[Made] = field(default_factory=list)
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call that reached the fake, in order of arrival. ``token`` is whose pair it came with."""

    method: str
    token: str
    subject: str


class Gate:
    """Holds one call: ``entered`` is set when it has come, and it goes on after ``release``."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self._open = asyncio.Event()

    def release(self) -> None:
        self._open.set()

    async def wait(self) -> None:
        self.entered.set()
        await self._open.wait()


@dataclass(frozen=True, slots=True)
class _Plan:
    error: BaseException | None = None
    taken: bool = False
    gate: Gate | None = None
    rest: float | None = None


class FakePublisher:
    """See the module. Methods are named in ``fail``, ``hold`` and ``count`` as the protocol names them."""

    def __init__(self, *, name: str = "x", clock: Clock = time.time, limit: int = 280) -> None:
        self.name = name
        self.limit = limit
        self.calls: list[Call] = []
        self.people: dict[str, Person] = {}
        self.uploads: dict[str, tuple[bytes, str, str]] = {}
        """Content, type and alt text, by id."""
        self.closed = False
        self.blind = False
        """While set, ``find`` sees nothing, as when the publisher's timeline lags."""
        self._clock = clock
        self._plans: defaultdict[str, deque[_Plan]] = defaultdict(deque)
        self._always: dict[str, Callable[[], BaseException]] = {}
        self._requests: dict[str, tuple[str, str] | None] = {}
        self._serial = 0

    # ------------------------------------------------------------ what a test says

    def person(self, handle: str) -> Person:
        """The account of that handle, made where there is none."""
        if handle not in self.people:
            number = self._next()
            pair = Credentials(f"token-{handle}-{number}", f"secret-{handle}-{number}")
            self.people[handle] = Person(str(1000 + number), handle, pair)
        return self.people[handle]

    def approve(self, link: LinkStart, handle: str) -> str:
        """The person opens the address, lets the app in as ``handle``, and gets this PIN."""
        self._serial += 1
        pin = f"{self._serial:07d}"
        self._requests[link.request.token] = (pin, self.person(handle).handle)
        return pin

    def fail(self, method: str, error: BaseException, *, taken: bool = False, times: int = 1) -> None:
        """The next calls of ``method`` raise ``error``; with ``taken``, after having done their work."""
        self._plans[method].extend([_Plan(error, taken)] * times)

    def succeed(self, method: str, times: int = 1) -> None:
        """The next calls of ``method`` go well; what is planned after them comes after them."""
        self._plans[method].extend([_Plan()] * times)

    def always_fail(self, method: str, make: Callable[[], BaseException] | None) -> None:
        """Every call of ``method`` that nothing else was planned for raises ``make()``, undone; None ends that."""
        if make is None:
            self._always.pop(method, None)
        else:
            self._always[method] = make

    def hold(self, method: str, error: BaseException | None = None, *, taken: bool = False) -> Gate:
        """The next call of ``method`` waits for the gate first, then goes well or as ``fail`` would say."""
        gate = Gate()
        self._plans[method].append(_Plan(error, taken, gate))
        return gate

    def rest(self, method: str, until: float) -> None:
        """The next call goes well, and its receipt says that the account must rest until then."""
        self._plans[method].append(_Plan(rest=until))

    def put(self, handle: str, text: str) -> str:
        """Somebody posts ``text`` as ``handle`` by another way; give its id."""
        return self._make(self.person(handle), text).id

    def kill(self, handle: str) -> None:
        """The account's pair is worthless from now on."""
        self.person(handle).dead = True

    # ------------------------------------------------------------ what a test asks

    def count(self, method: str) -> int:
        """How many calls of ``method`` came, failed ones too."""
        return sum(call.method == method for call in self.calls)

    def texts(self, handle: str) -> list[str]:
        """What is out now, oldest first, without reposts."""
        return [made.text for made in self.person(handle).posts if made.repost_of is None]

    def reposts(self, handle: str) -> list[str]:
        """The ids that ``handle`` reposts now."""
        return [made.repost_of for made in self.person(handle).posts if made.repost_of is not None]

    # ------------------------------------------------------------ the protocol

    def check(self, draft: Draft, *, premium: bool) -> None:
        limit = self.longest(premium=premium)
        if not draft.text.strip() and not draft.media:
            raise UsageError("There is no text to post.")
        if len(draft.media) > 4:
            raise UsageError("A post has at most 4 pictures.")
        for one in draft.media:
            self.check_medium(one)
        if len(draft.text) > limit:
            raise TooLong(f"The text is {len(draft.text) - limit} too long.")

    def longest(self, *, premium: bool) -> int:
        return 25_000 if premium else self.limit

    def post_url(self, handle: str, remote_id: str) -> str:
        return f"{WEB}/{handle}/status/{remote_id}"

    def find_id(self, text: str) -> str | None:
        text = text.strip()
        tail = text.rpartition("/")[2] if text.startswith(f"{WEB}/") else text
        return tail if tail.isascii() and tail.isdigit() else None

    async def begin_link(self) -> LinkStart:
        plan = await self._enter("begin_link", "", "")
        number = self._next()
        link = LinkStart(Credentials(f"request-{number}", f"request-secret-{number}"), f"{WEB}/authorize?n={number}")
        self._requests[link.request.token] = None
        return self._leave(plan, link)

    async def finish_link(self, request: Credentials, pin: str) -> Linked:
        plan = await self._enter("finish_link", request.token, "")
        approved = self._requests.pop(request.token, None)
        if approved is None or approved[0] != pin:
            raise LinkRefused("The PIN is wrong, was used already, or is too old.")
        person = self.person(approved[1])
        if person.dead:
            number = self._next()
            person.credentials = Credentials(f"token-{person.handle}-{number}", f"secret-{person.handle}-{number}")
            person.dead = False
        return self._leave(plan, Linked(person.remote_id, person.handle, person.credentials))

    async def revoke(self, credentials: Credentials) -> None:
        plan = await self._enter("revoke", credentials.token, "")
        for person in self.people.values():
            if person.credentials == credentials:
                person.dead = True
        self._leave(plan, None)

    def largest(self, mime: str) -> int:
        video = {"image/gif": 15 << 20, "video/mp4": 512 << 20}
        return {"image/jpeg": 5 << 20, "image/png": 5 << 20, **video}.get(mime, 0)

    def check_medium(self, medium: Medium) -> None:
        if len(medium.alt) > 1000:
            raise UsageError("The alt text is too long.")
        if not self.largest(medium.mime):
            raise UsageError("Pictures are JPEG or PNG.")
        if medium.size > max(self.largest(medium.mime), 50 << 20 if medium.mime in ("image/jpeg", "image/png") else 0):
            raise UsageError("The picture is too large.")
        if medium.duration > 140.5:
            raise UsageError("The video is too long.")

    async def upload(self, credentials: Credentials, file: Path, mime: str, alt: str) -> str:
        plan = await self._enter("upload", credentials.token, alt)
        self._signer(credentials)
        media_id = str(2_000_000 + self._next())
        self.uploads[media_id] = (file.read_bytes(), mime, alt)
        return self._leave(plan, media_id)

    async def post(self, credentials: Credentials, draft: Draft) -> Receipt:
        plan = await self._enter("post", credentials.token, draft.text)
        person = self._signer(credentials)
        if draft.text and any(made.text == draft.text for made in person.posts):
            raise Rejected("The account has this text already.", duplicate=True)
        media = tuple(one.remote_id for one in draft.media)
        if any(media_id not in self.uploads for media_id in media):
            raise Rejected("There is no such picture.")
        return self._leave(plan, Receipt(self._make(person, draft.text, draft.reply_to, media=media).id, plan.rest))

    async def repost(self, credentials: Credentials, account: Account, remote_id: str) -> Receipt:
        plan = await self._enter("repost", credentials.token, remote_id)
        person = self._signer(credentials)
        if remote_id not in self.reposts(person.handle):
            self._make(person, "", repost_of=remote_id)
        return self._leave(plan, Receipt(remote_id, plan.rest))

    async def delete(self, credentials: Credentials, remote_id: str) -> None:
        plan = await self._enter("delete", credentials.token, remote_id)
        person = self._signer(credentials)
        person.posts = [made for made in person.posts if made.id != remote_id]
        self._leave(plan, None)

    async def unrepost(self, credentials: Credentials, account: Account, remote_id: str) -> None:
        plan = await self._enter("unrepost", credentials.token, remote_id)
        person = self._signer(credentials)
        person.posts = [made for made in person.posts if made.repost_of != remote_id]
        self._leave(plan, None)

    async def find(
        self, credentials: Credentials, account: Account, draft: Draft, *, since: float, known: Collection[str]
    ) -> Receipt | None:
        plan = await self._enter("find", credentials.token, draft.text)
        person = self._signer(credentials)
        found = [
            made
            for made in person.posts
            if made.text == draft.text
            and (draft.text or made.media == tuple(one.remote_id for one in draft.media))
            and made.repost_of is None
            and made.at >= since
            and made.id not in known
        ]
        return self._leave(plan, Receipt(found[-1].id) if found and not self.blind else None)

    async def close(self) -> None:
        self.closed = True

    # ------------------------------------------------------------ inside

    def _next(self) -> int:
        self._serial += 1
        return self._serial

    def _make(
        self,
        person: Person,
        text: str,
        reply_to: str | None = None,
        repost_of: str | None = None,
        media: tuple[str, ...] = (),
    ) -> Made:
        made = Made(str(1_000_000 + self._next()), text, self._clock(), reply_to, repost_of, media)
        person.posts.append(made)
        return made

    def _signer(self, credentials: Credentials) -> Person:
        for person in self.people.values():
            if person.credentials == credentials and not person.dead:
                return person
        raise LinkBroken("The account's link is dead.")

    async def _enter(self, method: str, token: str, subject: str) -> _Plan:
        self.calls.append(Call(method, token, subject))
        plans = self._plans[method]
        if not plans and method in self._always:
            raise self._always[method]()  # noqa: RSE102 - it makes the error
        plan = plans.popleft() if plans else _Plan()
        if plan.gate is not None:
            await plan.gate.wait()
        else:
            await asyncio.sleep(0)  # as every real exchange, it lets others run
        if plan.error is not None and not plan.taken:
            raise plan.error
        return plan

    @staticmethod
    def _leave(plan: _Plan, value: T) -> T:
        if plan.error is not None:
            raise plan.error
        return value
