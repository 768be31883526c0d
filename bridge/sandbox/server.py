"""The sandbox as a server on loopback: X's API, its consent page, a timeline, and things that go wrong on demand.

It ties the parts together and knows what happens in which order; what X would answer is known by the endpoints, and how
an answer is broken by ``wire``.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from email.utils import formatdate
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from aiohttp import web

from bridge.sandbox import answers, consent, control, media, oauth, pages, timeline, tweets, wire
from bridge.sandbox.answers import Answer
from bridge.sandbox.consent import Consent
from bridge.sandbox.control import Control
from bridge.sandbox.endpoints import Call, Endpoint, Table
from bridge.sandbox.faults import Fault, Faults, Kind
from bridge.sandbox.gate import Arrival, Gate, Turned
from bridge.sandbox.limits import Limits, Standing
from bridge.sandbox.log import Log, Seen
from bridge.sandbox.pages import Visit
from bridge.sandbox.wire import Wire
from bridge.sandbox.world import World

LARGEST_BODY = 32 << 20
"""Bytes. More than X's largest upload in one go."""

HANDLES = ("ana", "acme", "acme_labs")


class Sandbox:
    """A running stand-in for X. Make it with ``start``; end it with ``stop``, or use ``async with``.

    ``world`` holds people, tokens and posts; ``faults`` what shall go wrong; ``limits`` the rate limits; ``log`` what
    came in. ``clock`` may be replaced while it runs: the Date header, timestamps and rate limits follow it.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        numbers: Mapping[str, int] | None = None,
        handles: Collection[str] = HANDLES,
        consumer_key: str | None = None,
        consumer_secret: str | None = None,
        control_token: str | None = None,
        callbacks: Collection[str] = (),
    ) -> None:
        self.clock = clock
        self.consumer_key = consumer_key or secrets.token_urlsafe(18)
        self.consumer_secret = consumer_secret or secrets.token_urlsafe(36)
        self.control_token = control_token or secrets.token_urlsafe(18)
        self.url = ""
        self.world = World()
        self.faults = Faults()
        self.limits = Limits(numbers)
        self.log = Log()
        for handle in handles:
            self.world.add_user(handle)
        self._gate = Gate(self.world, self.consumer_key, self.consumer_secret)
        self._table = Table((*oauth.endpoints(frozenset(callbacks)), *tweets.ENDPOINTS, *media.ENDPOINTS))
        self._wire = Wire()
        self._consent = Consent(self.world)
        self._control = Control(self.world, self.faults, self.log, self.approve)
        self._date = (0, "")
        self._cookie = f"guest_id=v1%3A{secrets.randbelow(10**18)}; Path=/; HttpOnly"
        self._runner: web.ServerRunner | None = None

    @classmethod
    async def start(
        cls,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        numbers: Mapping[str, int] | None = None,
        handles: Collection[str] = HANDLES,
        *,
        consumer_key: str | None = None,
        consumer_secret: str | None = None,
        control_token: str | None = None,
        callbacks: Collection[str] = (),
    ) -> "Sandbox":
        """A server that listens on 127.0.0.1; port 0 takes a free one. Keys are random where none are given.

        ``numbers`` overrides rate limits by name (``limits.PUBLISHED``); ``callbacks`` are the app's callback addresses
        besides ``oob``. Raises OSError when the port is taken.
        """
        sandbox = cls(
            clock=clock,
            numbers=numbers,
            handles=handles,
            consumer_key=consumer_key,
            consumer_secret=consumer_secret,
            control_token=control_token,
            callbacks=callbacks,
        )
        await sandbox._listen(port)
        return sandbox

    async def _listen(self, port: int) -> None:
        server = web.Server(self._handle, request_factory=_request, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port, backlog=1024).start()
        except OSError:
            await self._runner.cleanup()
            raise
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Close every connection and stop listening. Waiting faults end at once."""
        self._wire.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> "Sandbox":
        if self._runner is None:
            await self._listen(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def approve(self, authorize_url: str, handle: str) -> str:
        """Do what a person does who opens ``authorize_url``, picks ``handle`` and says yes; give the PIN.

        The account is made when there is none. For a link with a callback it is the verifier instead.
        Raises KeyError when the link is unknown, used or too old.
        """
        token = parse_qs(urlsplit(authorize_url).query).get("oauth_token", [""])[0]
        pending = self.world.pending(token, self.clock())
        if pending is None:
            raise KeyError("no such request token")
        self.world.add_user(handle)
        return self.world.approve(pending, handle)

    # ------------------------------------------------------------ requests

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        method, target = request.method, request.raw_path
        path = target.partition("?")[0]
        found = self._table.find(method, path)
        if found is None and not path.startswith(_LOGGED):
            response: web.StreamResponse = await self._look(request, path)
        else:
            seen = self.log.add(Seen(self.clock(), method, path, cookie="Cookie" in request.headers))
            try:
                response = await (self._api(request, *found, seen) if found else self._look(request, path))
            finally:
                seen.until = self.clock()
            seen.status = seen.status or (0 if seen.note else response.status)
        if not response.prepared:
            response.headers["Date"] = self._now_as_date()
        return response

    async def _api(
        self, request: web.BaseRequest, endpoint: Endpoint, args: dict[str, str], seen: Seen
    ) -> web.StreamResponse:
        headers = request.headers
        arrival = Arrival(
            method=request.method,
            host=headers.get("Host", ""),
            target=request.raw_path,
            authorization=headers.get("Authorization"),
            content_type=headers.get("Content-Type", ""),
            body=await request.read(),
        )
        now = self.clock()
        call = self._gate.admit(endpoint, args, arrival, now)
        if isinstance(call, Turned):
            seen.note, seen.status = call.why, call.answer.status
            return wire.whole(call.answer, {})
        if call.user is not None:
            seen.account = call.user.handle
        more = {"Set-Cookie": self._cookie}
        standing = None
        if endpoint.limit is not None:
            standing = self.limits.count(seen.account or "", endpoint.limit, now)
            more |= standing.headers()
            if not standing.allowed:
                seen.note, seen.status = "rate limit", 429
                return wire.whole(answers.TOO_MANY, more)
        fault = self.faults.take(request.method, seen.path, seen.account) if len(self.faults) else None
        if fault is None:
            return wire.whole(self._carry_out(endpoint, call, seen), more)
        return await self._break(request, endpoint, call, seen, fault, _told(more, fault, standing, now))

    def _carry_out(self, endpoint: Endpoint, call: Call, seen: Seen) -> Answer:
        answer = endpoint.work(self.world, call)
        seen.status = answer.status
        seen.taken = answer.status < 300
        return answer

    async def _break(
        self,
        request: web.BaseRequest,
        endpoint: Endpoint,
        call: Call,
        seen: Seen,
        fault: Fault,
        headers: dict[str, str],
    ) -> web.StreamResponse:
        seen.note = f"fault: {fault.kind.value}"
        headers["Date"] = self._now_as_date()
        response = await self._wire.respond(request, lambda: self._carry_out(endpoint, call, seen), fault, headers)
        seen.status = 0 if fault.kind in _SILENT else response.status
        return response

    async def _look(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """All that is not X's API: pages for a browser, and control for another process."""
        if self._control.knows(request.method, path):
            given = request.headers.get(control.HEADER, "")
            if not hmac.compare_digest(given.encode(errors="replace"), self.control_token.encode()):
                return wire.whole(answers.text(403, f"{control.HEADER}: the control token is expected"), {})
            return wire.whole(self._control.answer(request.method, path, await request.read()), {})
        return wire.whole(self._page(request, path, await _form(request)), {})

    def _page(self, request: web.BaseRequest, path: str, form: dict[str, str]) -> Answer:
        now = self.clock()
        if path == consent.PATH and request.method in ("GET", "POST"):
            cookie = request.cookies.get(consent.COOKIE, "")
            return self._consent.answer(Visit(request.method, path, dict(request.query), form, cookie), now)
        if path == wire.STRAYED:
            return answers.data({"strayed": True})
        if request.method not in ("GET", "HEAD") or path.startswith(_API):
            return answers.NO_SUCH_PAGE
        match path.strip("/").split("/"):
            case [""]:
                return timeline.home(self.world, now)
            case ["sandbox", name] if (asset := pages.asset(name)) is not None:
                return asset
            case [handle]:
                return timeline.profile(self.world, handle, now)
            case [handle, "status", post_id]:
                return timeline.single(self.world, handle, post_id, now)
            case _:
                return pages.notice(404, "There is no such page", "The timeline is at the top left.")

    def _now_as_date(self) -> str:
        """The Date header by our clock, so that a client can see how far its own is off."""
        second = int(self.clock())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]


_API = ("/2/", "/1.1/", "/oauth/")
_LOGGED = (*_API, wire.STRAYED)
_SILENT = (Kind.CUT, Kind.RESET, Kind.HANG)


def _told(headers: dict[str, str], fault: Fault, standing: Standing | None, now: float) -> dict[str, str]:
    """The headers of a faulty answer: a rate limit on demand says when it ends."""
    if fault.kind is Kind.ANSWER and fault.answer == "rate-limit":
        limit = standing.limit if standing is not None else 15
        return headers | Standing(limit, 0, now + fault.seconds, allowed=False).headers()
    return headers


class _Request(web.BaseRequest):
    """A request with room for an upload."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, client_max_size=LARGEST_BODY, **kwargs)


def _request(*parts: Any) -> web.BaseRequest:
    return _Request(*parts, asyncio.get_running_loop())


async def _form(request: web.BaseRequest) -> dict[str, str]:
    """The fields of a posted form; empty when there is none, or none that can be read."""
    if request.method != "POST" or request.content_type != answers.FORM:
        return {}
    try:
        return dict(parse_qsl((await request.read()).decode(), keep_blank_values=True, max_num_fields=50))
    except ValueError:
        return {}
