"""The publishers that the Publisher contract is held against: X's adapter on the sandbox, and the fake.

A ``Stand`` is a publisher with what a test needs to do at its other end.
"""

import time
from typing import Protocol

from pydantic import SecretStr

from bridge.config import XSettings
from bridge.errors import OutcomeUnknown, OutOfCredit, Throttled
from bridge.interfaces import Publisher
from bridge.model import Account, Linked, LinkStart
from bridge.publish.x import XPublisher
from bridge.sandbox import Fault, Kind, Sandbox
from tests.fakes.publisher import FakePublisher, Gate

_REQUESTS = {
    "post": ("POST", "/2/tweets"),
    "delete": ("DELETE", "/2/tweets/*"),
    "repost": ("POST", "/2/users/*/retweets"),
    "unrepost": ("DELETE", "/2/users/*/retweets/*"),
    "upload": ("POST", "/2/media/upload"),
    "find": ("GET", "/2/users/*/tweets"),
}


class Stand(Protocol):
    """What happens at the other end of ``publisher``. Methods are named as the protocol names them."""

    publisher: Publisher

    def approve(self, link: LinkStart, handle: str) -> str:
        """A person lets the app in as ``handle``; their PIN."""
        ...

    def texts(self, handle: str) -> list[str]:
        """What is out, oldest first."""
        ...

    def reposts(self, handle: str) -> list[str]: ...

    def count(self, method: str) -> int:
        """How many requests for it came."""
        ...

    def lose(self, method: str, *, taken: bool) -> None:
        """The next answer gets lost, after what was asked for was done, or before."""
        ...

    def out_of_credit(self, method: str) -> None: ...

    def throttle(self, method: str, seconds: float) -> None:
        """Refused for that long, counted from now."""
        ...

    def hang(self, method: str) -> None:
        """The next request gets no answer."""
        ...

    def known_to_hang(self, method: str) -> bool:
        """Whether that request has come in."""
        ...

    async def close(self) -> None: ...


class SandboxStand:
    """X's adapter, and the sandbox behind it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        settings = XSettings(
            consumer_key=SecretStr(sandbox.consumer_key),
            consumer_secret=SecretStr(sandbox.consumer_secret),
            api_url=sandbox.url,
            web_url=sandbox.url,
        )
        self.publisher: Publisher = XPublisher(settings, clock=time.time)

    @classmethod
    async def start(cls) -> "SandboxStand":
        return cls(await Sandbox.start())

    def approve(self, link: LinkStart, handle: str) -> str:
        return self.sandbox.approve(link.authorize_url, handle)

    def texts(self, handle: str) -> list[str]:
        posts = self.sandbox.world.user(handle).posts.values()
        return [post.text for post in posts if post.repost_of is None]

    def reposts(self, handle: str) -> list[str]:
        return list(self.sandbox.world.user(handle).reposts)

    def count(self, method: str) -> int:
        verb, path = _REQUESTS[method]
        parts = path.split("/")
        return sum(
            seen.method == verb and all(a in (b, "*") for a, b in zip(parts, seen.path.split("/"), strict=False))
            for seen in self.sandbox.log
            if seen.path.count("/") == path.count("/")
        )

    def _fault(
        self, method: str, fault: Kind, *, taken: bool = False, answer: str = "503", seconds: float = 0.0
    ) -> None:
        verb, path = _REQUESTS[method]
        self.sandbox.faults.add(Fault(fault, taken=taken, answer=answer, seconds=seconds, method=verb, path=path))

    def lose(self, method: str, *, taken: bool) -> None:
        self._fault(method, Kind.CUT, taken=taken)

    def out_of_credit(self, method: str) -> None:
        self._fault(method, Kind.ANSWER, answer="credits-depleted")

    def throttle(self, method: str, seconds: float) -> None:
        self._fault(method, Kind.ANSWER, answer="rate-limit", seconds=seconds)

    def hang(self, method: str) -> None:
        self._fault(method, Kind.HANG)

    def known_to_hang(self, method: str) -> bool:
        return any(seen.note == "fault: hang" for seen in self.sandbox.log)

    async def close(self) -> None:
        await self.publisher.close()
        await self.sandbox.stop()


class FakeStand:
    """The publisher in memory."""

    def __init__(self) -> None:
        self.fake = FakePublisher()
        self.publisher: Publisher = self.fake
        self._gates: dict[str, Gate] = {}

    def approve(self, link: LinkStart, handle: str) -> str:
        return self.fake.approve(link, handle)

    def texts(self, handle: str) -> list[str]:
        return self.fake.texts(handle)

    def reposts(self, handle: str) -> list[str]:
        return self.fake.reposts(handle)

    def count(self, method: str) -> int:
        return self.fake.count(method)

    def lose(self, method: str, *, taken: bool) -> None:
        self.fake.fail(method, OutcomeUnknown("the answer was lost"), taken=taken)

    def out_of_credit(self, method: str) -> None:
        self.fake.fail(method, OutOfCredit("no credit"))

    def throttle(self, method: str, seconds: float) -> None:
        self.fake.fail(method, Throttled("too many", retry_at=time.time() + seconds))

    def hang(self, method: str) -> None:
        self._gates[method] = self.fake.hold(method)

    def known_to_hang(self, method: str) -> bool:
        return self._gates[method].entered.is_set()

    async def close(self) -> None:
        await self.publisher.close()


async def linked(stand: Stand, handle: str) -> Linked:
    """An account, linked the whole way."""
    link = await stand.publisher.begin_link()
    return await stand.publisher.finish_link(link.request, stand.approve(link, handle))


def account(of: Linked) -> Account:
    """It as the store would give it."""
    return Account(1, "x", of.remote_id, of.handle)
